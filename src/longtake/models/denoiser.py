"""The denoiser: noisy latents of a segment in, velocity or clean latents out; told by portrait, identity, speech, words, motion.

What does not depend on the noise is made beforehand: once per video by `prepare_video`, once per segment by `prepare`.
`forward` is what runs at every step.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from longtake.models.blocks import Grow, Resnet, Shrink, StepEmbedding
from longtake.models.containers import Level, Several
from longtake.models.denoiser_layer import Layer
from longtake.models.layout import DenoiserSizes, Place, down_places, mid_place, up_places
from longtake.models.told import Conditions, Given, Prepared, PreparedVideo


@dataclass
class Deep:
    """What the coarser levels said at one step, to be said again at the next ones (DeepCache, Ma et al. 2023)."""

    features: Float[Tensor, "r c h w"] | None = None


class Denoiser(nn.Module):
    """`spare` also builds the published motion modules that never run, so that the file fits exactly."""

    def __init__(self, sizes: DenoiserSizes, spare: bool = False):
        super().__init__()
        self.sizes = sizes
        unet = sizes.unet
        width = unet.channels[0]
        self.step = StepEmbedding(width)
        self.conv_in = nn.Conv2d(unet.latent, width, 3, padding=1)
        self.down: Several[Level[Layer]] = Several(self._level(places, spare) for places in down_places(unet))
        for level, level_width in zip(self.down[:-1], unet.channels[:-1], strict=True):
            level.shrink = Shrink(level_width)
        self.mid = Layer(sizes, mid_place(unet))
        self.mid_resnet = Resnet(unet.channels[-1], unet.channels[-1], unet.step_width, unet.groups)
        self.up: Several[Level[Layer]] = Several(self._level(places, spare) for places in up_places(unet))
        for level, level_width in zip(self.up[:-1], unet.channels[:0:-1], strict=True):
            level.grow = Grow(level_width)
        self.norm_out = nn.GroupNorm(unet.groups, width, eps=1e-5)
        self.conv_out = nn.Conv2d(width, unet.latent, 3, padding=1)

    def _level(self, places: list[Place], spare: bool) -> Level[Layer]:
        return Level(Layer(self.sizes, place, spare) for place in places)

    def attending(self) -> list[Layer]:
        """The layers that are told of portrait, speech and motion."""
        return [layer for layer in self.layers() if layer.attends]

    def layers(self) -> list[Layer]:
        """All layers, on the way down, at the bottom and on the way up."""
        return [layer for layer in self.modules() if isinstance(layer, Layer)]

    def prepare_video(self, told: Conditions, listens: bool = True) -> PreparedVideo:
        """Keys, values and maps that are the same for a whole video; motion, speech and words of `told` are not looked at.

        If nothing will be heard (`listens` false), audio modules are passed by.
        """
        given = Given.of(told)
        return PreparedVideo({layer.name: layer.prepare_video(told, given, listens) for layer in self.attending()})

    def prepare(self, told: Conditions, frames: int, portrait: PreparedVideo | None = None) -> Prepared:
        """Keys, values and maps that are the same at every step of a segment of `frames` frames.

        `portrait` is what `prepare_video` made of the same portrait, identity and regions; without it, it is made here.
        """
        if told.speech is not None and told.speech.shape[1] != frames:
            raise ValueError(f"speech for {told.speech.shape[1]} frames, but the segment has {frames}")
        given = Given.of(told)
        portrait = portrait or self.prepare_video(told, listens=told.speech is not None)
        layers = {layer.name: layer.prepare(told, given, portrait.layers.get(layer.name)) for layer in self.layers()}
        return Prepared(layers, told.locator)

    def forward(
        self,
        latents: Float[Tensor, "b c f h w"],
        step: Float[Tensor, " b"] | Float[Tensor, "b f"],
        told: Prepared,
        deep: Deep | None = None,
    ) -> Float[Tensor, "b c f h w"]:
        """What is predicted of each frame. `step` is the diffusion step of each row, or of each frame if frames are unrelated.

        `deep` takes in what the coarser levels say, and says it again at the next call.
        """
        b, _, f, _, _ = latents.shape
        if step.ndim == 1:
            step = step[:, None].expand(b, f)
        embedded = F.silu(self.step(step)).flatten(0, 1)
        x = self.conv_in(latents.transpose(1, 2).flatten(0, 1).to(self.conv_in.weight.dtype))
        if told.locator is not None:
            x = x + told.locator.expand(-1, f, -1, -1, -1).flatten(0, 1).to(x)
        skips = [x]
        for layer in self.down[0].layers:
            x = layer(x, embedded, told.layers.get(layer.name))
            skips.append(x)
        if deep is None or deep.features is None:
            x = self._coarse(x, embedded, told)
            if deep is not None:
                deep.features = x
        else:
            x = deep.features
        for layer in self.up[-1].layers:
            x = layer(torch.cat([x, skips.pop()], dim=1), embedded, told.layers.get(layer.name))
        predicted = self.conv_out(F.silu(self.norm_out(x)))
        return predicted.unflatten(0, (b, f)).transpose(1, 2)

    def _coarse(
        self, x: Float[Tensor, "r c h w"], embedded: Float[Tensor, "r d"], told: Prepared
    ) -> Float[Tensor, "r c_up h w"]:
        """What all levels but the finest make of its features, at its size again."""
        fine = self.down[0]
        assert fine.shrink is not None, "there is no coarser level"
        x = fine.shrink(x)
        skips = [x]
        for level in self.down[1:]:
            for layer in level.layers:
                x = layer(x, embedded, told.layers.get(layer.name))
                skips.append(x)
            if level.shrink is not None:
                x = level.shrink(x)
                skips.append(x)
        x = self.mid_resnet(self.mid(x, embedded, told.layers["mid"]), embedded)
        for level in self.up[:-1]:
            for layer in level.layers:
                x = layer(torch.cat([x, skips.pop()], dim=1), embedded, told.layers.get(layer.name))
            if level.grow is not None:
                x = level.grow(x)
        return x
