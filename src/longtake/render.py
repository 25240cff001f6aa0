"""From segments to a file on the disk: each is written and recorded before the next one is made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Protocol

import numpy as np

from longtake.clips import Chunk, Segment, Tail
from longtake.enlarging import Enlarging, Outgoing, Picture
from longtake.journal.journal import Journal
from longtake.media.video import VideoWriter
from longtake.pace import Pace, Tell
from longtake.prompts import Track

Change = Callable[[Outgoing], Iterable[Picture]]
"""What still happens to pictures before they are written."""


class Loop(Protocol):
    """What makes segments: afterwards `tail` is all that the next one needs."""

    tail: Tail | None


def render(
    made: Iterable[Segment],
    loop: Loop,
    enlarging: Enlarging,
    writer: VideoWriter,
    journal: Journal,
    step: int,
    track: Track,
    progress: Tell | None,
    change: Change = lambda ready: ready.pictures,
) -> None:
    """Writes and records the segments that come out of the loop, `step` frames each; `track` says what was asked for."""
    fps, total = writer.settings.fps, journal.plan["frames"]
    pace, started = Pace(total, fps, step), time.monotonic()
    for segment in made:
        assert loop.tail is not None
        ready = enlarging.take(segment, loop.tail, segment.first_frame + len(segment.frames) == total)
        if not ready.count:
            continue
        pictures = Watched(change(ready))
        piece = b"".join(writer.write(islice(pictures, count), count) for count in ready.lengths)
        journal.add(segment, ready.tail, piece, time.monotonic() - started, ready.stop)
        started = time.monotonic()
        if progress:
            chunk = Chunk(pictures.repeated(ready.count), ready.first_frame, fps, segment.notes)
            progress(pace.tell(chunk, track.text(ready.stop - 1)))


class Watched:
    """Pictures as they come; the last one is kept to be looked at."""

    def __init__(self, pictures: Iterable[Picture]) -> None:
        self._pictures = iter(pictures)
        self.last: Picture | None = None

    def __iter__(self) -> Iterator[Picture]:
        return self

    def __next__(self) -> Picture:
        self.last = next(self._pictures)
        return self.last

    def repeated(self, count: int) -> np.ndarray:
        """The last picture as often as there were pictures, in the memory of one."""
        assert self.last is not None
        return np.broadcast_to(self.last, (count, *self.last.shape))
