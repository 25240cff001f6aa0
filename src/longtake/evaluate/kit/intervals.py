"""How sure a number is: bootstrap over identities, never over frames, since frames of one person are no new evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from longtake.evaluate.metrics.protocol import Summary

LEVEL = 0.95
FEWEST = 2
"""Below so many identities there is no interval."""


@dataclass(frozen=True)
class Estimate:
    """A number, the interval it lies in, and what it rests on."""

    value: float  # NaN where nothing could be measured
    low: float | None
    high: float | None
    clips: int
    identities: int


def clip_estimate(values: Sequence[float], who: Sequence[str], draws: int, seed: int = 0) -> Estimate:
    """The mean over clips, with the interval over identities; clips without a number (NaN) are left out."""
    known = [(float(value), name) for value, name in zip(values, who, strict=True) if np.isfinite(value)]
    people = sorted({name for _, name in known})
    if not known:
        return Estimate(float("nan"), None, None, 0, 0)
    place = {name: i for i, name in enumerate(people)}
    sums, counts = np.zeros(len(people)), np.zeros(len(people))
    for value, name in known:
        sums[place[name]] += value
        counts[place[name]] += 1
    mean = float(sums.sum() / counts.sum())
    if len(people) < FEWEST:
        return Estimate(mean, None, None, len(known), len(people))
    drawn = weights(len(people), draws, seed)
    means = (drawn @ sums) / (drawn @ counts)
    low, high = np.percentile(means, ends())
    return Estimate(mean, float(low), float(high), len(known), len(people))


def set_estimates(
    value: Callable[[list[Summary], list[Summary]], dict[str, float]],
    generated: Sequence[tuple[str, Summary]],
    real: Sequence[tuple[str, Summary]],
    draws: int,
    seed: int = 0,
) -> dict[str, Estimate]:
    """The numbers of two sets, with intervals over identities; summaries come with whom they show.

    A drawn set has fewer different people than the measured one, so a Fréchet distance drawn is too large on average: the
    spread is taken from the draws, the place from the measured value (their median is moved onto it). Where both sets show
    the same people, the same people are drawn for both.
    """
    whole = value([s for _, s in generated], [s for _, s in real])
    people, true_people = sorted({who for who, _ in generated}), sorted({who for who, _ in real})
    count = len(generated)
    if len(people) < FEWEST or draws < 1:
        return {name: Estimate(float(v), None, None, count, len(people)) for name, v in whole.items()}
    rows = [
        value(
            taken(generated, people, drawn),
            taken(real, true_people, drawn if true_people == people else other),
        )
        for drawn, other in zip(
            weights(len(people), draws, seed), weights(max(len(true_people), 1), draws, seed + 1), strict=True
        )
    ]
    return {name: around(float(whole[name]), [row[name] for row in rows], count, len(people)) for name in whole}


def around(value: float, drawn: Sequence[float], clips: int, identities: int) -> Estimate:
    """The estimate whose interval has the spread of the draws round their median, laid round the value."""
    known = np.array([v for v in drawn if np.isfinite(v)])
    if len(known) < FEWEST or not np.isfinite(value):
        return Estimate(value, None, None, clips, identities)
    low, high = np.percentile(known, ends()) - np.median(known) + value
    return Estimate(value, float(low), float(high), clips, identities)


def taken(
    rows: Sequence[tuple[str, Summary]], people: Sequence[str], counts: Float[np.ndarray, " people"]
) -> list[Summary]:
    """The summaries of the people drawn, each as often as its person."""
    times = dict(zip(people, counts.astype(int), strict=True))
    return [summary for who, summary in rows for _ in range(times[who])]


def weights(people: int, draws: int, seed: int) -> Float[np.ndarray, "draws people"]:
    """How often each person is drawn, with replacement, in each draw."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(people, np.full(people, 1 / people), size=draws).astype(np.float64)


def ends() -> tuple[float, float]:
    """The percentiles where the interval ends."""
    return 50 * (1 - LEVEL), 50 * (1 + LEVEL)
