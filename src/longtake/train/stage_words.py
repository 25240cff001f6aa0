"""What is said of the frames of a batch: fresh captions of the states they show, embedded, mixed where a state eases in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from longtake.corpus.captions import caption
from longtake.corpus.expressions import State
from longtake.corpus.windows import Example
from longtake.encoders.published_words import words_called
from longtake.encoders.words import Words
from longtake.errors import SettingsError
from longtake.models.animation import AnimationSizes
from longtake.train.recipe import Recipe
from longtake.train.stage_settings import Data
from longtake.weights import files
from longtake.weights.load import load
from longtake.weights.words import encoder_hashes, hashes_of, only_norms, read_norms

AT_ONCE_RATE = 0.5
"""How often a new state is told in full from its first frame on, while it still eases in: a prompt at the start of a video is."""
PERSON_RATE = 0.5
"""How often the person is spoken of, where the corpus has words for that."""


class Sayings:
    """Embeddings and strengths of words for the frames of examples; `origin` says of what the norms will be a part."""

    def __init__(self, words: Words, origin: dict[str, Any]):
        self.words, self.origin = words, origin

    @classmethod
    def of(cls, recipe: Recipe, data: Data, sizes: AnimationSizes) -> Sayings:
        """The sayings of a recipe: its word encoder must fit the norms."""
        if data.words is None:
            raise SettingsError("The recipe tells words, but has no word encoder.", do="set data.words")
        words, expected = words_called(data.words), sizes.denoiser.words
        if words.width != expected:
            raise SettingsError(
                f"The word encoder {data.words} gives {words.width} numbers.",
                expected=f"{expected}, as wide as the word norms",
                do=f"set sizes.words = {words.width}, or another data.words",
            )
        return cls(words, {"animation": _trained_in(recipe), "encoder": encoder_hashes(data.words)})

    def go_on(self, model: nn.Module, path: Path) -> None:
        """Fills the model's word norms from those in a file, which must belong to the same networks."""
        tensors, header = read_norms(path, self.origin["animation"], self.origin["encoder"])
        load(model, only_norms(tensors), may_lack=re.compile(""))
        self.origin["norms"] = {"weights": files.short_hash(path), "frames_seen": header.get("frames_seen")}

    def __call__(self, examples: Sequence[Example], rng: np.random.Generator) -> dict[str, Tensor]:
        """`words` (b f d) and `words_strength` (b f): 0 where a state asks for nothing, or is not known."""
        said = [self._said(example, rng) for example in examples]
        return {"words": torch.stack([words for words, _ in said]), "words_strength": torch.stack([x for _, x in said])}

    def _said(self, example: Example, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        states = told_at_once(example.states) if rng.random() < AT_ONCE_RATE else example.states
        telling = [(state, share) for state, share in states if state]
        if not telling:
            frames = len(example.target)
            return torch.zeros(frames, self.words.width), torch.zeros(frames)
        shares = torch.from_numpy(np.stack([share for _, share in telling])).float()
        person = example.person if rng.random() < PERSON_RATE else ""
        embedded = self.words.embed([caption(state, rng, person) for state, _ in telling])
        strength = shares.sum(0)
        return (shares / strength.clamp(min=1e-6)).T @ embedded, strength


def told_at_once(states: Sequence[tuple[State, np.ndarray]]) -> list[tuple[State, np.ndarray]]:
    """The same states, each with all of a frame that no later one has a share in."""
    shares = np.stack([share for _, share in states]) if states else np.zeros((0, 0))
    later = np.cumsum((shares > 0)[::-1], axis=0)[::-1]
    return [
        (state, ((share > 0) & (after == 1)).astype(np.float32))
        for (state, share), after in zip(states, later, strict=True)
    ]


def _trained_in(recipe: Recipe) -> dict[str, str]:
    """Which animation weights the norms belong to: those that the run starts from, or that an earlier run of norms did."""
    start = recipe.run.start
    if start is None:
        raise SettingsError(
            "Word norms are trained in animation networks that are finished, and run.start names none.",
            do="set run.start, e.g. to src/longtake/weights/mini/animation.safetensors",
        )
    header = files.about(start)
    return header["animation"] if header.get("kind") == "words" else hashes_of(start)
