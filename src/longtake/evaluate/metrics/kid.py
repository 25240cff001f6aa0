"""KID: the kernel distance between two sets of features. It has no bias, however small the sets.

Of each clip a bounded number of rows is kept. Every row draws a number between 0 and 1, from the clip's name and the row's place
alone; the rows with the smallest numbers stay. Joined clips are cut at one common number, so that what is left is a fair sample
of all rows: a long clip counts for more than a short one, as it does in the whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from longtake.evaluate.metrics.protocol import About, Clip, Extractor, Quantity, Summary
from longtake.evaluate.metrics.sets import EVERY, FeatureMetric, described
from longtake.evaluate.metrics.view import View

KEPT = 256
"""Rows of one clip that are kept at most."""
USED = 4000
"""Rows of one set that are compared at most."""


class KernelMetric(FeatureMetric):
    """The unbiased squared maximum mean discrepancy under the kernel (x y / d + 1)^3."""

    def begin(self, clip: Clip) -> Reservoir:
        return Reservoir(self.extractor, self.every, clip.name)

    def value(self, generated: Sequence[Summary], real: Sequence[Summary]) -> dict[str, float]:
        return {self.about.headline: kernel_distance(sample(generated), sample(real))}

    def remarks(self, generated: Sequence[Summary], real: Sequence[Summary]) -> list[str]:
        counts = {"generated": len(sample(generated)), "real": len(sample(real))}
        few = [f"The {name} set has only {count} rows." for name, count in counts.items() if count < 50]
        return [f"{text} KID has no bias then, but a wide interval." for text in few]


class Reservoir:
    """The rows of one clip whose numbers are smallest."""

    def __init__(self, extractor: Extractor, every: int, clip: str) -> None:
        self.extractor, self.every = extractor, every
        seed = int.from_bytes(hashlib.sha256(clip.encode()).digest()[:8], "little")
        self.rng = np.random.default_rng(seed)
        self.numbers, self.rows = np.zeros(0), np.zeros((0, extractor.dim), np.float32)
        self.full = False

    def see(self, view: View) -> None:
        places = view.every(self.every)
        if len(places):
            self.take(view.features(self.extractor, places))

    def take(self, rows: Float[np.ndarray, "n d"]) -> None:
        """Adds rows; those that are not finite do not count."""
        rows = rows[np.isfinite(rows).all(axis=1)]
        numbers = np.concatenate([self.numbers, self.rng.random(len(rows))])
        rows = np.concatenate([self.rows, rows.astype(np.float32)])
        self.full |= len(rows) > KEPT
        kept = np.sort(np.argsort(numbers)[:KEPT])
        self.numbers, self.rows = numbers[kept], rows[kept]

    def summary(self) -> Summary:
        return {"numbers": self.numbers, "rows": self.rows, "full": np.array(self.full)}


def sample(summaries: Sequence[Summary]) -> Float[np.ndarray, "n d"]:
    """A fair sample of the rows of all clips."""
    cut = min((part["numbers"].max() for part in summaries if part["full"]), default=1.0)
    numbers = np.concatenate([part["numbers"] for part in summaries])
    rows = np.concatenate([part["rows"] for part in summaries])
    chosen = np.flatnonzero(numbers <= cut)
    return rows[chosen[np.argsort(numbers[chosen], kind="stable")[:USED]]]


def kernel_distance(a: Float[np.ndarray, "n d"], b: Float[np.ndarray, "m d"]) -> float:
    """The unbiased estimate; it may come out a little below zero. NaN for less than two rows."""
    if min(len(a), len(b)) < 2:
        return float("nan")
    a, b = a.astype(np.float64), b.astype(np.float64)
    own = [_kernel(x, x) for x in (a, b)]
    within = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in own]
    return float(within[0] + within[1] - 2 * _kernel(a, b).mean())


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3


def kernel_metric(name: str, says: str, extractor: Extractor, every: int = EVERY) -> KernelMetric:
    """A kernel distance under a name."""
    protocol = {**described(extractor, every), "kernel": "(x y / d + 1)^3", "kept": KEPT, "used": USED}
    about = About(
        name, says, {name: Quantity("", "lower")}, frozenset({"real set", "extractor"}), protocol, extractor.comparable
    )
    return KernelMetric(about, extractor, every)
