"""The denoiser: noisy latents of a segment in, velocity or clean latents out; told by portrait, identity, speech, words, motion.

Each attending layer is: resnet, word filter if there is one, spatial transformer (reads the portrait), word norm, audio module,
motion module; the others are resnet and word filter.
What does not depend on the noise is made beforehand: once per video by `prepare_video`, once per segment by `prepare`.
`forward` is what runs at every step.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from longtake.models.attention import Folded, Reading, SpatialTransformer
from longtake.models.audio_attention import AudioModule, Hearing, RegionMaps
from longtake.models.blocks import Grow, Resnet, Shrink, StepEmbedding
from longtake.models.containers import Level, Several
from longtake.models.layout import Place, UNetSizes, down_places, mid_place, up_places
from longtake.models.motion_module import Lead, MotionModule
from longtake.models.reference_net import Features
from longtake.models.rows import Rows
from longtake.models.word_adaln import Shift, WordNorm
from longtake.models.word_filter import Opening, WordFilter


@dataclass(frozen=True)
class DenoiserSizes:
    unet: UNetSizes
    speech: int  # width of a speech token
    words: int  # width of a text embedding; 0 = no word norms
    positions: int  # longest sequence of motion frames + frames
    inner: str = "level"  # width inside audio modules: "level" = the level's, "published" = its neighbour's
    filter: int = 0  # narrow channels of the word filters; 0 = none (published)

    def audio_width(self, place: Place) -> int:
        return place.neighbour if self.inner == "published" else place.width


@dataclass(frozen=True)
class Conditions:
    """What a batch of segments is told. Every row has motion frames and regions; the rest may be absent per row."""

    identity: Float[Tensor, "b t d"]
    regions: tuple[Float[Tensor, "b 3 h w"], ...]  # pose, face, lip; one map a level, finest first
    reference: Features | None = None  # per place "s l c", any number of rows
    reads: Int[Tensor, " b"] | Int[Tensor, "b f"] | None = (
        None  # reference row that each row or frame reads; None: 0..b-1
    )
    has_reference: Bool[Tensor, " b"] | None = None  # None: all rows
    motion: Features | None = None  # per place "b n l c", n may be 0; None: frames are unrelated, no motion modules
    speech: Float[Tensor, "b f t d"] | None = None  # None: no audio modules (stage 1)
    has_speech: Bool[Tensor, " b"] | None = None  # None: all rows; a row without it hears exact silence
    words: Float[Tensor, "b f d"] | None = None  # None: word norms are passed by
    has_words: Bool[Tensor, " b"] | None = None
    words_strength: Float[Tensor, "b f"] | None = None  # 0: nothing is told, exactly; None: 1 everywhere
    locator: Float[Tensor, "b f_or_1 c h w"] | None = (
        None  # of each frame, or one for all; zero for rows without a portrait
    )
    region_weights: tuple[float, float, float] = (1.0, 1.0, 1.0)  # pose, face, lip; of the whole video
    frame_weights: Float[Tensor, "f 3"] | None = None  # of each frame instead, for this segment


@dataclass(frozen=True)
class Given:
    """Which rows have which condition, found once: a flag on a GPU can't be read without waiting for it."""

    reference: Rows
    speech: Rows
    words: Rows

    @classmethod
    def of(cls, told: Conditions) -> "Given":
        b = told.identity.shape[0]
        return cls(*(Rows.of(flags, b) for flags in (told.has_reference, told.has_speech, told.has_words)))


@dataclass(frozen=True)
class LayerVideo:
    """What the portrait and the regions tell one layer. A part that is None is skipped."""

    identity: Folded
    reading: Reading | None
    maps: RegionMaps | None


@dataclass(frozen=True)
class PreparedVideo:
    """Everything that stays the same for a whole video."""

    layers: dict[str, LayerVideo]


@dataclass(frozen=True)
class LayerConditions:
    """`Conditions` as one layer uses them. A part that is None is skipped; without an identity the layer doesn't attend."""

    identity: Folded | None = None
    reading: Reading | None = None
    words: Shift | None = None
    opening: Opening | None = None
    hearing: Hearing | None = None
    motion: Lead | None = None

    def row(self, k: int) -> "LayerConditions":
        """What one row is told."""
        return LayerConditions(
            identity=self.identity and self.identity.row(k),
            reading=self.reading and self.reading.row(k),
            words=self.words and self.words.row(k),
            opening=self.opening and self.opening.row(k),
            hearing=self.hearing and self.hearing.row(k),
            motion=self.motion and self.motion.row(k),
        )


@dataclass(frozen=True)
class Prepared:
    """Everything that stays the same while a segment is denoised."""

    layers: dict[str, LayerConditions]
    locator: Float[Tensor, "b f_or_1 c h w"] | None

    def row(self, k: int) -> "Prepared":
        """What one row is told, for a batch of that row alone."""
        layers = {name: layer.row(k) for name, layer in self.layers.items()}
        return Prepared(layers, None if self.locator is None else self.locator[k : k + 1])


@dataclass
class Deep:
    """What the coarser levels said at one step, to be said again at the next ones (DeepCache, Ma et al. 2023)."""

    features: Float[Tensor, "r c h w"] | None = None


class Layer(nn.Module):
    """`spare_motion` adds the motion module that the published file has at levels without attention; it never runs."""

    def __init__(self, sizes: DenoiserSizes, place: Place, spare_motion: bool = False):
        super().__init__()
        unet, width = sizes.unet, place.width
        self.name, self.level = place.name, place.level
        self.resnet = Resnet(place.width_in, width, unet.step_width, unet.groups)
        filtered = sizes.words and sizes.filter
        self.word_filter = WordFilter(width, sizes.words, sizes.filter, unet.groups) if filtered else None
        if place.attends:
            self.transformer = SpatialTransformer(width, unet.context, unet.heads, unet.groups, unet.ff)
            self.words = WordNorm(width, sizes.words) if sizes.words else None
            inner = sizes.audio_width(place)
            self.audio = AudioModule(width, inner, sizes.speech, unet.heads, unet.groups, unet.ff)
        if place.attends or spare_motion:
            self.motion = MotionModule(width, unet.heads, unet.groups, unet.ff, sizes.positions)
        self.attends = place.attends

    def prepare_video(self, told: Conditions, given: Given, listens: bool) -> LayerVideo:
        masks = told.regions[self.level].flatten(2)
        return LayerVideo(
            identity=self.transformer.identity.fold(told.identity),
            reading=self._reading(told, given.reference),
            maps=self.audio.maps(masks, told.region_weights, given.speech) if listens else None,
        )

    def _reading(self, told: Conditions, readers: Rows) -> Reading | None:
        if told.reference is None or readers.none:
            return None
        reads = torch.arange(readers.batch, device=told.identity.device) if told.reads is None else told.reads
        return Reading(self.transformer.attention.keys(told.reference[self.name]), readers.take(reads), readers)

    def prepare(self, told: Conditions, given: Given, portrait: LayerVideo | None) -> LayerConditions:
        """`portrait` is None for a layer that doesn't attend."""
        words = opening = hearing = motion = None
        if told.words is not None and not given.words.none:
            said = (told.words, given.words, told.words_strength)
            opening = self.word_filter and self.word_filter.prepare(*said)
            words = self.words.prepare(*said) if portrait is not None and self.words is not None else None
        if portrait is None:
            return LayerConditions(opening=opening)
        if told.speech is not None and portrait.maps is not None:
            hearing = self.audio.hear(told.speech, self._maps(told, given) or portrait.maps)
        if told.motion is not None:
            motion = self.motion.prepare(told.motion[self.name])
        return LayerConditions(portrait.identity, portrait.reading, words, opening, hearing, motion)

    def _maps(self, told: Conditions, given: Given) -> RegionMaps | None:
        """The regions as this segment weighs them; None: as the whole video does."""
        if told.frame_weights is None:
            return None
        return self.audio.maps(told.regions[self.level].flatten(2), told.frame_weights, given.speech)

    def forward(
        self, x: Float[Tensor, "r c h w"], step: Float[Tensor, "r d"], told: LayerConditions | None
    ) -> Float[Tensor, "r c_out h w"]:
        x = self.resnet(x, step)
        if told is None:
            return x
        if told.opening is not None and self.word_filter is not None:
            x = self.word_filter(x, told.opening)
        if told.identity is None:
            return x
        x, _ = self.transformer(x, told.identity, told.reading)
        if told.words is not None and self.words is not None:
            x = self.words(x, told.words)
        if told.hearing is not None:
            x = self.audio(x, told.hearing)
        if told.motion is not None:
            x = self.motion(x, told.motion)
        return x


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
