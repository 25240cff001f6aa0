"""From what was found in each clip to the scores of a system, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from longtake.evaluate.kit.intervals import Estimate, clip_estimate, set_estimates
from longtake.evaluate.kit.measuring import Findings
from longtake.evaluate.kit.results import Score, System, number, score_names
from longtake.evaluate.metrics.protocol import FPS, About, ClipMetric, Metric, SetMetric, Summary
from longtake.evaluate.metrics.reading import BLOCK


@dataclass(frozen=True)
class Draws:
    """How often identities are drawn for an interval."""

    clips: int = 1000
    sets: int = 100  # Fréchet distances take time
    seed: int = 0


def system_of(
    name: str,
    metrics: Sequence[Metric],
    found: Findings,
    true: Findings | None,
    draws: Draws,
    remarks: Sequence[str] = (),
    failed: dict[str, str] | None = None,
    about: str = "",
) -> System:
    """A system's scores from what was found in its clips and in the true ones."""
    read = [clip for clip in found.clips if clip.name in found.by_clip]
    return System(
        name=name,
        clips=len(read),
        identities=len({clip.who for clip in read}),
        seconds=round(found.seconds, 2),
        scores=[score for metric in metrics for score in scores_of(metric, found, true, draws)],
        curves=curves_of(metrics, found),
        remarks=[*remarks, *found.remarks()],
        failed={**(failed or {}), **found.unread},
        about=about,
    )


def scores_of(metric: Metric, found: Findings, true: Findings | None, draws: Draws) -> list[Score]:
    """All scores of one metric; without a value, and with the reason, where nothing could be measured."""
    if metric.kind == "clip":
        return _clip_scores(metric, found, draws)
    return _set_scores(metric, found, true, draws)


def _clip_scores(metric: ClipMetric, found: Findings, draws: Draws) -> list[Score]:
    rows, about = found.of(metric.about.name), metric.about
    said = _left_out(about, found)
    scores = []
    for quantity, name in score_names(about).items():
        each = {clip.name: kept.numbers.get(quantity, float("nan")) for clip, kept in rows}
        estimate = clip_estimate(list(each.values()), [clip.who for clip, _ in rows], draws.clips, draws.seed)
        lost = [clip for clip, value in each.items() if not math.isfinite(value)]
        more = [f"No number in {len(lost)} of {len(each)} clips (NaN); they are left out."] if lost else []
        scores.append(_score(about, quantity, name, estimate, [*_of_headline(about, quantity, said), *more], each))
    return scores


def _set_scores(metric: SetMetric, found: Findings, true: Findings | None, draws: Draws) -> list[Score]:
    about, said = metric.about, _left_out(metric.about, found)
    ours, theirs = _summaries(found, about), _summaries(true, about) if true else []
    names = score_names(about)
    if not ours or ("real set" in about.needs and not theirs):
        said += ["There is no real set to compare with: give --real."] if ours else []
        none = Estimate(float("nan"), None, None, 0, 0)
        return [_score(about, q, name, none, _of_headline(about, q, said)) for q, name in names.items()]
    estimates = set_estimates(metric.value, ours, theirs, draws.sets, draws.seed)
    said += metric.remarks([s for _, s in ours], [s for _, s in theirs])
    return [_score(about, q, names[q], e, _of_headline(about, q, said)) for q, e in estimates.items() if q in names]


def _of_headline(about: About, quantity: str, said: Sequence[str]) -> Sequence[str]:
    """What holds for all of a metric's numbers is said once."""
    return said if quantity == about.headline else ()


def _summaries(found: Findings, about: About) -> list[tuple[str, Summary]]:
    return [(clip.who, kept.summary) for clip, kept in found.of(about.name) if kept.summary is not None]


def _left_out(about: About, found: Findings) -> list[str]:
    """Clips that a metric could not measure, as sentences: each reason once."""
    reasons: dict[str, list[str]] = {}
    for clip, why in found.skipped(about.name).items():
        reasons.setdefault(" ".join(why.split()), []).append(clip)
    return [
        f"Left out: {', '.join(clips[:3])}{' ...' if len(clips) > 3 else ''}: {why}" for why, clips in reasons.items()
    ]


def _score(
    about: About,
    quantity: str,
    name: str,
    estimate: Estimate,
    remarks: Sequence[str] = (),
    each: dict[str, float] | None = None,
) -> Score:
    known = about.quantities[quantity]
    return Score(
        name=name,
        metric=about.name,
        value=number(estimate.value),
        low=estimate.low,
        high=estimate.high,
        unit=known.unit,
        better=known.better,
        comparable=about.comparable,
        protocol=about.hash,
        clips=estimate.clips,
        identities=estimate.identities,
        says=known.says or about.says,
        remarks=list(remarks),
        each={clip: number(value) for clip, value in (each or {}).items()},
    )


def stretch_s(window_s: float | None) -> float | None:
    """How long a window of a curve is in truth: clips are read by blocks, and a block belongs to one window."""
    return None if window_s is None else -(-max(1, round(window_s * FPS)) // BLOCK) * BLOCK / FPS


def curves_of(metrics: Sequence[Metric], found: Findings) -> dict[str, list[float | None]]:
    """For each clip metric its headline over time: window after window, the mean over the clips that reach so far."""
    curves = {}
    for metric in metrics:
        rows = [kept.over_time for _, kept in found.of(metric.about.name) if kept.over_time]
        if metric.kind != "clip" or not rows or max(map(len, rows)) < 2:
            continue
        curves[metric.about.name] = [_mean(rows, place, metric.about.headline) for place in range(max(map(len, rows)))]
    return curves


def _mean(rows: Sequence[list[dict[str, float]]], place: int, name: str) -> float | None:
    known = [row[place].get(name, float("nan")) for row in rows if place < len(row)]
    known = [value for value in known if math.isfinite(value)]
    return number(float(np.mean(known))) if known else None
