"""Pictures of a high dynamic range (PQ or HLG) as ordinary ones."""

from __future__ import annotations

import functools

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from jaxtyping import Float, UInt8

from longtake.media.reformat import reformat

PQ, HLG = 16, 18  # H.273 codes of the transfer function
WHITE_NITS, PEAK_NITS = 203.0, 1000.0
"""What white paper shines with (BT.2408), and the brightest that is told apart."""
TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32)
"""Linear BT.2020 to BT.709 (BT.2087)."""


def as_sdr(frame: av.VideoFrame) -> UInt8[np.ndarray, "H W 3"]:
    """The frame as RGB for ordinary screens: bright light is pressed together, paper white stays bright."""
    deep = reformat(frame, format="rgb48le", src_colorspace=Colorspace.BT2020, dst_color_range=ColorRange.JPEG)
    light = _light(int(frame.color_trc))[deep.to_ndarray().astype(np.uint16, copy=False)] @ TO_709.T
    peak = PEAK_NITS / WHITE_NITS
    light = np.clip(light, 0, peak)
    shown = light * (1 + light / peak**2) / (1 + light) * (1 + 1 / peak)
    return np.rint(255 * np.clip(shown, 0, 1) ** (1 / 2.2)).astype(np.uint8)


@functools.cache
def _light(transfer: int) -> Float[np.ndarray, " 65536"]:
    """Light for each 16-bit value, paper white = 1."""
    value = np.linspace(0, 1, 65536)
    if transfer == PQ:
        root = value ** (1 / 78.84375)
        nits = 10_000 * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
    else:
        low, high = value**2 / 3, (np.exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12
        nits = PEAK_NITS * np.where(value <= 0.5, low, high) ** 1.2
    return (nits / WHITE_NITS).astype(np.float32)
