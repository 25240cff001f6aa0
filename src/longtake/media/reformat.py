"""Frames in another pixel format."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from jaxtyping import UInt8


def reformat(frame: av.VideoFrame, **told: Any) -> av.VideoFrame:
    """The frame in the pixel format that is told; options are those of PyAV.

    On one thread: a pool is begun and ended for each frame, which takes longer than the work (benchmarks/pixel_formats.py).
    """
    return frame.reformat(threads=1, **told)


def for_encoder(pixels: UInt8[np.ndarray, "H W 3"], kind: str) -> av.VideoFrame:
    """RGB pixels in the format `kind` of an encoder: BT.709, limited range. It has no time yet."""
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    return reformat(frame, format=kind, dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
