"""When blinks begin, from how far the lids are open over time (`longtake.face.lids`)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

CLOSED, OPEN = 0.75, 0.85
"""A blink goes below the first share of the usual opening and ends above the second; a shut eye still measures half."""
LONGEST_BLINK_S = 0.6


def blinks(opening: Float[np.ndarray, " f"], fps: float) -> list[int]:
    """The frames in which blinks begin: the eyes close well below their usual opening and open again soon."""
    return [start for start, _ in blink_spans(opening, fps)]


def blink_spans(opening: Float[np.ndarray, " f"], fps: float) -> list[tuple[int, int]]:
    """The frames in which blinks begin, and those in which the eyes are open again."""
    known = np.isfinite(opening)
    if known.sum() < 2:
        return []
    opening = np.interp(np.arange(len(opening)), np.flatnonzero(known), opening[known])
    usual, longest = np.percentile(opening, 75), LONGEST_BLINK_S * fps
    found, start = [], None
    for i, value in enumerate([*opening, usual]):
        if start is None and value < CLOSED * usual:
            start = i
        elif start is not None and value > OPEN * usual:
            found += [(start, i)] if i - start <= longest else []
            start = None
    return found


def labelled_blinks(closed: Float[np.ndarray, " f"], least: float = 0.7) -> list[int]:
    """The frames in which a puppet's blinks begin, from how far its lids are closed (0 to 1)."""
    shut = np.concatenate([[False], closed >= least])
    return np.flatnonzero(shut[1:] & ~shut[:-1]).tolist()


def agreement(found: Sequence[int], true: Sequence[int], slack: int = 3) -> tuple[int, int]:
    """How many true blinks have a found one within `slack` frames, and how many found ones have no true one."""
    met = sum(any(abs(f - t) <= slack for f in found) for t in true)
    return met, sum(not any(abs(f - t) <= slack for t in true) for f in found)
