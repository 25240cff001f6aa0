"""Frames that pass from one take to another."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8


def cross_fade(
    before: UInt8[np.ndarray, "n H W 3"], after: UInt8[np.ndarray, "f H W 3"]
) -> UInt8[np.ndarray, "f H W 3"]:
    """`after`, into which its first frames pass from `before`, frames of the same moments; never wholly the one or the other."""
    count = min(len(before), len(after))
    return np.concatenate([mix(before[:count], after[:count], shares(count)), after[count:]])


def shares(count: int) -> Float[np.ndarray, " n"]:
    """How much of what comes is in each frame of a fade of `count` frames."""
    return np.arange(1, count + 1) / (count + 1)


def mix(
    before: UInt8[np.ndarray, "n H W 3"], after: UInt8[np.ndarray, "n H W 3"], share: Float[np.ndarray, " n"]
) -> UInt8[np.ndarray, "n H W 3"]:
    """The frames with so much of `after` in each, the rest of `before`."""
    weight = share.reshape(-1, 1, 1, 1)
    return ((1 - weight) * before + weight * after).round().astype(np.uint8)
