"""What it takes to show what is animated at the video's size: a few frames of the portrait, shown and encoded here and now."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from longtake.settings import Settings

if TYPE_CHECKING:
    from longtake.apps.estimate import Estimate
    from longtake.inputs import Prepared

FRAMES = 3
ENCODER_BYTES = {"h264": 60, "hevc": 110, "av1": 140}
"""Of memory, for each pixel of a picture: what encoders were seen to take, roughly."""
PICTURES = 4
"""Large pictures in memory at a time: the one underneath, one on its way, and its parts."""


@dataclass(frozen=True)
class Sized:
    """The video's size, and what one frame of it takes beyond being animated."""

    height: int
    width: int
    codec: str
    frame_s: float  # to show and encode a frame
    more_bytes: float  # times the bytes of a frame at the size at which it is animated
    memory_mb: float


def sized(ready: Prepared, settings: Settings) -> Sized | None:
    """What showing takes; None where frames are shown as they are animated.

    The bytes are those of a few frames that shift by a pixel, here and at their own size: their ratio is what counts.
    """
    from longtake.canvas import Canvas
    from longtake.media.codecs import encoding_of
    from longtake.media.fragments import Pieces

    canvas = Canvas(ready.portrait, ready.picture, settings)
    if not canvas.changes:
        return None
    frames = [np.roll(ready.portrait.picture, shift, axis=1) for shift in range(FRAMES)]
    pieces = Pieces(settings.video, None, "")
    own = len(pieces.encode(frames, FRAMES, 0, number=1))
    began = time.monotonic()
    large = len(pieces.encode(map(canvas.show, frames), FRAMES, 0, number=1))
    took = (time.monotonic() - began) / FRAMES
    height, width = canvas.size
    codec = encoding_of(settings.video, width, height).codec
    memory = height * width * (ENCODER_BYTES[codec] + 3 * PICTURES) / 2**20
    return Sized(height, width, codec, round(took, 3), round(large / own, 3), round(memory))


def with_size(foreseen: Estimate, showing: Sized | None, frames_left: int, sound_mb: float) -> Estimate:
    """The estimate of what is animated, with showing it at the video's size."""
    if showing is None:
        return foreseen
    pictures = (foreseen.video_mb - sound_mb) * showing.more_bytes
    return replace(
        foreseen,
        work_s=round(foreseen.work_s + frames_left * showing.frame_s, 1),
        video_mb=round(pictures + sound_mb, 1),
        disk_mb=round(foreseen.disk_mb - 2 * foreseen.video_mb + 2 * (pictures + sound_mb), 1),
        peak_mb=None if foreseen.peak_mb is None else foreseen.peak_mb + showing.memory_mb,
    )
