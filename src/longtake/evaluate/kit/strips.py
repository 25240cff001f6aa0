"""A few frames of a clip in a row, small, for looking at methods side by side."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from longtake.errors import InputError, LongtakeError
from longtake.media.video import frames_between, video_facts

FRAMES, SIDE_PX, QUALITY = 8, 104, 80
GREY = 200


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
    times, rows = rows_at_moments(videos, FRAMES, SIDE_PX)
    return Shown(clip, times, [Strip(label, packed(row)) for label, row in rows.items()], videos)


def rows_at_moments(
    videos: Mapping[str, Path], count: int, side: int
) -> tuple[list[float], dict[str, UInt8[np.ndarray, "H W 3"]]]:
    """So many moments spread evenly over the longest video, and what each that can be read shows at them."""
    facts = {}
    for label, path in videos.items():
        with suppress(LongtakeError, OSError):
            facts[label] = video_facts(path)
    longest = max((one.frames / one.fps for one in facts.values() if one.fps), default=0.0)
    if not longest:
        return [], {}
    rate = max(one.fps or 0.0 for one in facts.values())
    times = sorted({round(place) / rate for place in np.linspace(0, max(longest * rate - 1, 0), count)})
    rows = {}
    for label in facts:
        with suppress(LongtakeError, OSError):
            rows[label] = strip(videos[label], times, side)
    return times, rows


def strip(path: Path, times: Sequence[float], side: int = SIDE_PX) -> UInt8[np.ndarray, "H W 3"]:
    """The frames of a video that are shown at some seconds, side by side; a field of grey where it has ended."""
    facts = video_facts(path)
    if not facts.fps:
        raise InputError(f"'{path}' does not say how fast it is.")
    pictures = []
    for time in times:
        place = round(time * facts.fps)
        frame = next(frames_between(path, place, place + 1), None)
        pictures.append(None if frame is None else small(frame, side))
    width = next((picture.shape[1] for picture in pictures if picture is not None), side)
    ended = np.full((side, width, 3), GREY, np.uint8)
    return join([ended if picture is None else picture for picture in pictures])


def small(frame: UInt8[np.ndarray, "H W 3"], side: int = SIDE_PX) -> UInt8[np.ndarray, "h w 3"]:
    """The frame at the height of a strip."""
    import cv2

    height, width = frame.shape[:2]
    return cv2.resize(frame, (max(1, round(width * side / height)), side), interpolation=cv2.INTER_AREA)


def join(pictures: Sequence[UInt8[np.ndarray, "H w 3"]]) -> UInt8[np.ndarray, "H W 3"]:
    """Pictures of one height side by side, at least one."""
    return np.concatenate(list(pictures), axis=1)


def packed(picture: UInt8[np.ndarray, "H W 3"]) -> str:
    """The picture as WebP in base64, to stand in a page."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "WEBP", quality=QUALITY)
    return base64.b64encode(buffer.getvalue()).decode()
