"""The noise that a segment starts from."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

Shape = tuple[int, int, int, int, int]
COMMON = 1 << 20
"""The place, among a segment's attempts, of the draws that neighbouring segments have in common."""


def mixed_noise(
    shape: Shape, shared: float, generator: torch.Generator, common: Float[Tensor, "b c 1 h w"] | None = None
) -> Float[Tensor, "b c f h w"]:
    """Unit Gaussian noise of which the share `shared` of the variance is the same in all frames of a row: `common`, or drawn.

    The same draw serves training and sampling: frames that start from related noise end in related poses, which a small
    network can't be taught as cheaply (mixed noise of "Preserve Your Own Correlation", Ge et al. 2023).
    """
    b, c, _, h, w = shape
    own = torch.randn(shape, generator=generator)
    if shared == 0:
        return own
    if common is None:
        common = torch.randn((b, c, 1, h, w), generator=generator)
    return shared**0.5 * common + (1 - shared) ** 0.5 * own


def common_noise(shape: Shape, seed: int, segment: int, segments: int) -> Float[Tensor, "b c 1 h w"]:
    """The part that the frames of a segment have in common, where it passes slowly from segment to segment.

    The scaled sum of this segment's draw and those of the `segments` - 1 that follow: unit Gaussian noise, 1 - d / `segments`
    of it shared with the segment d further on. It depends on these numbers alone, like the rest of a segment's noise.
    """
    b, c, _, h, w = shape
    draws = (segment_generator(seed, place, COMMON) for place in range(segment, segment + segments))
    total = sum((torch.randn((b, c, 1, h, w), generator=draw) for draw in draws), torch.zeros(b, c, 1, h, w))
    return total / segments**0.5


def segment_generator(seed: int, segment: int, attempt: int = 0) -> torch.Generator:
    """The generator of one segment: it depends on these numbers alone, so a resumed run draws what it would have."""
    mixed = seed * 0x9E3779B97F4A7C15 + segment * 0xBF58476D1CE4E5B9 + 0x94D049BB133111EB
    return torch.Generator("cpu").manual_seed((mixed + attempt * 0xD6E8FEB86659FD93) % 2**63)
