"""The files of a clip that others read: a video and its sound, the same bytes for the same frames and samples."""

from __future__ import annotations

import wave
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int16, UInt8

from longtake.corpus.voices import RATE_HZ

CRF, PRESET = 12, "fast"


def write_video(
    path: Path, frames: Iterable[tuple[UInt8[np.ndarray, "H W 3"], Float32[np.ndarray, "468 2"]]], fps: float
) -> Float32[np.ndarray, "f 468 2"]:
    """The landmarks of frames that are encoded as they come (H.264, one thread: same frames, same bytes)."""
    import av

    landmarks = []
    with av.open(str(path), "w") as container:
        stream = None
        for picture, points in frames:
            if stream is None:
                stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.options = {"crf": str(CRF), "preset": PRESET, "threads": "1"}
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            landmarks.append(points)
        assert stream is not None
        container.mux(stream.encode())
    return np.stack(landmarks)


def write_sound(path: Path, sound: Float32[np.ndarray, " samples"]) -> None:
    """16 kHz mono, 16 bits."""
    samples: Int16[np.ndarray, " samples"] = np.round(np.clip(sound, -1, 1) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(samples.tobytes())
