"""Expressions are measured on what is seen, and the rows of words count what they say."""

import numpy as np
import pytest

from longtake.corpus.expressions import NAMES
from longtake.evaluate.expressions import HELD, MOVING, TRUE, USUAL, shown
from longtake.evaluate.rows import BARS
from longtake.evaluate.signals import BETWEEN_BROWS, BROWS, CORNERS, Signals, read_signals, signals_of
from longtake.evaluate.words import GATED, Moved, Reacted, cost_rows, direction_rows, jump, reaction_rows, reaction_s
from longtake.face.drawn import drawn_face
from longtake.face.measure import ACROSS, DOWN, head_pose, in_head_frame

FPS = 25.0


def head(yaw: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """Landmarks of a drawn head: skull, eyes, brows and mouth at their places, in a turn."""
    points = np.zeros((468, 3))
    for right, left in ACROSS:
        points[right], points[left] = (-50, 0, 0), (50, 0, 0)
    for up, down in DOWN:
        points[up], points[down] = (0, -40, 0), (0, 40, 0)
    points[list(BROWS), 1] = -25
    points[BETWEEN_BROWS[0], 0], points[BETWEEN_BROWS[1], 0] = -12, 12
    points[CORNERS[0]], points[CORNERS[1]] = (-25, 50, 0), (25, 50, 0)
    points[13], points[0], points[2], points[14] = (0, 50, 0), (0, 46, 0), (0, 36, 0), (0, 52, 0)
    (cy, sy), (cr, sr) = ((np.cos(a), np.sin(a)) for a in np.deg2rad([yaw, roll]))
    turn = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]]) @ np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    turned = points @ turn.T / (1, 1, 0.8)
    return turned + 128


def video(frames: int = 50, eyes=(0.3, 0.0, 0.0), **turn) -> Signals:
    return signals_of(np.stack([head(**turn)] * frames), np.tile(eyes, (frames, 2, 1)), FPS)


def changed(signals: Signals, **more) -> Signals:
    """The signals with something added to some of them, in usual wanderings."""
    curves = {k: v + np.asarray(more.get(k, 0.0)) * USUAL[k] for k, v in signals.curves.items()}
    return Signals(signals.fps, curves)


def test_points_in_the_head_do_not_move_with_it():
    for turn in ({"yaw": 12.0}, {"roll": -9.0}, {"yaw": -8.0, "roll": 5.0}):
        np.testing.assert_allclose(in_head_frame(head(**turn)), in_head_frame(head()), atol=1e-6)
    assert head_pose(head(yaw=12.0))[0] == pytest.approx(12.0)


def test_every_expression_has_a_measure_and_the_puppets_reach_it():
    assert set(HELD) | set(MOVING) == set(NAMES) == set(TRUE) and min(TRUE.values()) > 0
    assert set(GATED) <= set(NAMES) and len(GATED) >= 12


@pytest.mark.parametrize("name", HELD)
def test_a_held_expression_measures_more_where_its_signals_go_its_way(name):
    more = {of: np.sign(weight) for of, weight in HELD[name].items()}
    assert shown(name, changed(video(), **more)) > shown(name, video()) + 0.9


@pytest.mark.parametrize(("name", "turn"), [("turn_left", {"yaw": -8.0}), ("turn_right", {"yaw": 8.0})])
def test_turns_are_the_viewers_left_and_right(name, turn):
    assert shown(name, video(**turn)) > shown(name, video()) + 5


@pytest.mark.parametrize(("name", "turn"), [("tilt_left", {"roll": -8.0}), ("tilt_right", {"roll": 8.0})])
def test_tilts_are_the_viewers_left_and_right(name, turn):
    assert shown(name, video(**turn)) > shown(name, video()) + 5


def test_nods_and_shakes_are_told_apart():
    swing = 6 * np.sin(np.arange(50))
    nodding, shaking = changed(video(), pitch=swing), changed(video(), yaw=swing)
    assert shown("nod", nodding) > shown("nod", video()) > shown("nod", shaking)
    assert shown("shake", shaking) > shown("shake", video()) > shown("shake", nodding)


def test_one_shut_eye_is_a_wink_whichever_it_is_and_two_are_none():
    for eye in (6.0, -6.0):
        assert shown("wink", changed(video(), one_lid=eye)) > 5
    assert shown("wink", changed(video(), lids=-9.0)) == 0


def test_blinks_and_mouth_and_stillness_are_seen():
    shut = np.where(np.arange(50) % 12 < 3, -18.0, 0.0)
    assert shown("blink_often", changed(video(), lids=shut)) > 1.5 > shown("blink_often", video())
    talk = 2 * np.abs(np.sin(np.arange(50)))
    assert shown("mouth_wide", changed(video(), mouth=2 * talk)) > shown("mouth_wide", changed(video(), mouth=talk))
    assert shown("mouth_small", changed(video(), mouth=talk)) < shown("mouth_small", video())
    assert shown("neutral", video()) > shown("neutral", changed(video(), yaw=talk))


def test_a_video_is_read_and_a_frame_without_a_face_is_left_out():
    face = drawn_face()
    wide = read_signals(np.stack([drawn_face(mouth=1.0)] * 2 + [np.zeros_like(face)]), FPS)
    closed = read_signals(np.stack([face] * 2), FPS)
    assert np.isnan(wide["mouth"][2]) and shown("mouth_wide", wide) > shown("mouth_wide", closed) + 2
    tilted = read_signals(np.stack([drawn_face(turn_deg=8.0)]), FPS)
    assert shown("tilt_right", tilted) > shown("tilt_right", closed) + 5


def moves(by: dict[str, list[float]], unseen: bool = False) -> list[Moved]:
    return [Moved(name, str(k), value, unseen) for name, values in by.items() for k, value in enumerate(values)]


def test_direction_is_the_share_of_the_worst_expression():
    nods = [TRUE["nod"] * share for share in (1.2, 1.0, 1.0, -1.0)]
    rows = direction_rows(moves({"smile": [TRUE["smile"]] * 4, "nod": nods}), "x")
    assert [(r.name, r.value) for r in rows] == [("words_direction", 0.75), ("words_effect", pytest.approx(0.55))]
    assert "nod" in rows[0].note and rows[0].passed is False and rows[1].passed is True


def test_unseen_phrasings_have_a_row_of_their_own_and_do_not_count_in_the_others():
    rows = {
        r.name: r for r in direction_rows(moves({"smile": [1.0]}) + moves({"smile": [1.0, 1.0, -1.0, 1.0]}, True), "x")
    }
    assert rows["words_direction"].value == 1.0 and rows["words_unseen_phrasings"].value == 0.75


def test_what_words_cost_is_null_against_asked():
    sync, alike = cost_rows([(0.6, 0.7), (0.7, 0.72), (0.7, 0.7)], [(0.3, 0.28)], "x")
    assert sync.value == pytest.approx(0.02) and alike.value == pytest.approx(0.02)


@pytest.mark.parametrize("late", [0, 5, 12])
def test_a_reaction_is_timed_from_the_prompt_to_half_of_what_it_does(late):
    since = np.clip((np.arange(75) - 25 - late) / 4, 0, 1)
    asked = changed(video(75), brows=8 * since)
    assert reaction_s("brows_up", asked, video(75), 25) == pytest.approx((late + 2) / FPS, abs=1 / FPS)


def test_a_face_that_does_not_follow_never_reacts():
    assert reaction_s("brows_up", video(75), video(75), 25) == float("inf")
    assert reaction_s(
        "brows_down", changed(video(75), brows=np.r_[np.zeros(25), np.full(50, 3.0)]), video(75), 25
    ) == float("inf")


def test_one_lost_frame_is_no_reaction():
    flicker = np.where(np.arange(75) == 30, 9.0, 0.0) + np.where(np.arange(75) >= 50, 5.0, 0.0)
    assert reaction_s("brows_up", changed(video(75), brows=flicker), video(75), 25) == pytest.approx(1.0)


def test_a_jump_is_measured_against_the_other_frames():
    rng = np.random.default_rng(0)
    level = np.cumsum(rng.choice([1, 2], 75)).astype(np.uint8)
    smooth = np.zeros((75, 4, 4, 3), np.uint8) + level[:, None, None, None]
    torn = smooth.copy()
    torn[28:] += 40
    assert jump(smooth, 25, FPS) <= 1.0 and jump(torn, 25, FPS) > 10


def test_every_row_of_words_has_its_bar():
    rows = direction_rows(moves({"smile": [1.0]}) + moves({"smile": [1.0]}, True), "x")
    rows += cost_rows([(0.7, 0.7)], [(0.3, 0.3)], "x") + reaction_rows([Reacted("smile", "0", 0.2, 0.5)], "x")
    assert {r.name for r in rows} == {name for name in BARS if name.startswith("words_")}
    assert all(r.passed for r in rows if r.name not in {"words_effect"})
