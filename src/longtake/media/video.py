"""Video files: frames out of them one by one, what they are, and the writer of new ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Colorspace
from jaxtyping import UInt8

from longtake.errors import InputError
from longtake.media.provenance import from_comment
from longtake.media.reformat import reformat
from longtake.media.writer import VideoWriter, check_output, check_place, part_path

__all__ = [
    "VideoFacts",
    "VideoWriter",
    "as_rgb",
    "check_output",
    "check_place",
    "frames_between",
    "open_video",
    "part_path",
    "read_frames",
    "video_facts",
]

MATRICES = {
    1: Colorspace.ITU709,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    9: Colorspace.BT2020,
}  # H.273 code → matrix


@dataclass(frozen=True)
class VideoFacts:
    """What a video file is; frames are counted, not estimated."""

    width: int
    height: int
    fps: float
    frames: int
    seconds: float  # of the picture
    sound_s: float | None  # of the sound; None without one
    made_by: dict[str, Any] | None  # None if longtake did not make it


def read_frames(path: str | Path, first: int = 0, last: int | None = None) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
    """The frames from `first` up to `last` as RGB, one at a time."""
    with open_video(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for index, frame in enumerate(container.decode(stream)):
            if last is not None and index >= last:
                return
            if index >= first:
                yield as_rgb(frame)


def frames_between(path: str | Path, first: int, stop: int) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
    """The frames from `first` up to `stop` as RGB, found by their time: quick however far inside a long video."""
    with open_video(path) as container:
        stream = container.streams.video[0]
        rate, unit = stream.average_rate, stream.time_base
        assert rate is not None and unit is not None, "longtake's videos have both"
        container.seek(round(first / rate / unit), stream=stream)
        for frame in container.decode(stream):
            place = round((frame.pts or 0) * unit * rate)
            if place >= stop:
                return
            if place >= first:
                yield as_rgb(frame)


def video_facts(path: str | Path) -> VideoFacts:
    """Size, length and origin of a video."""
    with open_video(path) as container:
        stream = container.streams.video[0]
        count = sum(packet.size > 0 for packet in container.demux(stream))
        fps = float(stream.average_rate or stream.guessed_rate or 0)
        made_by = from_comment(container.metadata.get("comment", ""))
        sound = container.streams.audio[0] if container.streams.audio else None
        sound_s = float(sound.duration * sound.time_base) if sound and sound.duration and sound.time_base else None
        return VideoFacts(stream.width, stream.height, fps, count, count / fps if fps else 0.0, sound_s, made_by)


def open_video(path: str | Path) -> InputContainer:
    """The file, opened; raises InputError if it can't be or has no picture."""
    try:
        container = av.open(str(path))
    except FileNotFoundError as error:
        raise InputError(f"There is no video '{path}'.", do="check the path") from error
    except (FFmpegError, OSError, ValueError) as error:
        raise InputError(
            f"The video '{path}' can't be read: {getattr(error, 'strerror', None) or error}.",
            expected="mp4, mov, mkv, webm ...",
        ) from error
    if not container.streams.video:
        container.close()
        raise InputError(f"There is no picture in '{path}'.", expected="a file with a video stream")
    return container


def as_rgb(frame: av.VideoFrame) -> UInt8[np.ndarray, "H W 3"]:
    """A frame's pixels. Untagged video is taken as BT.601 where it is small, as players do."""
    fallback = Colorspace.ITU709 if frame.height > 576 else Colorspace.ITU601
    matrix = MATRICES.get(int(frame.colorspace), fallback)
    full = reformat(frame, format="rgb24", src_colorspace=matrix, dst_color_range=ColorRange.JPEG)
    return full.to_ndarray()
