"""One layer of the denoiser.

If it attends: resnet, word filter if there is one, spatial transformer (reads the portrait), word norm, audio module, motion
module. The others are resnet and word filter.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from longtake.models.attention import Reading, SpatialTransformer
from longtake.models.audio_attention import AudioModule, RegionMaps
from longtake.models.blocks import Resnet
from longtake.models.layout import DenoiserSizes, Place
from longtake.models.motion_module import MotionModule
from longtake.models.rows import Rows
from longtake.models.told import Conditions, Given, LayerConditions, LayerVideo
from longtake.models.word_adaln import WordNorm
from longtake.models.word_filter import WordFilter


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
