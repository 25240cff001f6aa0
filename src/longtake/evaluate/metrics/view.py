"""A block of consecutive frames of one clip, and what is seen in them: costly things are found once for all metrics."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from threading import RLock
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float, UInt8

from longtake.clips import Speech
from longtake.evaluate.metrics.protocol import FPS, Clip, Extractor

Thing = TypeVar("Thing")


@dataclass(eq=False)
class Follower:
    """Landmarks of a stream of frames that comes in blocks: each face is looked for where the last one was."""

    _waiting: deque = field(default_factory=deque)
    _points: Iterator[np.ndarray] | None = None

    def follow(self, frames: UInt8[np.ndarray, "f H W 3"]) -> Float[np.ndarray, "f 468 3"]:
        """The landmarks of the next frames; NaN without a face."""
        from longtake.face.detect import LANDMARKS, track

        if self._points is None:
            self._points = track(self._come())
        self._waiting.extend(frames)
        found = [next(self._points) for _ in frames]
        return np.stack(found) if found else np.zeros((0, LANDMARKS, 3), np.float32)

    def _come(self) -> Iterator[np.ndarray]:
        while True:
            yield self._waiting.popleft()


@dataclass(eq=False)
class Session:
    """What lasts as long as one clip is read: its speech, and where its faces were."""

    clip: Clip
    speech: Speech | None = None
    generated: Follower = field(default_factory=Follower)
    true: Follower = field(default_factory=Follower)
    portrait: UInt8[np.ndarray, "H W 3"] | None = None
    labels: dict[str, np.ndarray] = field(default_factory=dict)
    pairs: bool = False  # whether the true clip is read beside it
    memory: dict[Hashable, object] = field(default_factory=dict)  # what is found once per clip
    _lock: Any = field(default_factory=RLock, repr=False)

    def once(self, key: Hashable, make: Callable[[], Thing]) -> Thing:
        """What `make` gives, made once for the clip."""
        with self._lock:
            if key not in self.memory:
                self.memory[key] = make()
            return self.memory[key]  # type: ignore[return-value]


@dataclass(eq=False)
class View:
    """Consecutive frames of a clip at 25 a second."""

    first: int  # place of the first frame in the clip
    pictures: UInt8[np.ndarray, "f H W 3"]
    session: Session
    real: UInt8[np.ndarray, "f H W 3"] | None = (
        None  # the true frames, at the size of the pictures; None beyond their end
    )
    _made: dict[Hashable, object] = field(default_factory=dict)
    _locks: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    _lock: Any = field(default_factory=RLock, repr=False)

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def clip(self) -> Clip:
        return self.session.clip

    @property
    def places(self) -> np.ndarray:
        """The number of each frame in the clip."""
        return self.first + np.arange(len(self))

    @property
    def start_s(self) -> float:
        return self.first / FPS

    def every(self, step: int) -> np.ndarray:
        """The rows of each `step`-th frame of the clip."""
        return np.flatnonzero(self.places % step == 0)

    def seen(self) -> list[str]:
        """Which of the costly things below were found in it so far."""
        return [name for name in ("landmarks", "real_landmarks", "eyes") if name in self._made]

    @property
    def landmarks(self) -> Float[np.ndarray, "f 468 3"]:
        """Of the face in each frame; NaN without one."""
        return self.shared("landmarks", lambda: self.session.generated.follow(self.pictures))

    @property
    def real_landmarks(self) -> Float[np.ndarray, "f 468 3"] | None:
        real = self.real
        return None if real is None else self.shared("real_landmarks", lambda: self.session.true.follow(real))

    @property
    def eyes(self) -> Float[np.ndarray, "f 2 3"]:
        """Lids and irises, as `read_eyes` gives them."""
        from longtake.face.lids import read_eyes

        return self.shared("eyes", lambda: read_eyes(self.pictures, self.landmarks))

    def features(self, extractor: Extractor, rows: np.ndarray, real: bool = False) -> np.ndarray:
        """What an extractor makes of some of the frames, NaN where it wants a face and there is none; made once for all."""
        source = self.real if real else self.pictures
        assert source is not None, "a metric that needs a real clip is not shown one without"

        def make() -> np.ndarray:
            if extractor.looks_at == "picture":
                return extractor(source[rows])
            points = self.real_landmarks if real else self.landmarks
            assert points is not None
            return self._of_faces(extractor, source[rows], points[rows])

        return self.shared((extractor.name, real, rows.tobytes()), make)

    def _of_faces(self, extractor: Extractor, pictures: np.ndarray, points: np.ndarray) -> np.ndarray:
        from longtake.face.judged import face_crop

        found = np.full((len(pictures), extractor.dim), np.nan, np.float32)
        seen = np.flatnonzero(np.isfinite(points[:, 0, 0]))
        if len(seen):
            found[seen] = extractor(np.stack([face_crop(pictures[i], points[i]) for i in seen]))
        return found

    def shared(self, key: Hashable, make: Callable[[], Thing]) -> Thing:
        """What `make` gives, made once for all metrics that are shown this block, in whichever thread."""
        with self._lock:
            of_key = self._locks.setdefault(key, RLock())
        with of_key:  # who wants another thing does not wait
            if key not in self._made:
                self._made[key] = make()
            return self._made[key]  # type: ignore[return-value]
