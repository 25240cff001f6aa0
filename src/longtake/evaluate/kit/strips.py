"""A few frames of a clip in a row, small, for looking at methods side by side."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from longtake.errors import InputError, LongtakeError

FRAMES, SIDE_PX, QUALITY = 8, 104, 80


@dataclass(frozen=True)
class Strip:
    """One method's frames of a clip."""

    label: str
    data: str  # WebP, base64


@dataclass(frozen=True)
class Shown:
    """One clip, method under method."""

    clip: str
    times_s: list[float]
    strips: list[Strip]
    videos: Mapping[str, Path] = field(default_factory=dict)  # by label


def show(clip: str, videos: Mapping[str, Path]) -> Shown:
    """The clip by every method, at the same moments; a video that can't be read is left out."""
    strips, times = [], []
    for label, path in videos.items():
        try:
            picture, moments = strip(path)
        except (LongtakeError, OSError):
            continue
        strips.append(Strip(label, packed(picture)))
        times = times or moments
    return Shown(clip, times, strips, videos)


def strip(path: Path, count: int = FRAMES, side: int = SIDE_PX) -> tuple[UInt8[np.ndarray, "H W 3"], list[float]]:
    """Frames spread evenly over a video, side by side, and the seconds they are shown at."""
    from longtake.media.video import frames_between, video_facts

    facts = video_facts(path)
    if not facts.fps:
        raise InputError(f"'{path}' does not say how fast it is.")
    places = sorted({round(place) for place in np.linspace(0, max(facts.frames - 1, 0), count)})
    pictures, times = [], []
    for place in places:
        frame = next(frames_between(path, place, place + 1), None)
        if frame is not None:
            pictures.append(small(frame, side))
            times.append(place / facts.fps)
    return join(pictures), times


def small(frame: UInt8[np.ndarray, "H W 3"], side: int = SIDE_PX) -> UInt8[np.ndarray, "h w 3"]:
    """The frame at the height of a strip."""
    import cv2

    height, width = frame.shape[:2]
    return cv2.resize(frame, (max(1, round(width * side / height)), side), interpolation=cv2.INTER_AREA)


def join(pictures: Sequence[UInt8[np.ndarray, "H w 3"]]) -> UInt8[np.ndarray, "H W 3"]:
    """Pictures of one height side by side."""
    return np.concatenate(list(pictures), axis=1) if pictures else np.full((SIDE_PX, SIDE_PX, 3), 200, np.uint8)


def packed(picture: UInt8[np.ndarray, "H W 3"]) -> str:
    """The picture as WebP in base64, to stand in a page."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "WEBP", quality=QUALITY)
    return base64.b64encode(buffer.getvalue()).decode()
