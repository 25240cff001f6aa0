"""How well lips and sound go together, by the protocol of SyncNet: Sync-C, Sync-D and the offset, for any pair of embedders.

Each window of frames and each window of sound becomes a vector, a window a frame (25 fps, 16 kHz). The distance of every face
window to the sound windows from 15 frames before to 15 after is averaged over the video, shift by shift. Sync-D is the smallest
of these 31 means, Sync-C the median less the smallest, the offset where it lies. Only the last 31 vectors are held, so an hour
takes the memory of a minute; the usual program keeps all frames.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from longtake.clips import SAMPLE_RATE_HZ
from longtake.evaluate.metrics.protocol import FPS, About, Clip, Quantity
from longtake.evaluate.metrics.view import View

SHIFTS = 15
"""Frames in either direction."""
PER_FRAME = SAMPLE_RATE_HZ // FPS
EPSILON = 1e-6
"""What torch's pairwise distance adds to every difference."""
FEWEST = 10
"""Windows below which nothing is said."""


class SyncEmbedder(Protocol):
    """Two networks with one space: faces over a few frames, and the sound of the same time."""

    name: str
    frames: int  # of a face window
    side: int  # of its pictures
    lead: int  # samples that a sound window begins before its first frame
    samples: int  # of a sound window
    comparable: bool
    source: str
    sha256: str

    def ready(self) -> None: ...

    def begin(self) -> None:
        """Forgets the clip before."""
        ...

    def crop(
        self, pictures: UInt8[np.ndarray, "f H W 3"], landmarks: Float[np.ndarray, "f 468 3"]
    ) -> UInt8[np.ndarray, "f side side c"]:
        """What of each frame is looked at; anything where there is no face."""
        ...

    def faces(self, windows: UInt8[np.ndarray, "b frames side side c"]) -> Float32[np.ndarray, "b d"]: ...

    def sounds(self, windows: Float32[np.ndarray, "b samples"]) -> Float32[np.ndarray, "b d"]: ...


@dataclass
class Shifts:
    """The mean distance at each shift, from vectors as they come; `None` for a window without a face."""

    total: Float[np.ndarray, " shifts"] = field(default_factory=lambda: np.zeros(2 * SHIFTS + 1))
    count: int = 0
    _faces: deque = field(default_factory=deque)  # vectors whose later sounds are still to come
    _sounds: deque = field(default_factory=lambda: deque([None] * SHIFTS))  # from 15 before the first waiting face

    def take(self, face: Float[np.ndarray, " d"] | None, sound: Float[np.ndarray, " d"]) -> None:
        """Adds the vectors of the next frame."""
        self._faces.append(face)
        self._sounds.append(sound)
        if len(self._faces) > SHIFTS:
            self._settle()

    def means(self) -> Float[np.ndarray, " shifts"]:
        """The mean distance at each shift, from 15 frames earlier sound to 15 later; ends the taking."""
        while self._faces:
            lacking = 2 * SHIFTS + 1 - len(self._sounds)
            self._sounds.extend([None] * lacking)  # beyond the end, as before the beginning: zeros, as published
            self._settle()
        return self.total / self.count if self.count else np.full(2 * SHIFTS + 1, np.nan)

    def _settle(self) -> None:
        face = self._faces.popleft()
        if face is not None:
            nothing = np.zeros_like(face)
            near = np.stack([nothing if sound is None else sound for sound in list(self._sounds)[: 2 * SHIFTS + 1]])
            self.total += np.linalg.norm(face[None].astype(np.float64) - near + EPSILON, axis=1)
            self.count += 1
        self._sounds.popleft()


def scores(means: Float[np.ndarray, " shifts"]) -> dict[str, float]:
    """Distance, confidence and offset from the mean distances. A positive offset: the sound comes before the lips."""
    if not np.isfinite(means).all():
        return dict.fromkeys(("distance", "confidence", "offset"), float("nan"))
    best = int(means.argmin())
    ordered = np.sort(means)
    middle = ordered[(len(means) - 1) // 2]
    return {"distance": float(means[best]), "confidence": float(middle - means[best]), "offset": float(SHIFTS - best)}


@dataclass(frozen=True, eq=False)
class SyncMetric:
    """One of the three numbers; those of one embedder are computed once."""

    about: About
    embedder: SyncEmbedder
    number: str
    kind = "clip"

    def ready(self) -> None:
        self.embedder.ready()

    def begin(self, clip: Clip) -> _SyncReader:
        return _SyncReader(self)


class _SyncReader:
    def __init__(self, metric: SyncMetric) -> None:
        self.metric, self.shifts = metric, Shifts()

    def see(self, view: View) -> None:
        for face, sound in embedded(view, self.metric.embedder):
            self.shifts.take(face, sound)

    def numbers(self) -> dict[str, float]:
        means = self.shifts.means()
        found = scores(means if self.shifts.count >= FEWEST else means * np.nan)
        about = self.metric.about
        return {about.headline: found[self.metric.number]} | {
            name: found[name] for name in about.quantities if name in found and name != about.headline
        }


Pairs = list[tuple[np.ndarray | None, np.ndarray]]


def embedded(view: View, embedder: SyncEmbedder) -> Pairs:
    """The vectors of the windows that end in this block, made once for all metrics; the frames before are remembered."""
    return view.shared(("sync", embedder.name), lambda: _embedded(view, embedder))


def _embedded(view: View, embedder: SyncEmbedder) -> Pairs:
    assert view.session.speech is not None
    key = ("sync", embedder.name)
    crops, seen, first = _crops(view, embedder)
    held = view.session.memory.get(key)
    if held is not None:
        before, known, first = held  # type: ignore[misc]
        crops, seen = np.concatenate([before, crops]), np.concatenate([known, seen])
    count = len(crops) - embedder.frames + 1
    keep = max(count, 0)
    view.session.memory[key] = (crops[keep:], seen[keep:], first + keep)
    if count <= 0:
        return []
    windows = np.stack([crops[k : k + embedder.frames] for k in range(count)])
    whole = np.array([seen[k : k + embedder.frames].all() for k in range(count)])
    faces = embedder.faces(windows[whole]) if whole.any() else np.zeros((0, 1), np.float32)
    sounds = embedder.sounds(sound_windows(view, embedder, first, count))
    found = iter(faces)
    return [(next(found) if ok else None, sound) for ok, sound in zip(whole, sounds, strict=True)]


def _crops(view: View, embedder: SyncEmbedder) -> tuple[np.ndarray, Bool[np.ndarray, " f"], int]:
    seen = np.isfinite(view.landmarks[:, 0, 0])
    if view.first == 0:
        embedder.begin()
    return embedder.crop(view.pictures, view.landmarks), seen, view.first


def sound_windows(view: View, embedder: SyncEmbedder, first: int, count: int) -> Float32[np.ndarray, "b samples"]:
    """The sound of each window; silence outside the sound."""
    assert view.session.speech is not None
    start = first * PER_FRAME - embedder.lead
    samples = view.session.speech.sound.window(start, start + (count - 1) * PER_FRAME + embedder.samples)
    at = np.arange(count)[:, None] * PER_FRAME + np.arange(embedder.samples)
    return samples[at].astype(np.float32)


def sync_metric(name: str, number: str, says: str, quantity: Quantity, embedder: SyncEmbedder, **more) -> SyncMetric:
    """One of the numbers under a name."""
    protocol = {
        "embedder": embedder.name,
        "sha256": embedder.sha256,
        "fps": FPS,
        "rate_hz": SAMPLE_RATE_HZ,
        "shifts": SHIFTS,
        "window_frames": embedder.frames,
        "windows_without_face": "left out",
        **more,
    }
    about = About(name, says, {name: quantity}, frozenset({"speech", "extractor"}), protocol, embedder.comparable)
    return SyncMetric(about, embedder, number)
