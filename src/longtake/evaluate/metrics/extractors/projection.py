"""A stand-in without weights: fixed random projections of small pictures. Its numbers compare only with themselves."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

SIDE = 32
SEED = 7


class Projection:
    """A random projection of a picture of 32 pixels a side, or of a window of such pictures and their changes."""

    comparable, looks_at = False, "picture"
    sha256 = ""

    def __init__(self, dim: int = 64, frames: int = 1) -> None:
        self.dim, self.frames = dim, frames
        self.name = "projection" if frames == 1 else f"projection_{frames}"
        self.source = f"fixed random projections (seed {SEED}) of pictures of {SIDE} x {SIDE}; no weights"

    def ready(self) -> None:
        """Always is."""

    @cached_property
    def _matrix(self) -> Float32[np.ndarray, "d pixels"]:
        pixels = SIDE * SIDE * 3 * self.frames
        return np.random.default_rng(SEED).normal(0, pixels**-0.5, (self.dim, pixels)).astype(np.float32)

    def __call__(self, pictures: UInt8[np.ndarray, "b *f H W 3"]) -> Float32[np.ndarray, "b d"]:
        small = np.stack([_small(picture) for picture in pictures.reshape(-1, *pictures.shape[-3:])])
        rows = small.reshape(len(pictures), -1).astype(np.float32) / 127.5 - 1
        if self.frames > 1:
            rows = rows.reshape(len(pictures), self.frames, -1)
            change = np.diff(rows, axis=1) * 4  # what moves counts more than what is there
            rows = np.concatenate([rows[:, :1], change], axis=1).reshape(len(pictures), -1)
        return rows @ self._matrix.T


def _small(picture: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "32 32 3"]:
    return cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
