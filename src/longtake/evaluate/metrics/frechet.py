"""The Fréchet distance between two sets of features, and what of it chance alone explains, from sums that join.

A set is kept as count, sum and outer product in float64, or as its rows while these are fewer than the features have numbers
(what is exact and small for short clips). Joining sets adds them up; nothing is read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from longtake.evaluate.metrics.protocol import Summary


@dataclass(frozen=True, eq=False)
class Moments:
    """How many rows there were, their sum and the sum of their outer products."""

    count: int
    sum: Float[np.ndarray, " d"]
    outer: Float[np.ndarray, "d d"]

    @property
    def mean(self) -> Float[np.ndarray, " d"]:
        return self.sum / max(self.count, 1)

    @property
    def covariance(self) -> Float[np.ndarray, "d d"]:
        """Unbiased, as the reference implementations have it; zero for a single row."""
        return (self.outer - np.outer(self.sum, self.mean)) / max(self.count - 1, 1)


class Gatherer:
    """Rows taken in as they come; `summary` is what is kept of them."""

    def __init__(self, dim: int) -> None:
        self.dim, self.count = dim, 0
        self.rows: list[np.ndarray] | None = []
        self.sum, self.outer = np.zeros(dim), None

    def take(self, rows: Float[np.ndarray, "n d"]) -> None:
        """Adds rows; those that are not finite do not count."""
        rows = rows[np.isfinite(rows).all(axis=1)]
        self.count += len(rows)
        if self.rows is not None:
            self.rows.append(rows.astype(np.float32))
            if self.count <= self.dim:
                return
            rows, self.rows = np.concatenate(self.rows), None
        rows = rows.astype(np.float64)
        self.sum += rows.sum(axis=0)
        self.outer = rows.T @ rows if self.outer is None else self.outer + rows.T @ rows

    def summary(self) -> Summary:
        if self.outer is None:
            return {"rows": np.concatenate([np.zeros((0, self.dim), np.float32), *(self.rows or [])])}
        return {"count": np.array(self.count), "sum": self.sum, "outer": self.outer}


def count_of(summaries: Sequence[Summary]) -> int:
    """How many rows there are in all."""
    return sum(len(part["rows"]) if "rows" in part else int(part["count"]) for part in summaries)


def joined(summaries: Sequence[Summary]) -> Moments:
    """The moments of all sets together."""
    first = summaries[0]
    dim = first["rows"].shape[1] if "rows" in first else len(first["sum"])
    total, outer = np.zeros(dim), np.zeros((dim, dim))
    for part in summaries:
        if "rows" in part:
            rows = part["rows"].astype(np.float64)
            total += rows.sum(axis=0)
            outer += rows.T @ rows
        else:
            total += part["sum"]
            outer += part["outer"]
    return Moments(count_of(summaries), total, outer)


def frechet_distance(a: Moments, b: Moments) -> float:
    """|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)): 0 for a set and itself.

    The trace of the root is that of the symmetric (A C_b A)^(1/2) with A = C_a^(1/2), whose eigenvalues are real and not negative
    even where a covariance has not full rank; the root of the product itself is lost in rounding there.
    """
    values, vectors = np.linalg.eigh(a.covariance)
    root = vectors * np.sqrt(values.clip(min=0)) @ vectors.T
    shared = np.linalg.eigvalsh(root @ b.covariance @ root)
    trace = np.trace(a.covariance) + np.trace(b.covariance) - 2 * np.sqrt(shared.clip(min=0)).sum()
    return max(float(np.sum((a.mean - b.mean) ** 2) + trace), 0.0)


def chance(moments: Moments, count_a: int, count_b: int) -> float:
    """The distance to expect between two samples of these sizes from one Gaussian with the covariance given.

    To the first order in 1/count. The means differ by tr C (1/a + 1/b). The covariances differ by E; in the axes of C, with its
    eigenvalues l, E_ij^2 is (l_i l_j + [i = j] l_i^2) (1/a + 1/b); C and C + E are half the sum of E_ij^2 / (l_i + l_j) apart.
    """
    values = np.linalg.eigvalsh(moments.covariance).clip(min=0)
    values = values[values > 1e-12 * max(values.max(initial=0.0), 1e-300)]
    ratio = np.outer(values, values) / np.add.outer(values, values)
    spread = 0.5 * (ratio.sum() + values.sum() / 2)
    return float((values.sum() + spread) * (1 / max(count_a, 1) + 1 / max(count_b, 1)))
