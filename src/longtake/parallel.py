"""The other way to last (paper, figure 2a): every segment from the portrait alone, neighbours overlap and are cross-faded.

No segment needs another, so several can be made at once and nothing can drift; but each begins at the portrait's pose
again, and a cross-fade of two performances is all that joins them. `segments.py` is the loop that longtake uses by default.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Lock

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from longtake.clips import Segment, Tail
from longtake.conditions import Heard
from longtake.errors import SettingsError
from longtake.fade import cross_fade
from longtake.media.pixels import as_frames, as_pictures
from longtake.segments import SEGMENT_FRAMES, Segments
from longtake.settings import Settings


class ParallelSegments:
    """Makes the segments of one video in order, as `Segments` does, but each from the portrait alone.

    `hands` do the work, one for each device; `run.together` segments are under way at the same time. The tail holds the
    overlap with the next segment, so that a run can be taken up at any segment.
    """

    def __init__(self, hands: Sequence[Segments], settings: Settings, tail: Tail | None = None) -> None:
        check_strategy(settings)
        self.hands, self.settings, self.tail = hands, settings, tail
        self.step = step_of(settings)
        self.frames: int | None = None  # of the video, where that is known: nothing is made ahead beyond its end
        self.ahead: dict[tuple[int, int], Future[UInt8[np.ndarray, "f H W 3"]]] = {}
        self.pool: ThreadPoolExecutor | None = None
        heard = Shared(hands[0].speech)
        for hand in hands:
            hand.speech = heard

    def until(self, frames: int) -> Iterator[Segment]:
        """Segments from the tail on until the video has `frames` frames; the last one is cut to fit."""
        self.frames = frames
        while (self.tail.next_frame if self.tail else 0) < frames:
            segment = self.next()
            yield replace(segment, frames=segment.frames[: frames - segment.first_frame])

    def next(self) -> Segment:
        """One segment; afterwards the tail is its own."""
        segment, self.tail = self.make(self.tail)
        return segment

    def make(self, tail: Tail | None, attempt: int = 0) -> tuple[Segment, Tail]:
        """The segment that follows `tail` (None: the first), faded in over the tail's pictures, and its own tail."""
        index = tail.next_segment if tail else 0
        whole, first = self._whole(index, attempt), index * self.step
        begun = whole[: self.step]
        if tail is not None:
            begun = cross_fade(as_frames(torch.as_tensor(tail.pictures)), begun)
        rest = as_pictures(whole[self.step :]).numpy()
        return Segment(index, first, begun), Tail(rest, index + 1, first + self.step)

    def shown(self) -> UInt8[np.ndarray, "H W 3"]:
        """The portrait as the decoder shows it."""
        return self.hands[0].shown()

    def alone(self, index: int, attempt: int = 0) -> UInt8[np.ndarray, "f H W 3"]:
        """All frames of segment `index`, guided by copies of the portrait; other segments make no difference."""
        hand = self.hands[index % len(self.hands)]
        copies = hand.portrait.picture.float().cpu().expand(self.settings.motion.frames, -1, -1, -1)
        return hand.make(Tail(copies.numpy(), index, index * self.step), attempt)[0].frames

    def _whole(self, index: int, attempt: int) -> UInt8[np.ndarray, "f H W 3"]:
        """The same, made ahead where there are several at once."""
        together = self.settings.run.together
        if together == 1:
            return self.alone(index, attempt)
        self.pool = self.pool or workers(together)
        self.ahead = {key: made for key, made in self.ahead.items() if key[0] >= index}
        for k in range(index, index + together):
            wanted = (k, attempt if k == index else 0)
            if wanted not in self.ahead and (self.frames is None or k * self.step < self.frames or k == index):
                self.ahead[wanted] = self.pool.submit(self.alone, *wanted)
        return self.ahead[index, attempt].result()


def step_of(settings: Settings) -> int:
    """Frames from the beginning of one segment to that of the next."""
    sampling = settings.sampling
    return SEGMENT_FRAMES - (sampling.overlap if sampling.strategy == "parallel" else 0)


class Shared:
    """What is heard, for several threads: one at a time."""

    def __init__(self, heard: Heard) -> None:
        self.heard, self.lock = heard, Lock()

    def windows(self, first_frame: int, frames: int, fps: float, window: int) -> Float[Tensor, "f window layers d"]:
        """As `Heard` has it."""
        with self.lock:
            return self.heard.windows(first_frame, frames, fps, window)


def check_strategy(settings: Settings) -> None:
    """Raises SettingsError where segments would not be independent of each other, or get into each other's way."""
    if settings.sampling.generator == "running":
        raise SettingsError(
            "sampling.strategy = 'parallel' can't go with sampling.generator = 'running': segments would not be independent.",
            expected="noise that depends on seed and segment alone",
            do="set sampling.generator=segment",
        )
    if settings.run.together > 1 and settings.run.offload:
        raise SettingsError(
            f"run.together = {settings.run.together} can't go with run.offload: segments would move each other's weights.",
            do="set run.together=1, or leave --offload out",
        )


def workers(together: int) -> ThreadPoolExecutor:
    """Threads that share the cores: PyTorch computes outside Python's lock, so threads are enough and share the weights."""
    each = max(1, torch.get_num_threads() // together)
    return ThreadPoolExecutor(together, "segment", torch.set_num_threads, (each,))
