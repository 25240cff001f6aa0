"""Any video as upright RGB frames with their times, and what is worth knowing about it before and after.

What can't be decoded is left out and told; times are those of the file, so a varying frame rate stays what it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.filter
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream
from jaxtyping import UInt8

from longtake.errors import InputError
from longtake.media.hdr import HLG, PQ, as_sdr
from longtake.media.video import as_rgb, open_video
from longtake.times import clock

ATTACHED = 0x400  # AV_DISPOSITION_ATTACHED_PIC: a cover, not a film
EARLY_S = Fraction(1, 2)
"""A picture that ends so long before its file says so is told of."""
MICROSECONDS = 1_000_000


@dataclass(frozen=True, eq=False)
class Shot:
    """A frame and when it is shown, seconds from the beginning of the file."""

    time_s: Fraction
    picture: UInt8[np.ndarray, "H W 3"]


class Footage:
    """A video file to be read from beginning to end."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.troubles: list[str] = []  # what could not be read, as sentences
        with open_video(path) as container:
            stream = _film(container, path)
            self.start_s = Fraction(container.start_time or 0, MICROSECONDS)
            self.fps = float(stream.average_rate or stream.guessed_rate or 25)
            self.seconds = float((container.duration or 0) / MICROSECONDS)
            self.pixel_aspect = stream.sample_aspect_ratio or Fraction(1)
            self.time_base = stream.time_base or Fraction(1, 90_000)
            self.sounds = len(container.streams.audio)
            first = next(_decoded(container, stream, self._note), None)
            if first is None:
                raise InputError(f"Not one frame of '{path}' can be decoded.", expected="a video that players show")
            self.height, self.width = _upright(first, np.empty((first.height, first.width))).shape
            self.turned = first.rotation % 360 != 0
            self.pixel_aspect = 1 / self.pixel_aspect if first.rotation % 180 else self.pixel_aspect
            self.interlaced = first.interlaced_frame
            self.hdr = int(first.color_trc) in (PQ, HLG)
            self.alpha = any(part in first.format.name for part in ("rgba", "yuva", "bgra", "argb", "abgr", "gbra"))
        self.troubles.clear()

    @property
    def remarks(self) -> list[str]:
        """What will be different in anything made of it, as sentences."""
        told = {
            "It is interlaced; it becomes progressive at the same frame rate.": self.interlaced,
            "It is HDR; it is brought into the range of ordinary screens.": self.hdr,
            "It has transparency, which is lost.": self.alpha,
        }
        return [text for text, true in told.items() if true]

    def expected_frames(self, start_s: float, stop_s: float) -> int:
        """About how many frames there are."""
        return max(1, round((min(stop_s, self.seconds) - start_s) * self.fps))

    def shots(self, start_s: float = 0.0, stop_s: float = float("inf")) -> Iterator[Shot]:
        """The frames shown from `start_s` up to `stop_s`, in order."""
        last, gaps = Fraction(-1), Gaps(self.fps)
        with open_video(self.path) as container:
            stream = _film(container, self.path)
            stream.thread_type = "AUTO"
            if start_s > 0:
                container.seek(round((Fraction(start_s) + self.start_s) * MICROSECONDS))
            frames = _decoded(container, stream, self._note)
            for frame in _progressive(frames, stream) if self.interlaced else frames:
                time_s = self._time(frame, last)
                if time_s >= stop_s:
                    return
                if time_s < start_s or time_s <= last:
                    continue
                if last >= 0 and gaps.tell(time_s - last):
                    self._missing(last, time_s)
                last = time_s
                yield Shot(time_s, np.ascontiguousarray(_upright(frame, as_sdr(frame) if self.hdr else as_rgb(frame))))

        if last >= 0 and last + EARLY_S < self.seconds <= stop_s:
            end = float(last) + 1 / self.fps
            self.troubles.append(
                f"The picture ends at {clock(end)}, the file says at {clock(self.seconds)}: it may have been cut off."
            )

    def _time(self, frame: av.VideoFrame, last: Fraction) -> Fraction:
        if frame.pts is None or frame.time_base is None:
            return last + Fraction(1 / self.fps).limit_denominator(90_000) if last >= 0 else Fraction(0)
        return frame.pts * frame.time_base - self.start_s

    def _missing(self, last: Fraction, time_s: Fraction) -> None:
        said = f"There is no picture from {clock(float(last))} to {clock(float(time_s))}; the one before it stays."
        if len(self.troubles) < 5:
            self.troubles.append(said)

    def _note(self, time_s: float | None, what: str) -> None:
        """Remembers the first few troubles, and that there were more."""
        where = "" if time_s is None else f" at {clock(time_s - float(self.start_s))}"
        if len(self.troubles) < 5:
            self.troubles.append(f"{what}{where}; it is left out.")
        elif len(self.troubles) == 5:
            self.troubles.append("More could not be read further on.")


class Gaps:
    """Told the time from frame to frame, says where frames are missing: in films whose rate was steady until then."""

    def __init__(self, fps: float) -> None:
        self._frame_s, self._even = 1 / fps, 0

    def tell(self, passed_s: Fraction) -> bool:
        """Whether so much time between two frames is a gap. One in a film of varying rate is its own."""
        frames = float(passed_s) / self._frame_s
        if frames < 1.5:
            self._even += 1
        elif frames < 3:
            self._even = 0
        return frames >= 3 and self._even >= 5


def _film(container: InputContainer, path: str | Path) -> VideoStream:
    films = [stream for stream in container.streams.video if not int(stream.disposition) & ATTACHED]
    if not films:
        raise InputError(f"There is no moving picture in '{path}', only a cover.", expected="a video")
    return films[0]


def _decoded(container: InputContainer, stream: VideoStream, note) -> Iterator[av.VideoFrame]:
    """Every frame that can be decoded; the rest is noted."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except FFmpegError:
            note(None, "The rest of the file can't be read")
            return
        time_s = float(packet.pts * packet.time_base) if packet.pts is not None and packet.time_base else None
        try:
            frames = packet.decode()
        except FFmpegError:
            note(time_s, "A frame is damaged")
            continue
        for frame in frames:
            if isinstance(frame, av.VideoFrame) and not frame.is_corrupt:
                yield frame
            elif isinstance(frame, av.VideoFrame):
                note(frame.time, "A frame is damaged")


def _progressive(frames: Iterable[av.VideoFrame], stream: VideoStream) -> Iterator[av.VideoFrame]:
    """Interlaced frames with their missing lines filled in."""
    graph = av.filter.Graph()
    graph.link_nodes(
        graph.add_buffer(template=stream), graph.add("bwdif", "mode=send_frame:deint=all"), graph.add("buffersink")
    ).configure()
    for frame in frames:
        graph.push(frame)
        yield from _pulled(graph)
    graph.push(None)
    yield from _pulled(graph)


def _pulled(graph: av.filter.Graph) -> Iterator[av.VideoFrame]:
    while True:
        try:
            frame = graph.pull()
        except (BlockingIOError, EOFError):
            return
        if isinstance(frame, av.VideoFrame):
            yield frame


def _upright(frame: av.VideoFrame, picture: np.ndarray) -> np.ndarray:
    """The picture turned as the file says it is to be shown."""
    return np.rot90(picture, (frame.rotation // 90) % 4)
