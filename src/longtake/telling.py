"""Step 2, words: the prompt track becomes what the denoiser is told about each frame of a segment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from longtake.clips import Prompts
from longtake.diffusion.guidance import Branch, branches
from longtake.errors import PromptError, WeightsMismatch, WeightsMissing
from longtake.prompts import Mix, Track, titled
from longtake.settings import Settings

if TYPE_CHECKING:
    from longtake.encoders.words import Words
    from longtake.networks import Networks

KEPT = 256
"""Embeddings that are kept; of more texts than these the oldest are made again, so memory does not grow."""
HEARD = 0.2
"""What an encoder hears more faintly than this in a text is not asked for: no text reads as nothing at all."""
AWAY_SCALE = 2.0
"""The scale of words beside a negative prompt where they are guided at 1, which would not hear it."""
NARROWED = {"squint": 0.6, "wink": 0.5, "laugh": 0.4, "look_down": 0.4, "disgusted": 0.35, "angry": 0.3, "smile": 0.2}
"""How far expressions close the eyes, the mean of both, at full intensity: about what puppets do (corpus/expressions.py)."""
Shares = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class SegmentWords:
    """What the prompts say of the frames of one segment."""

    words: Float[Tensor, "f d"]
    strength: Float[Tensor, " f"]
    negative: Float[Tensor, "f d"]
    negative_strength: Float[Tensor, " f"]


class Telling:
    """The prompts of a video in the numbers that the denoiser takes. `encoder` may be None for a track without texts."""

    def __init__(self, track: Track, encoder: Words | None = None) -> None:
        self.track, self.encoder = track, encoder
        self._embedded = lru_cache(KEPT)(self._embed)
        self._heard = lru_cache(KEPT)(self._hear)

    def tell(self, first_frame: int, frames: int) -> SegmentWords | None:
        """What is said of the frames; None where nothing is said of any of them."""
        mixes = [self.track.at(first_frame + k) for k in range(frames)]
        if not any(mix.told for mix in mixes):
            return None
        return SegmentWords(
            words=torch.stack([self._mixed(mix.texts) for mix in mixes]),
            strength=torch.tensor([mix.strength for mix in mixes]),
            negative=torch.stack([self._mixed(mix.negative) for mix in mixes]),
            negative_strength=torch.tensor([mix.negative_strength for mix in mixes]),
        )

    def weights(self, first_frame: int, frames: int) -> Float[Tensor, "f 3"] | None:
        """How much speech moves pose, face and lip in each frame, times the setting; None: as the setting says."""
        told = [self.track.at(first_frame + k).weights for k in range(frames)]
        return None if set(told) == {Mix.weights} else torch.tensor(told)

    def asked(self, frame: int) -> dict[str, float]:
        """The expressions that a frame is asked for, by name, 0 to 1; none by an encoder that can't tell (`states`)."""
        mix, found = self.track.at(frame), {}
        for text, share in mix.texts:
            for name, much in self._heard(text).items():
                found[name] = found.get(name, 0.0) + mix.strength * share * much
        return found

    def blinks(self, frame: int) -> float:
        """How much of the blinking that words can ask for a frame is asked for, 0 to 1."""
        return min(1.0, self.asked(frame).get("blink_often", 0.0))

    def narrowed(self, frame: int) -> float:
        """How far the words of a frame close the eyes, 0 to 1."""
        asked = self.asked(frame)
        return max((much * asked.get(name, 0.0) for name, much in NARROWED.items()), default=0.0)

    def _hear(self, text: str) -> dict[str, float]:
        """What the encoder takes one text to ask for."""
        states = getattr(self.encoder, "states", None)
        return {} if states is None else {name: much for name, much in states([text])[0].items() if much >= HEARD}

    def _mixed(self, shares: Shares) -> Float[Tensor, " d"]:
        """The embeddings of the texts, mixed; of one text alone exactly its own."""
        assert self.encoder is not None, "a track with texts has an encoder"
        mixed = torch.zeros(self.encoder.width)
        for text, share in shares:
            mixed = mixed + share * self._embedded(text)
        return mixed

    def _embed(self, text: str) -> Float[Tensor, " d"]:
        """One text at a time: what stands beside it in a batch must not change a bit of it."""
        assert self.encoder is not None
        return self.encoder.embed([text])[0].float().cpu()


def told_branches(settings: Settings, prompts: Prompts | None = None) -> list[Branch]:
    """The guidance branches of segments of which these prompts say something; without prompts, of all others."""
    guidance = settings.guidance
    if prompts is None:
        return branches(guidance.portrait, guidance.speech)
    away = any((prompts.negative, *(cue.negative for cue in prompts.cues)))
    scale = AWAY_SCALE if away and settings.words_scale == 1.0 else settings.words_scale
    return branches(guidance.portrait, guidance.speech, scale, away)


def expect_words(networks: Networks, prompts: Prompts, preset: str) -> None:
    """Raises WeightsError if there are words to tell and these networks have not learned any; PromptError if none is known."""
    if not prompts.texts:
        return
    width = networks.animation.sizes.denoiser.words
    if networks.words is None or not width:
        raise no_words(preset)
    if networks.words.width != width:
        raise WeightsMismatch(
            f"The word encoder of {preset} gives {networks.words.width} numbers, its denoiser takes {width}.",
            do="give weights that were made together with --weights",
        )
    for text in prompts.texts:
        if not known(text, networks.words):
            raise PromptError(
                f"No word of '{text[:60]}' is known to {preset}.",
                expected="English words for expressions, like: smiling slightly, eyebrows raised",
                do="docs/prompts.md has a list",
            )


def no_words(preset: str) -> WeightsMissing:
    """The error for prompts given to weights that know no words."""
    return WeightsMissing(
        f"The weights of {preset} have not learned any words, so a prompt would change nothing.",
        expected="animation weights with word norms, and a word encoder beside them",
        do="leave the prompts (and --auto-expression) out, or give weights that were trained with words (recipes with "
        "kind = words) with --weights",
    )


def known(text: str, encoder: Words) -> bool:
    """Whether the encoder understands at least one word of a text."""
    unknown = set(encoder.unknown(text))
    return any(word not in unknown for word in re.findall(r"[^\s,.;:!?()\"]+", text))


def unknown_words(prompts: Prompts, encoder: Words) -> Iterator[str]:
    """A remark for each prompt with words that the encoder does not understand."""
    for cue in prompts.cues:
        unknown = encoder.unknown(cue.text) if cue.text else []
        if unknown:
            words = ", ".join(f"'{word}'" for word in unknown[:5]) + (" ..." if len(unknown) > 5 else "")
            yield f"{titled(cue)} has words that the model does not know and passes over: {words}."
