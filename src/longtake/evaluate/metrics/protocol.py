"""What a clip, a metric, a summary and an extractor are.

Everything streams. A metric gives a *reader* for one clip; the reader is shown the clip block by block (`View`, at 25 frames a
second) and then asked what it found. A clip metric's reader gives named floats. A set metric's reader gives a *summary*: a few
arrays that save to npz and join with those of other clips, from which one float comes without any video being read again.
`reading.measure` shows one clip to many readers in one pass; `registry` knows the metrics by name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from jaxtyping import Float32, UInt8

if TYPE_CHECKING:
    from longtake.evaluate.metrics.view import View

FPS = 25
"""Every clip is judged at this rate; others are resampled, and the result says so."""

Better = Literal["higher", "lower", "none"]
Need = Literal["real clip", "real set", "speech", "labels", "extractor"]
Summary = dict[str, np.ndarray]
"""What is kept of one clip for a set metric: a few arrays by name, all numeric, for `np.savez`."""


@dataclass(frozen=True)
class Quantity:
    """One number that a metric gives."""

    unit: str  # "" where it has none
    better: Better
    says: str = ""


@dataclass(frozen=True)
class About:
    """What is known of a metric before any video is read."""

    name: str
    says: str  # one sentence: what it is
    quantities: Mapping[str, Quantity]  # every float by name, the one that stands for the metric first
    needs: frozenset[Need] = frozenset()
    protocol: Mapping[str, Any] = field(default_factory=dict)  # everything that changes the number; JSON values
    comparable: bool = True  # False: by a stand-in, under another name than the published metric's

    @property
    def headline(self) -> str:
        """The name of the float that stands for the metric."""
        return next(iter(self.quantities))

    @property
    def unit(self) -> str:
        return self.quantities[self.headline].unit

    @property
    def better(self) -> Better:
        return self.quantities[self.headline].better

    @property
    def hash(self) -> str:
        """Eight hex digits of name and protocol: numbers under different ones may not be compared."""
        text = json.dumps([self.name, dict(self.protocol)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Clip:
    """One video to be judged, and what it may be judged by."""

    name: str
    video: Path
    identity: str = ""  # who it shows: intervals are drawn over identities; "" counts as the clip's name
    real: Path | None = None  # the true clip, frame by frame
    portrait: Path | None = None  # the picture it was made from; else the first true frame, else its own first
    speech: Path | None = None  # else the video's own sound
    labels: Path | None = None  # a puppet's exact numbers, as NAME.npz beside the held-out clips has them

    @property
    def who(self) -> str:
        return self.identity or self.name


class Reader(Protocol):
    """One metric at work on one clip."""

    def see(self, view: View) -> None:
        """Takes the next block in."""
        ...


class ClipReader(Reader, Protocol):
    def numbers(self) -> dict[str, float]:
        """The floats by name; NaN where there was nothing to measure."""
        ...


class SetReader(Reader, Protocol):
    def summary(self) -> Summary:
        """What is kept of the clip."""
        ...


class ClipMetric(Protocol):
    """A number for each clip."""

    kind: Literal["clip"]
    about: About

    def ready(self) -> None:
        """Raises WeightsMissing, WeightsMismatch or MissingDependency with what to do if it can't be computed here."""
        ...

    def begin(self, clip: Clip) -> ClipReader: ...


class SetMetric(Protocol):
    """A number for two sets of clips."""

    kind: Literal["set"]
    about: About

    def ready(self) -> None: ...

    def begin(self, clip: Clip) -> SetReader: ...

    def value(self, generated: Sequence[Summary], real: Sequence[Summary]) -> dict[str, float]:
        """The floats from the summaries of both sets; a summary may be there more than once (bootstrap)."""
        ...

    def remarks(self, generated: Sequence[Summary], real: Sequence[Summary]) -> list[str]:
        """What must be said beside the number, as sentences: sets too small, and what that does."""
        ...


Metric = ClipMetric | SetMetric


class Extractor(Protocol):
    """A network that makes a row of features of a picture, or of a window of frames."""

    name: str
    dim: int
    frames: int  # 1: of single pictures; else of windows of so many consecutive frames
    looks_at: str  # "picture", or "face": of 64 pixels, cut level by its landmarks
    comparable: bool  # False: a stand-in; its metrics have other names
    source: str  # what it is and where its weights come from
    sha256: str  # of its weights; "" for those made from a seed

    def ready(self) -> None:
        """Raises WeightsMissing, WeightsMismatch or MissingDependency with what to do if it can't be used here."""
        ...

    def __call__(self, pictures: UInt8[np.ndarray, "b *f H W 3"]) -> Float32[np.ndarray, "b d"]:
        """The features of each picture, or of each window."""
        ...
