"""Set metrics: how far the features of generated frames are from those of real ones (FID and its kin)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from longtake.evaluate.metrics.frechet import Gatherer, chance, count_of, frechet_distance, joined
from longtake.evaluate.metrics.protocol import About, Clip, Extractor, Quantity, Summary
from longtake.evaluate.metrics.view import View

EVERY = 5
"""Of single pictures each fifth is read: five a second."""


@dataclass(frozen=True, eq=False)
class FeatureMetric:
    """What set metrics on an extractor's features have in common."""

    about: About
    extractor: Extractor
    every: int = EVERY
    kind = "set"

    def ready(self) -> None:
        self.extractor.ready()


class FrechetMetric(FeatureMetric):
    """The Fréchet distance of one extractor's features; windows of frames where the extractor reads those."""

    def begin(self, clip: Clip) -> FeatureReader:
        return FeatureReader(self.extractor, self.every)

    def value(self, generated: Sequence[Summary], real: Sequence[Summary]) -> dict[str, float]:
        if not count_of(generated) or not count_of(real):
            return dict.fromkeys(self.about.quantities, float("nan"))
        ours, theirs = joined(generated), joined(real)
        distance = frechet_distance(ours, theirs)
        return {self.about.headline: distance, "chance": chance(theirs, ours.count, theirs.count)}

    def remarks(self, generated: Sequence[Summary], real: Sequence[Summary]) -> list[str]:
        dim, told = self.extractor.dim, []
        for name, count in (("generated", count_of(generated)), ("real", count_of(real))):
            if count <= dim:
                told.append(
                    f"The {name} set has {count} rows of {dim} numbers: its covariance has not full rank, so the distance is too "
                    f"large and grows as the set shrinks. Compare only sets of equal size, or use "
                    f"{self.about.name.replace('fid', 'kid')} (KID), which has no such bias."
                )
        return told


class FeatureReader:
    """Gathers the features of each `every`-th frame, or of each whole window, of a clip."""

    def __init__(self, extractor: Extractor, every: int) -> None:
        self.extractor, self.every = extractor, every
        self.gatherer = Gatherer(extractor.dim)
        self.window: list[np.ndarray] = []

    def see(self, view: View) -> None:
        if self.extractor.frames == 1:
            rows = view.every(self.every)
            if len(rows):
                self.gatherer.take(view.features(self.extractor, rows))
            return
        self.window += list(view.pictures)
        while len(self.window) >= self.extractor.frames:
            window = np.stack(self.window[: self.extractor.frames])
            del self.window[: self.extractor.frames]
            self.gatherer.take(self.extractor(window[None]))

    def summary(self) -> Summary:
        return self.gatherer.summary()


def frechet_metric(name: str, says: str, extractor: Extractor, every: int = EVERY) -> FrechetMetric:
    """A Fréchet distance under a name."""
    quantities = {
        name: Quantity("", "lower"),
        "chance": Quantity("", "none", "what two samples of one distribution, of these sizes, would be apart"),
    }
    about = About(
        name, says, quantities, frozenset({"real set", "extractor"}), described(extractor, every), extractor.comparable
    )
    return FrechetMetric(about, extractor, every)


def described(extractor: Extractor, every: int) -> dict:
    """What of an extractor belongs to a metric's protocol."""
    rate = (
        {"every": every}
        if extractor.frames == 1
        else {"window_frames": extractor.frames, "window_step": extractor.frames}
    )
    return {"extractor": extractor.name, "dim": extractor.dim, "sha256": extractor.sha256, "fps": 25, **rate}
