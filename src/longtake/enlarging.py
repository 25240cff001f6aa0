"""Segments on their way out (step 6 in an animation): frames on their canvas, faces restored where there is an enhancer.

Large pictures are made one by one while they are written. Windows of the enhancer end elsewhere than segments do; frames go
out in whole segments all the same, so that each begins with a key frame and can be made anew. What waits goes with the tail.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from longtake.canvas import Canvas
from longtake.clips import Segment, Tail, Waiting
from longtake.enhance import Restore, WindowStream
from longtake.media.pixels import as_frames, as_pictures
from longtake.segments import SEGMENT_FRAMES
from longtake.settings import EnhanceSettings

Picture = UInt8[np.ndarray, "H W 3"]
PART_BYTES = 64 << 20
"""The most that a part of a segment may hold."""


@dataclass(frozen=True, eq=False)
class Outgoing:
    """Frames of the video that are ready after a segment; each is made when it is asked for, once."""

    first_frame: int
    count: int
    pictures: Iterable[Picture]
    tail: Tail

    @property
    def stop(self) -> int:
        """The place behind the last one."""
        return self.first_frame + self.count

    @property
    def lengths(self) -> list[int]:
        """How many frames each segment has that goes out."""
        return [min(SEGMENT_FRAMES, self.count - begin) for begin in range(0, self.count, SEGMENT_FRAMES)]

    def parts(self) -> Iterator[tuple[int, UInt8[np.ndarray, "f H W 3"]]]:
        """The pictures together, with the place of the first; large ones in several parts."""
        place, pictures = self.first_frame, iter(self.pictures)
        while (first := next(pictures, None)) is not None:
            more = islice(pictures, max(0, PART_BYTES // first.nbytes - 1))
            part = np.stack([first, *more])
            yield place, part
            place += len(part)


class Enlarging:
    """Told segment by segment; `tail` is that of the segment before, whose `waiting` frames come first."""

    def __init__(
        self, canvas: Canvas, restore: Restore | None, settings: EnhanceSettings, tail: Tail | None = None
    ) -> None:
        self.canvas = canvas
        self._stream = WindowStream(_rounded(restore), settings.window, settings.overlap) if restore else None
        self._overlap = settings.overlap
        self._recent: deque[Picture] = deque(maxlen=settings.window + SEGMENT_FRAMES)  # as animated
        self._queue: deque[Picture] = deque()  # those of them that have not gone out
        self._restored: deque[Picture] = deque()  # faces of the first ones in the queue
        if self._stream and tail and tail.waiting:
            self._take_up(self._stream, tail.waiting)

    def take(self, segment: Segment, tail: Tail, last: bool) -> Outgoing:
        """What can go out now that this segment is made; with the `last` one, everything."""
        frames, first = segment.frames, segment.first_frame
        if self._stream is None:
            return Outgoing(first, len(frames), map(self.canvas.show, frames), tail)
        first -= len(self._queue)
        faces: list[Tensor] = []
        for frame in frames:
            self._recent.append(frame)
            self._queue.append(frame)
            faces += self._stream.tell(self._seen(frame))
        if last:
            faces += self._stream.end()
        self._restored.extend(as_frames(face[None])[0] for face in faces)
        stop = first + len(self._restored)
        count = (stop if last else stop // SEGMENT_FRAMES * SEGMENT_FRAMES) - first
        ready, restored = ([queue.popleft() for _ in range(count)] for queue in (self._queue, self._restored))
        waiting = None if last else self._waiting(self._stream)
        return Outgoing(first, count, map(self.canvas.show, ready, restored), replace(tail, waiting=waiting))

    def _seen(self, frame: Picture) -> Float[Tensor, "3 s s"]:
        return as_pictures(self.canvas.face_of(frame)[None])[0]

    def _waiting(self, stream: WindowStream) -> Waiting:
        held = as_frames(torch.stack(stream.held)) if stream.held else ()
        faces = [*self._restored, *held]
        restored = np.stack(faces) if faces else np.zeros((0, 1, 1, 3), np.uint8)
        return Waiting(np.stack(list(self._recent)), restored, stream.fresh)

    def _take_up(self, stream: WindowStream, waiting: Waiting) -> None:
        recent, restored = list(waiting.recent), list(waiting.restored)
        done = max(0, len(restored) - self._overlap)  # a window that was restored holds an overlap back
        held = list(as_pictures(np.stack(restored[done:]))) if restored[done:] else []
        stream.take_up([self._seen(frame) for frame in recent[-stream.frames :]], held, waiting.fresh)
        self._recent.extend(recent)
        self._queue.extend(recent[len(recent) - waiting.fresh - len(restored) :])
        self._restored.extend(restored[:done])


def _rounded(restore: Restore) -> Restore:
    """The same in the 256 steps of a picture: what is kept on the disk is then what a run that never stopped has."""
    return lambda window: as_pictures(as_frames(restore(window)))
