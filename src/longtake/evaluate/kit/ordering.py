"""Which score must tell the model from which control. Written down before anything was run; the report says what came out.

A control is a way to fail on purpose. Each score is asked only for what it claims to see: nothing is expected of a score that
a control can't move.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from longtake.evaluate.kit.intervals import clip_estimate
from longtake.evaluate.kit.results import Score, System

CONTROLS = {
    "still": "the portrait, held",
    "untrained": "the same networks with random weights",
    "swapped": "the model given another clip's voice",
    "independent": "every segment from the portrait alone, cross-faded",
}


@dataclass(frozen=True)
class Expected:
    """A score, a control, and on which side of the control's value the model's must be."""

    score: str
    control: str
    ours: Literal["higher", "lower"]
    why: str


def _against(control: str, *rows: tuple[str, Literal["higher", "lower"], str]) -> tuple[Expected, ...]:
    return tuple(Expected(score, control, ours, why) for score, ours, why in rows)


EXPECTED: tuple[Expected, ...] = (
    *_against(
        "still",
        ("mouth_correlation", "higher", "a mouth that is held follows nothing"),
        ("mouth_error.correlation", "higher", "the same, by the puppet's exact opening"),
        ("lip_dynamics", "higher", "held lips don't move"),
        ("head_dynamics", "higher", "a held head doesn't turn"),
        ("blink_rate", "higher", "held eyes don't blink"),
        ("sync_c_mini", "higher", "held lips are in time with nothing"),
        ("fvd_projection", "lower", "windows of a still have no changes; its frames are perfect, so no FID is asked"),
    ),
    *_against(
        "untrained",
        ("identity_faceapi", "lower", "random weights know no person"),
        ("psnr", "higher", "random weights make noise"),
        ("ssim", "higher", "random weights make noise"),
        ("fid_faceapi", "lower", "noise is no face"),
        ("kid_faceapi", "lower", "noise is no face"),
        ("fvd_projection", "lower", "noise moves like nothing"),
        ("mouth_correlation", "higher", "noise follows no speech"),
        ("sync_c_mini", "higher", "noise follows no speech"),
    ),
    *_against(
        "swapped",
        ("mouth_correlation", "higher", "the mouth says something else than the true one"),
        ("mouth_error.correlation", "higher", "the same, by the puppet's exact opening"),
        ("sync_c_mini", "higher", "the lips are in time with another voice"),
        ("sync_d_mini", "lower", "the lips are in time with another voice"),
        ("mouth_error", "lower", "open where it should be closed"),
        ("silent_lips", "lower", "lips go on in this voice's pauses; pictures are as good, so none of them is asked"),
    ),
    *_against(
        "independent",
        ("head_dynamics", "higher", "each segment begins at the portrait's pose again, so the head can't wander"),
        ("fvd_projection", "lower", "two performances cross-faded move like neither"),
    ),
)


def ordered(systems: Sequence[System], main: str, expected: Sequence[Expected] = EXPECTED) -> list[dict[str, Any]]:
    """For each expectation whose score and control are there: both values, the paired difference, and what came out."""
    known = {system.name: system for system in systems}
    if main not in known:
        return []
    rows = []
    for e in expected:
        control = known.get(e.control)
        ours, theirs = known[main].score(e.score), control.score(e.score) if control else None
        if ours is None or theirs is None:
            continue
        rows.append(_row(e, ours, theirs))
    return rows


def _row(e: Expected, ours: Score, theirs: Score) -> dict[str, Any]:
    told = {"score": e.score, "control": e.control, "expected": e.ours, "why": e.why}
    values = {"ours": ours.value, "theirs": theirs.value}
    if ours.value is None or theirs.value is None:
        return told | values | {"outcome": "not measured", "in_order": None}
    sign = 1 if e.ours == "higher" else -1
    right = sign * (ours.value - theirs.value) > 0
    sure = right and surely(ours, theirs, sign)
    outcome = "in order" if sure else "in order, but not sure" if right else "NOT in order"
    return told | values | {"outcome": outcome, "in_order": right, "sure": sure}


def surely(ours: Score, theirs: Score, sign: int) -> bool:
    """Whether the difference lies on the right side of zero with its whole interval.

    Clip by clip where both have clips in common, since the same people say the same things; else by the two intervals.
    """
    pairs = [(clip, ours.each[clip], theirs.each[clip]) for clip in ours.each if clip in theirs.each]
    pairs = [(clip, a, b) for clip, a, b in pairs if a is not None and b is not None]
    if len(pairs) >= 2:
        estimate = clip_estimate([sign * (a - b) for _, a, b in pairs], [clip for clip, _, _ in pairs], 1000)
        return estimate.low is not None and estimate.low > 0
    if None in (ours.low, ours.high, theirs.low, theirs.high):
        return False
    a, b = (ours.low, theirs.high) if sign > 0 else (theirs.low, ours.high)
    return bool(np.greater(a, b))  # type: ignore[arg-type]


def share_ordered(rows: Sequence[dict[str, Any]]) -> tuple[float, str]:
    """The share of expectations that came out, and how many of how many, for sure and not, as a note."""
    told = [row for row in rows if row["in_order"] is not None]
    if not told:
        return float("nan"), "nothing was measured"
    right, sure = sum(row["in_order"] for row in told), sum(row.get("sure", False) for row in told)
    wrong = [f"{row['score']} against {row['control']}" for row in told if not row["in_order"]]
    note = f"{right} of {len(told)} in order, {sure} beyond their intervals"
    return right / len(told), note + (f"; not: {', '.join(wrong)}" if wrong else "")
