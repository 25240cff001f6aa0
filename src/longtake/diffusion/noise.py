"""The noise that a segment starts from."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def mixed_noise(
    shape: tuple[int, int, int, int, int], shared: float, generator: torch.Generator
) -> Float[Tensor, "b c f h w"]:
    """Unit Gaussian noise of which the share `shared` of the variance is the same in all frames of a row.

    The same draw serves training and sampling: frames that start from related noise end in related poses, which a small
    network can't be taught as cheaply (mixed noise of "Preserve Your Own Correlation", Ge et al. 2023).
    """
    b, c, _, h, w = shape
    own = torch.randn(shape, generator=generator)
    if shared == 0:
        return own
    common = torch.randn((b, c, 1, h, w), generator=generator)
    return shared**0.5 * common + (1 - shared) ** 0.5 * own


def segment_generator(seed: int, segment: int, attempt: int = 0) -> torch.Generator:
    """The generator of one segment: it depends on these numbers alone, so a resumed run draws what it would have."""
    mixed = seed * 0x9E3779B97F4A7C15 + segment * 0xBF58476D1CE4E5B9 + 0x94D049BB133111EB
    return torch.Generator("cpu").manual_seed((mixed + attempt * 0xD6E8FEB86659FD93) % 2**63)
