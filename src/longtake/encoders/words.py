"""Word encoders: texts in, an embedding of each out. `MiniWords` is the small one, trained here on the captions of the corpus.

A word enters as the one of the vocabulary that it is, or is a form or a misspelling of, and as the pieces it is spelled with.
Two convolutions over neighbouring words bind "left" to what it belongs to; taking the largest and the mean over all words
makes the order of what is asked for irrelevant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from longtake.encoders.speech import Block
from longtake.encoders.spelling import EMPTY, FIRST, Vocabulary, tokens
from longtake.errors import PromptError, WeightsMismatch
from longtake.weights import files
from longtake.weights.load import load

MOST_WORDS = 256
"""A prompt longer than this is no prompt."""


class Words(Protocol):
    """What turns prompts into embeddings for the word norms of the denoiser."""

    @property
    def width(self) -> int:
        """Numbers in an embedding."""
        ...

    def embed(self, texts: Sequence[str]) -> Float[Tensor, "t d"]:
        """An embedding of each text, float32 on the CPU; the same text gives the same numbers."""
        ...

    def unknown(self, text: str) -> list[str]:
        """The words of a text that the encoder does not understand, as they were written; empty if it can't tell."""
        ...


@dataclass(frozen=True)
class WordsSizes:
    """Sizes of the small encoder; `buckets` hold the pieces of words."""

    vocabulary: int
    expressions: int
    attributes: int
    embedding: int = 128
    width: int = 64
    buckets: int = 4096
    blocks: int = 2
    kernel: int = 7
    expand: int = 2


class WordsNet(nn.Module):
    """Words and their pieces → an embedding; its heads, for training, read expressions and person from the embedding."""

    def __init__(self, sizes: WordsSizes):
        super().__init__()
        self.sizes = sizes
        self.words = nn.Embedding(FIRST + sizes.vocabulary, sizes.width, padding_idx=EMPTY)
        self.pieces = nn.EmbeddingBag(sizes.buckets + 1, sizes.width, mode="mean", padding_idx=sizes.buckets)
        self.blocks = nn.ModuleList(Block(sizes.width, sizes.kernel, sizes.expand) for _ in range(sizes.blocks))
        self.out = nn.Linear(2 * sizes.width, sizes.embedding)
        self.expressions = nn.Linear(sizes.embedding, sizes.expressions)
        self.attributes = nn.Linear(sizes.embedding, sizes.attributes)

    def forward(self, words: Int[Tensor, "t l"], pieces: Int[Tensor, "t l g"]) -> Float[Tensor, "t d"]:
        """Embeddings of mean square 1."""
        there = (words != EMPTY)[..., None]
        spelled = self.pieces(pieces.flatten(0, 1)).unflatten(0, words.shape)
        x = (self.words(words) + spelled) * there
        for block in self.blocks:
            x = block(x) * there
        return F.rms_norm(self.out(_pooled(x, there)), (self.sizes.embedding,))


def _pooled(x: Float[Tensor, "t l d"], there: Bool[Tensor, "t l 1"]) -> Float[Tensor, "t d2"]:
    """The largest and the mean of each channel over the words that are there."""
    largest = x.masked_fill(~there, -torch.inf).amax(1)
    return torch.cat([largest, x.sum(1) / there.sum(1)], dim=-1)


class MiniWords:
    """The small encoder with its vocabulary. Each text is embedded by itself, so its numbers never depend on its neighbours."""

    def __init__(self, net: WordsNet, vocabulary: Sequence[str], expressions: Sequence[str]):
        self.net = net.eval().requires_grad_(False)
        self.vocabulary = Vocabulary(tuple(vocabulary), net.sizes.buckets)
        self.expressions = tuple(expressions)
        self.done: dict[str, Float[Tensor, " d"]] = {}

    @property
    def width(self) -> int:
        return self.net.sizes.embedding

    def embed(self, texts: Sequence[str]) -> Float[Tensor, "t d"]:
        """An embedding of each text, of mean square 1; raises PromptError for one that is a page long."""
        return torch.stack([self._embedded(text) for text in texts]) if texts else torch.zeros(0, self.width)

    def unknown(self, text: str) -> list[str]:
        return self.vocabulary.unknown(text)

    @torch.inference_mode()
    def states(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """What the encoder takes each text to ask for: every expression's intensity, 0 to 1."""
        read = (
            self.net.expressions(self.net(*self.vocabulary.numbers(texts[k : k + 64])))
            for k in range(0, len(texts), 64)
        )
        return [dict(zip(self.expressions, row, strict=True)) for part in read for row in part.sigmoid().tolist()]

    @torch.inference_mode()
    def _embedded(self, text: str) -> Float[Tensor, " d"]:
        if text not in self.done:
            if (count := len(tokens(text))) > MOST_WORDS:
                raise PromptError(
                    f"The prompt '{text[:40]}...' has {count} words.",
                    expected=f"at most {MOST_WORDS}",
                    do="say in a sentence what the face should do; changes over time belong into prompts of their own",
                )
            if len(self.done) > 10_000:
                self.done.clear()
            self.done[text] = self.net(*self.vocabulary.numbers([text]))[0].clone()
        return self.done[text]


def header(net: WordsNet, vocabulary: Sequence[str], expressions: Sequence[str]) -> dict[str, Any]:
    """What a file of the encoder's weights says about itself, all that `load_words` needs."""
    return {"sizes": asdict(net.sizes), "vocabulary": list(vocabulary), "expressions": list(expressions)}


def load_words(path: Path) -> MiniWords:
    """The small encoder in a weight file."""
    tensors, about = files.read(path)
    net = WordsNet(files.sizes(path, about, WordsSizes))
    vocabulary, expressions = about.get("vocabulary", []), about.get("expressions", [])
    if (len(vocabulary), len(expressions)) != (net.sizes.vocabulary, net.sizes.expressions):
        raise WeightsMismatch(
            f"{path} has {len(vocabulary)} words and {len(expressions)} expressions in its header.",
            expected=f"{net.sizes.vocabulary} and {net.sizes.expressions}, as many as in its tensors",
            do="train or install it again",
        )
    load(net, tensors)
    return MiniWords(net.float(), vocabulary, expressions)
