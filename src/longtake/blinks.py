"""When the eyes close: blinks at human intervals, the same for a moment of the video however it is reached.

A model that samples in few steps loses what is rare, so blinks are not left to it: their times are drawn here and the
denoiser is told how closed the lids are in each frame (docs/decisions.md).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

BLINK = (0.3, 0.85, 1.0, 0.9, 0.55, 0.22, 0.06)
"""Closure of the lids in the frames of one blink at 25 frames a second."""
SPEED = (0.85, 1.3)
"""A blink lasts this many times as long."""
LONGEST_S = SPEED[1] * len(BLINK) / 25
REST_S = 0.4
"""Between two blinks, at least."""


def closure(first_frame: int, frames: int, fps: float, per_minute: float, seed: int) -> Float[np.ndarray, " f"]:
    """How closed the eyes are in each frame: 0 open, 1 shut. `per_minute` blinks on average; 0 = none.

    Time is cut into slots of one blink each, drawn from (seed, slot) alone.
    """
    times = (first_frame + np.arange(frames)) / fps
    closed = np.zeros(frames)
    if per_minute == 0:
        return closed
    slot_s = 60 / per_minute
    for slot in range(int((times[0] - LONGEST_S) // slot_s), int(times[-1] // slot_s) + 1):
        if slot < 0:
            continue
        rng = np.random.default_rng((seed, slot))
        begin = slot_s * slot + rng.uniform(0, max(slot_s - REST_S, 0.0))
        places = np.arange(len(BLINK)) / 25 * rng.uniform(*SPEED)
        closed = np.maximum(closed, np.interp(times - begin, places, BLINK, 0, 0))
    return closed
