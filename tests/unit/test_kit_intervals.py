"""Intervals are drawn over people, never over clips or frames."""

import math

import numpy as np
import pytest

from longtake.evaluate.kit.intervals import around, clip_estimate, set_estimates, taken, weights


def test_ten_clips_of_one_person_are_no_evidence():
    one = clip_estimate(list(np.random.default_rng(0).normal(size=10)), ["anna"] * 10, 1000)
    assert (one.low, one.high, one.clips, one.identities) == (None, None, 10, 1)


def test_the_interval_depends_on_people_not_on_how_often_each_is_filmed():
    values = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    once = clip_estimate(values, list("abcdef"), 2000)
    often = clip_estimate(values * 20, list("abcdef") * 20, 2000)
    assert (often.value, often.low, often.high) == pytest.approx((once.value, once.low, once.high))
    alone = clip_estimate(values * 20, [str(k) for k in range(120)], 2000)
    assert alone.high - alone.low < 0.5 * (once.high - once.low)


def test_the_interval_holds_the_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(200):
        estimate = clip_estimate(list(rng.normal(size=40)), [str(k) for k in range(40)], 300)
        held += estimate.low <= 0.0 <= estimate.high
    assert 0.88 <= held / 200 <= 0.99


def test_clips_without_a_number_are_left_out():
    estimate = clip_estimate([1.0, float("nan"), 3.0], list("abc"), 100)
    assert (estimate.value, estimate.clips, estimate.identities) == (2.0, 2, 2)
    assert math.isnan(clip_estimate([float("nan")], ["a"], 100).value)


def test_a_person_drawn_twice_counts_twice_in_a_set():
    rows = [("a", {"x": np.float64(1)}), ("b", {"x": np.float64(2)}), ("a", {"x": np.float64(3)})]
    assert [float(s["x"]) for s in taken(rows, ["a", "b"], np.array([2.0, 0.0]))] == [1, 1, 3, 3]
    assert weights(5, 100, 0).sum(axis=1).tolist() == [5.0] * 100


def test_sets_of_the_same_people_are_drawn_together():
    """A distance between two equal sets stays zero in every draw only if both are drawn alike."""
    rows = [(name, {"x": np.float64(k)}) for k, name in enumerate("abcdefgh")]

    def distance(generated, real):
        return {"d": float(abs(np.mean([s["x"] for s in generated]) - np.mean([s["x"] for s in real])))}

    same = set_estimates(distance, rows, rows, 50)["d"]
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    others = [(f"{name}2", summary) for name, summary in rows]
    apart = set_estimates(distance, rows, others, 50)["d"]
    assert apart.high > 0.1
    assert set_estimates(distance, rows[:1], rows, 50)["d"].low is None


def test_the_spread_of_the_draws_lies_round_the_measured_value():
    estimate = around(1.0, [5.0, 6.0, 7.0], 3, 3)
    assert estimate.low == pytest.approx(0.05)
    assert estimate.high == pytest.approx(1.95)
    assert around(float("nan"), [1.0, 2.0], 3, 3).low is None
