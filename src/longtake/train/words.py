"""Training the small word encoder: read from a caption, however it is put, which expressions it asks for and how strongly."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from longtake.corpus.expressions import NAMES
from longtake.encoders.spelling import FIRST, UNKNOWN, Vocabulary
from longtake.encoders.words import WordsNet, WordsSizes, header
from longtake.train.phrasing import ATTRIBUTES, draw_asked, known_words, say, spoil, targets
from longtake.train.recipe import Part, Recipe, make_sizes
from longtake.train.task import Batch, plain


class Data(Part):
    states: int = Field(default=32, ge=1, description="states in a batch, each said twice")
    spoiled: float = Field(default=0.7, ge=0, le=1, description="share of texts said carelessly")


class Aims(Part):
    """What the loss adds up; the expressions count 1."""

    agree: float = Field(default=0.3, ge=0, description="two ways to say the same should give the same embedding")
    person: float = Field(default=0.1, ge=0, description="beard and moustache, where the text speaks of the person")
    hidden: float = Field(
        default=0.15, ge=0, le=0.5, description="share of words seen by their spelling alone, and without it"
    )


class WordsTask:
    """Texts of the grammar → expressions, person."""

    def __init__(self, recipe: Recipe):
        torch.manual_seed(recipe.run.seed)
        self.data, self.aims = Data.checked(recipe.data), Aims.checked(recipe.task)
        self.words = known_words()
        self.sizes = sizes_of(recipe)
        self.model = WordsNet(self.sizes)
        self.vocabulary = Vocabulary(tuple(self.words), self.sizes.buckets)

    def batch(self, rng: np.random.Generator, share: float) -> Batch:
        asked = [draw_asked(rng) for _ in range(self.data.states)]
        texts = [self._careless(say(one, rng), rng) for _ in range(2) for one in asked]
        words, pieces = self.vocabulary.numbers(texts)
        chance = torch.from_numpy(rng.random(words.shape))
        hidden, unspelled = (words >= FIRST) & (chance < self.aims.hidden), chance > 1 - self.aims.hidden
        expressions, attributes = (torch.from_numpy(x).repeat(2, 1) for x in targets(asked))
        return {
            "words": words.masked_fill(hidden, UNKNOWN),
            "pieces": pieces.masked_fill(unspelled[..., None], self.sizes.buckets),
            "expressions": expressions,
            "attributes": attributes,
        }

    def loss(self, model: nn.Module, batch: Batch, share: float) -> tuple[Tensor, dict[str, Tensor]]:
        net = plain(model, WordsNet)
        embedded = model(batch["words"], batch["pieces"]).float()
        wanted, person = batch["expressions"], batch["attributes"]
        asked = F.binary_cross_entropy_with_logits(net.expressions(embedded), wanted, reduction="none").sum(1).mean()
        told = ~person.isnan()
        faces = F.binary_cross_entropy_with_logits(net.attributes(embedded), person.nan_to_num(), reduction="none")
        one, other = embedded.chunk(2)
        parts = {
            "expressions": asked,
            "person": (faces * told).sum() / told.sum().clamp(min=1),
            "agree": (one - other).square().mean(),
        }
        total = asked + self.aims.person * parts["person"] + self.aims.agree * parts["agree"]
        return total, {name: part.detach() for name, part in parts.items()}

    def frames(self, batch: Batch) -> int:
        return len(batch["words"])

    def sheet(self, model: nn.Module) -> tuple[None, dict[str, float]]:
        from longtake.train.words_check import check, encoder_of

        return None, check(encoder_of(plain(model, WordsNet), self.words)).summary()

    def header(self) -> dict[str, Any]:
        settings = self.data.model_dump() | self.aims.model_dump()
        about = header(self.model, self.words, NAMES) | {"attributes": list(ATTRIBUTES)}
        return {**about, "settings": settings, "corpus_seed": "none: captions are drawn as they are needed"}

    def _careless(self, text: str, rng: np.random.Generator) -> str:
        return spoil(text, rng) if rng.random() < self.data.spoiled else text


def sizes_of(recipe: Recipe) -> WordsSizes:
    """The recipe's sizes, with as many words and expressions as the grammar has."""
    counts = {"vocabulary": len(known_words()), "expressions": len(NAMES), "attributes": len(ATTRIBUTES)}
    return make_sizes(WordsSizes, counts | recipe.sizes)


def estimate(recipe: Recipe) -> str:
    """Parameters and texts of the recipe, in words."""
    sizes, states = sizes_of(recipe), Data.checked(recipe.data).states
    with torch.device("meta"):
        model = WordsNet(sizes)
    learn = sum(p.numel() for p in model.parameters())
    texts = 2 * states * recipe.run.steps
    return f"word encoder: {sizes.vocabulary} words, {learn / 1e6:.2f} M parameters; {texts} texts in {recipe.run.steps} steps"


def build(recipe: Recipe) -> WordsTask:
    return WordsTask(recipe)
