"""How far a run is, how fast it goes, how long it will still take and what memory it took: values that people can plan with."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from longtake.clips import Chunk

RECENT = 50
"""Segments that the estimate is made from: long enough to be calm, short enough to notice that the machine got busy."""
SLOW_SHARE = 25
"""One segment in so many, at least one, may be slow without being believed: a laptop that slept says nothing of the next hour."""


@dataclass(frozen=True, eq=False)
class Progress:
    """Where a run stands after a segment. Times in seconds, memory in MB (of 2^20 bytes)."""

    segment: int  # segments done
    segments: int  # in all
    frames: int  # frames done
    frames_total: int
    first_frame: int  # of the segment just done
    video_s: float  # of video done
    total_s: float  # of video in all
    work_s: float  # since this run began; a resumed run begins anew
    work_per_video_s: float  # of work for one second of video, lately
    left_s: float  # of work still to do, by what the segments made in this run took
    peak_mb: float | None  # the most main memory this process ever held; None where the system does not tell
    gpu_peak_mb: float | None  # the same of GPU memory; None without a GPU
    prompt: str = ""  # what holds at the end of the segment
    picture: UInt8[np.ndarray, "H W 3"] | None = field(default=None, repr=False)  # the last frame

    def plain(self) -> dict[str, Any]:
        """All of it but the picture, as JSON takes it."""
        values = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "picture"}
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in values.items()}


Tell = Callable[[Progress], None]


class Pace:
    """Told of each finished chunk, it says where the run stands. Make it when the work begins."""

    def __init__(
        self, frames_total: int, fps: int, segment_frames: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.frames_total, self.fps, self.segment_frames = frames_total, fps, segment_frames
        self.clock = clock
        self.began = self.last = clock()
        self.warm_up: float | None = None  # the first segment of this run: the portrait is read, kernels are chosen
        self.took: deque[float] = deque(maxlen=RECENT)

    def tell(self, chunk: Chunk, prompt: str = "") -> Progress:
        """Where the run stands, now that `chunk` is made and written."""
        now = self.clock()
        self._note(now - self.last)
        self.last = now
        done = chunk.first_frame + len(chunk.frames)
        segments, each = self._segments(self.frames_total), self.segment_s
        return Progress(
            segment=self._segments(done),
            segments=segments,
            frames=done,
            frames_total=self.frames_total,
            first_frame=chunk.first_frame,
            video_s=done / self.fps,
            total_s=self.frames_total / self.fps,
            work_s=now - self.began,
            work_per_video_s=each * self.fps / self.segment_frames,
            left_s=(segments - self._segments(done)) * each,
            peak_mb=peak_mb(),
            gpu_peak_mb=gpu_peak_mb(),
            prompt=prompt,
            picture=chunk.frames[-1],
        )

    @property
    def segment_s(self) -> float:
        """Seconds a segment takes lately; the slowest count like the next slowest. The first counts only while it is alone."""
        took = sorted(self.took)
        if not any(took):  # none yet, or all came at once with the first, from several devices
            return (self.warm_up or 0.0) / (1 + len(took))
        believed = took[-1 - max(1, len(took) // SLOW_SHARE)] if len(took) > 1 else took[0]
        return sum(min(seconds, believed) for seconds in took) / len(took)

    def _note(self, seconds: float) -> None:
        if self.warm_up is None:
            self.warm_up = seconds
        else:
            self.took.append(seconds)

    def _segments(self, frames: int) -> int:
        return -(-frames // self.segment_frames)


def peak_mb() -> float | None:
    """The most main memory this process ever held, MB; without the peak of the process that started it."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1024)


def gpu_peak_mb() -> float | None:
    """The most GPU memory that PyTorch held since the process began, MB; None where no GPU is used."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return None
    return torch.cuda.max_memory_reserved() / 2**20
