"""The reference net: a U-Net without a head that reads the portrait and the motion frames once, at diffusion step 0.

Its output is what its transformers are about to attend with: the normalised features of each one.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from longtake.models.attention import SpatialTransformer
from longtake.models.blocks import Grow, Resnet, Shrink, StepEmbedding
from longtake.models.containers import Level, Several
from longtake.models.layout import Place, UNetSizes, attending, down_places, mid_place, up_places

Features = dict[str, Float[Tensor, "r l c"]]


class ReferenceLayer(nn.Module):
    def __init__(self, sizes: UNetSizes, place: Place, head_only: bool = False):
        super().__init__()
        self.name = place.name
        self.resnet = Resnet(place.width_in, place.width, sizes.step_width, sizes.groups)
        self.transformer = None
        if place.attends:
            self.transformer = SpatialTransformer(
                place.width, sizes.context, sizes.heads, sizes.groups, sizes.ff, head_only
            )

    def forward(
        self, x: Float[Tensor, "r c h w"], step: Tensor, context: Float[Tensor, "r t d"], features: Features
    ) -> Float[Tensor, "r c_out h w"]:
        """The grid after this layer; its features are put under its name."""
        x = self.resnet(x, step)
        if self.transformer is not None:
            x, features[self.name] = self.transformer(x, self.transformer.identity.fold(context))
        return x

    def finish(self, x: Float[Tensor, "r c h w"], step: Tensor, features: Features) -> None:
        """The features alone, where nothing that comes after them is read by anyone."""
        assert self.transformer is not None, f"{self.name} has no features"
        features[self.name] = self.transformer.features(self.resnet(x, step))[1]


class ReferenceNet(nn.Module):
    """`spare` also builds the published parts after the last features, which never run, so that the file fits exactly."""

    def __init__(self, sizes: UNetSizes, spare: bool = False):
        super().__init__()
        self.sizes = sizes
        self.last = attending(sizes)[-1].name
        self.spare = spare
        self.step = StepEmbedding(sizes.channels[0])
        self.conv_in = nn.Conv2d(sizes.latent, sizes.channels[0], 3, padding=1)
        self.down: Several[Level[ReferenceLayer]] = Several(self._level(places) for places in down_places(sizes))
        for level, width in zip(self.down[:-1], sizes.channels[:-1], strict=True):
            level.shrink = Shrink(width)
        self.mid = self._layer(mid_place(sizes))
        self.mid_resnet = Resnet(sizes.channels[-1], sizes.channels[-1], sizes.step_width, sizes.groups)
        levels = up_places(sizes) if spare else _until(self.last, up_places(sizes))
        self.up: Several[Level[ReferenceLayer]] = Several(self._level(places) for places in levels)
        for level, places in zip(self.up[:-1], levels, strict=False):
            level.grow = Grow(places[-1].width)

    def _layer(self, place: Place) -> ReferenceLayer:
        return ReferenceLayer(self.sizes, place, head_only=place.name == self.last and not self.spare)

    def _level(self, places: list[Place]) -> Level[ReferenceLayer]:
        return Level(self._layer(place) for place in places)

    def forward(self, latents: Float[Tensor, "r c h w"], context: Float[Tensor, "r t d"]) -> Features:
        """The features of every attending layer, for the portrait's and the motion frames' latents; rows do not interact."""
        features: Features = {}
        step = F.silu(self.step(torch.zeros(latents.shape[0], device=latents.device)))
        x = self.conv_in(latents.to(self.conv_in.weight.dtype))
        skips = [x]
        for level in self.down:
            for layer in level.layers:
                x = layer(x, step, context, features)
                skips.append(x)
            if level.shrink is not None:
                x = level.shrink(x)
                skips.append(x)
        x = self.mid_resnet(self.mid(x, step, context, features), step)
        for level in self.up:
            for layer in level.layers:
                x = torch.cat([x, skips.pop()], dim=1)
                if layer.name == self.last:
                    layer.finish(x, step, features)
                    return features
                x = layer(x, step, context, features)
            if level.grow is not None:
                x = level.grow(x)
        return features


def _until(last: str, levels: list[list[Place]]) -> list[list[Place]]:
    """The levels up to the one with the last features."""
    end = next(i for i, places in enumerate(levels) if any(place.name == last for place in places))
    return levels[: end + 1]
