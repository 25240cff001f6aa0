"""When the eyes close: blinks at human intervals, the same for a moment of the video however it is reached.

A model that samples in few steps loses what is rare, so blinks are not left to it: their times are drawn here and the
denoiser is told how closed the lids are in each frame (docs/decisions.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float

BLINK = (0.3, 0.85, 1.0, 0.9, 0.55, 0.22, 0.06)
"""Closure of the lids in the frames of one blink at 25 frames a second."""
SPEED = (0.85, 1.3)
"""A blink lasts this many times as long."""
LONGEST_S = SPEED[1] * len(BLINK) / 25
REST_S = 0.4
"""Between two blinks, at least."""
OFTEN = 60.0
"""Blinks a minute beside the usual ones, at most: what `blink_often` means to puppets (corpus/expressions.py)."""


def never(_frame: int) -> float:
    """No more blinks than usual, in any frame."""
    return 0.0


def closure(
    first_frame: int,
    frames: int,
    fps: float,
    per_minute: float,
    seed: int,
    more: Callable[[int], float] = never,
) -> Float[np.ndarray, " f"]:
    """How closed the eyes are in each frame: 0 open, 1 shut. `per_minute` blinks on average; 0 = none.

    `more`: how many of the `OFTEN` blinks a minute that may come on top do, 0 to 1, asked of the frame in which one would
    begin. Those that would run into a usual one are left out. All are drawn from seed and time alone.
    """
    times = (first_frame + np.arange(frames)) / fps
    closed = np.zeros(frames)
    usual = list(_slots(times[0] - LONGEST_S - REST_S, times[-1] + REST_S, per_minute, (seed,)))
    blinks = [(begin, speed) for begin, speed, _ in usual]
    if more is not never:
        for begin, speed, draw in _slots(times[0] - LONGEST_S, times[-1], OFTEN, (seed, 1)):
            near = any(abs(begin - other) < REST_S for other, _, _ in usual)
            if not near and draw < more(int(begin * fps)):
                blinks.append((begin, speed))
    for begin, speed in blinks:
        places = np.arange(len(BLINK)) / 25 * speed
        closed = np.maximum(closed, np.interp(times - begin, places, BLINK, 0, 0))
    return closed


def _slots(
    start_s: float, stop_s: float, per_minute: float, seed: tuple[int, ...]
) -> Iterator[tuple[float, float, float]]:
    """Begin, speed and a draw of each blink that begins between two times, and a few more.

    Time is cut into slots of one blink each, drawn from (seed, slot) alone.
    """
    if per_minute == 0:
        return
    slot_s = 60 / per_minute
    for slot in range(max(0, int(start_s // slot_s)), int(stop_s // slot_s) + 1):
        rng = np.random.default_rng((*seed, slot))
        begin = slot_s * slot + rng.uniform(0, max(slot_s - REST_S, 0.0))
        yield begin, rng.uniform(*SPEED), rng.uniform()
