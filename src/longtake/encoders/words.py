"""Word encoders: texts in, an embedding of each out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from jaxtyping import Float
from torch import Tensor


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
