"""Head, blinks, gaze and expressions of a puppet."""

from itertools import pairwise

import numpy as np
import pytest

from longtake.corpus.expressions import EXPRESSIONS, NAMES, contradictions, go_together
from longtake.corpus.performance import blinks, fixations, perform, wander
from longtake.corpus.states import Span, draw_spans, draw_state, levels_of, shares_of

FPS = 25.0


def performance(seed: int, state=None, frames: int = 100):
    spans = None if state is None else [Span(0, frames, state)]
    return perform(np.random.default_rng(seed), frames, FPS, spans)


def test_same_seed_same_performance():
    one, two = performance(3), performance(3)
    for name in ("levels", "angles", "gaze", "closed", "brows", "mouth"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert (one.caption, one.spans, one.ease) == (two.caption, two.spans, two.ease)


def test_another_seed_another_performance():
    assert not np.array_equal(performance(3).angles, performance(4).angles)


def test_the_head_stays_near_and_moves_calmly():
    for seed in range(40):
        angles = performance(seed, {}).angles
        assert (np.abs(angles) < (5.0, 3.0, 2.5)).all()
        assert np.abs(np.diff(angles, axis=0)).max() < 1.0  # degrees from one frame to the next


def test_blinks_come_eight_to_twenty_five_times_a_minute():
    counts = []
    for seed in range(30):
        closure = blinks(np.random.default_rng(seed), 1500, FPS)
        counts.append(((closure[1:] > 0.4) & (closure[:-1] <= 0.4)).sum())
    assert min(counts) >= 4 and max(counts) <= 32 and 10 <= np.mean(counts) <= 22


def test_more_blinks_where_more_are_asked_for():
    more = np.where(np.arange(1500) < 750, 0.0, 60.0)
    closure = np.mean([blinks(np.random.default_rng(seed), 1500, FPS, more) for seed in range(20)], axis=0)
    assert closure[750:].mean() > 3 * closure[:750].mean()


def test_a_blink_shuts_the_eye_and_opens_it_again():
    closure = blinks(np.random.default_rng(0), 500, FPS)
    assert closure.max() > 0.85 and (closure < 0.02).mean() > 0.6


@pytest.mark.parametrize("frames", [1, 16, 333])
def test_wandering_stays_within_one_and_starts_anywhere(frames):
    starts = [wander(np.random.default_rng(seed), frames, FPS, 2, 1.0) for seed in range(20)]
    assert all(s.shape == (frames, 2) and np.abs(s).max() <= 1 for s in starts)
    assert np.std([s[0, 0] for s in starts]) > 0.2


def test_eyes_rest_between_jumps():
    gaze = fixations(np.random.default_rng(1), 500, FPS)
    assert (np.abs(np.diff(gaze[:, 0])) < 1e-9).mean() > 0.8


@pytest.mark.parametrize(
    ("name", "field", "axis", "sign"),
    [
        ("turn_left", "angles", 0, -1),
        ("turn_right", "angles", 0, 1),
        ("tilt_left", "angles", 2, -1),
        ("tilt_right", "angles", 2, 1),
        ("look_left", "gaze", 0, -1),
        ("look_right", "gaze", 0, 1),
        ("look_up", "gaze", 1, -1),
        ("look_down", "gaze", 1, 1),
    ],
)
def test_left_and_right_are_the_viewers_and_what_is_asked_is_done(name, field, axis, sign):
    for seed in range(10):
        done, usual = (getattr(performance(seed, state), field)[:, axis].mean() for state in ({name: 1.0}, {}))
        assert sign * (done - usual) > 0.25


def test_nods_and_shakes_go_to_and_fro():
    for name, axis in (("nod", 1), ("shake", 0)):
        swing = np.diff(performance(5, {name: 1.0}).angles, axis=0)
        turns = (np.diff(np.sign(swing), axis=0) != 0).sum(axis=0)
        assert 8 <= turns[axis] <= 20 and np.abs(swing).max(axis=0)[axis] > 0.5


def test_a_wink_shuts_the_eye_on_the_viewers_right_and_leaves_the_other():
    closed = performance(2, {"wink": 1.0}).closed
    assert closed[:, 0].min() > 0.95 and np.median(closed[:, 1]) < 0.1


def test_a_speaking_mouth_goes_further_or_less_far():
    assert (
        performance(0, {"mouth_wide": 1.0}).mouth.min() > 1.4 > 0.45 > performance(0, {"mouth_small": 1.0}).mouth.max()
    )


def test_states_follow_each_other_without_a_jump_and_fill_the_clip():
    for seed in range(50):
        spans, ease = draw_spans(np.random.default_rng(seed), 120, FPS)
        shares = shares_of(spans, ease, 120)
        assert 1 <= len(spans) <= 3 and spans[0].start == 0 and spans[-1].stop == 120
        assert all(a.stop == b.start for a, b in pairwise(spans))
        np.testing.assert_allclose(shares.sum(axis=0), 1.0)
        assert np.abs(np.diff(shares)).max() < 0.25
        for i, span in enumerate(spans):
            assert shares[i, span.stop - 1] == 1.0 and (shares[i, : span.start] == 0).all()


def test_levels_are_the_states_mixed_by_their_shares():
    spans = [Span(0, 10, {"smile": 1.0}), Span(10, 30, {"smile": 0.5, "nod": 0.4})]
    levels = levels_of(spans, 4, 30)
    smile, nod = (levels[:, NAMES.index(name)] for name in ("smile", "nod"))
    assert smile[0] == 1.0 and smile[-1] == 0.5 and nod[-1] == pytest.approx(0.4)
    assert (np.diff(smile) <= 0).all() and 0 < nod[11] < 0.4


def test_every_expression_is_drawn_about_as_often_and_none_with_what_would_hide_it():
    rng = np.random.default_rng(0)
    states = [draw_state(rng) for _ in range(1200)]
    counts = np.array([sum(name in state for state in states) for name in EXPRESSIONS])
    assert counts.min() > 0.45 * counts.mean() and counts.max() < 1.8 * counts.mean()
    assert not any(contradictions(state) or not go_together(tuple(state)) for state in states)
    assert 0.08 < np.mean([not state for state in states]) < 0.16
    assert {len(state) for state in states} == {0, 1, 2, 3}


def test_what_is_wanted_often_is_drawn_three_times_as_often():
    rng, often = np.random.default_rng(0), {"look_left": 3.0, "nod": 3.0}
    first = [next(iter(state), "") for state in (draw_state(rng, often=often) for _ in range(1500))]
    share = np.mean([name in often for name in first if name])
    assert share == pytest.approx(2 * 3 / (2 * 3 + len(EXPRESSIONS) - 2), abs=0.03)
    assert set(first) == {*EXPRESSIONS, ""}


def test_what_follows_is_another_expression():
    for seed in range(60):
        spans, _ = draw_spans(np.random.default_rng(seed), 150, FPS)
        assert all(not set(a.state) & set(b.state) and (a.state or b.state) for a, b in pairwise(spans))


def test_a_calm_twin_moves_the_same_but_for_what_its_states_do():
    spans = (Span(0, 100, {"smile": 1.0}),)
    asked = perform(np.random.default_rng(3), 100, FPS, spans)
    calm = perform(np.random.default_rng(3), 100, FPS, spans, calm=True)
    assert np.array_equal(asked.angles, calm.angles) and np.array_equal(asked.gaze, calm.gaze)
    assert np.array_equal(asked.closed, calm.closed) and calm.spans == (Span(0, 100),)
    assert asked.levels.max() > 0.5 and not calm.levels.any()
