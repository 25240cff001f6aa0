"""Frames in another pixel format."""

from __future__ import annotations

from typing import Any

import av


def reformat(frame: av.VideoFrame, **told: Any) -> av.VideoFrame:
    """The frame in the pixel format that is told; options are those of PyAV.

    On one thread: a pool that is begun and ended for each frame takes 8 ms, the work itself 0.3 ms at 256 × 256.
    """
    return frame.reformat(threads=1, **told)
