"""Numbers of a face over time, on curves and landmarks that are known."""

from functools import cache

import numpy as np
import pytest

from longtake.clips import Speech
from longtake.evaluate.metrics.curves import curve_metric
from longtake.evaluate.metrics.protocol import Clip, Quantity
from longtake.evaluate.metrics.registry import metric
from longtake.evaluate.metrics.view import Follower, Session, View
from longtake.evaluate.playing import Samples
from longtake.face.detect import find_landmarks, landmarks_of
from longtake.face.drawn import drawn_face
from longtake.face.measure import mouth_opening

FRAMES = 100
TIMES = np.arange(FRAMES) / 25
OPENING = 0.03 * (1 + np.sin(2 * np.pi * 3 * TIMES))


@cache
def base():
    return find_landmarks(drawn_face())[0].astype(np.float64)


def speaking(opening):
    """Landmarks whose mouth opens so far, in face heights."""
    points = np.repeat(base()[None], len(opening), axis=0)
    gap = opening * np.ptp(base()[:, 1])
    points[:, 13, :2] = points[:, 14, :2]
    points[:, 14, 1] += gap
    return points


def seen(name, landmarks, real=None, eyes=None, labels=None, samples=None, pictures=None, portrait=None):
    """The numbers of a metric that is shown known landmarks in blocks of sixteen."""
    speech = None if samples is None else Speech(None, len(samples) / 16_000, Samples(samples))
    session = Session(Clip("a", None), speech, labels=labels or {}, portrait=portrait)
    reader = metric(name).begin(session.clip)
    for first in range(0, len(landmarks), 16):
        rows = slice(first, first + 16)
        shown = np.zeros((len(landmarks[rows]), 8, 8, 3), np.uint8) if pictures is None else pictures[rows]
        view = View(first, shown, session, None if real is None else shown)
        view.shared("landmarks", lambda known=landmarks[rows]: known)
        if real is not None:
            view.shared("real_landmarks", lambda known=real[rows]: known)
        if eyes is not None:
            view.shared("eyes", lambda known=eyes[rows]: known)
        reader.see(view)
    return reader.numbers()


def test_a_mouth_that_follows_the_truth_correlates_and_one_that_does_not_does_not():
    assert seen("mouth_correlation", speaking(OPENING), speaking(0.5 * OPENING))["mouth_correlation"] == pytest.approx(
        1
    )
    other = 0.03 * (1 + np.cos(2 * np.pi * 3 * TIMES))
    assert abs(seen("mouth_correlation", speaking(OPENING), speaking(other))["mouth_correlation"]) < 0.1


def test_the_true_mouth_error_is_that_of_the_labels():
    points = speaking(OPENING)
    found = seen("mouth_error", points, labels={"mouth_open": mouth_opening(points) + 0.01})
    assert found["mouth_error"] == pytest.approx(0.01) and found["correlation"] == pytest.approx(1)


def test_labels_shorter_than_the_clip_are_used_as_far_as_they_go():
    found = seen("mouth_error", speaking(OPENING), labels={"mouth_open": mouth_opening(speaking(OPENING))[:30]})
    assert found["mouth_error"] == pytest.approx(0)


def test_landmark_distance_forgets_where_the_head_is_but_not_what_it_does():
    points = speaking(OPENING)
    moved = points * 1.5 + (40, 20, 5)
    assert seen("landmark_distance", moved, points)["landmark_distance"] == pytest.approx(0, abs=1e-9)
    apart = seen("landmark_distance", speaking(OPENING + 0.05), points)
    assert 0 < apart["landmark_distance"] < apart["mouth"]


def test_a_still_face_has_no_dynamics_and_double_the_motion_twice_the_ratio():
    still = seen("lip_dynamics", speaking(np.zeros(FRAMES)), speaking(OPENING))
    assert still["lip_dynamics"] == pytest.approx(0, abs=1e-9) and still["ratio"] == pytest.approx(0, abs=1e-9)
    assert seen("lip_dynamics", speaking(OPENING), speaking(OPENING / 2))["ratio"] == pytest.approx(2, rel=0.1)
    assert np.isnan(seen("lip_dynamics", speaking(OPENING))["ratio"])


def test_a_turning_head_has_its_speed():
    angles = np.radians(10 * np.sin(2 * np.pi * TIMES))
    middle = base().mean(axis=0)
    turned = np.stack(
        [
            (base() - middle) @ np.array([[np.cos(a), np.sin(a), 0], [-np.sin(a), np.cos(a), 0], [0, 0, 1]]) + middle
            for a in angles
        ]
    )
    found = seen("head_dynamics", turned)
    assert found["head_dynamics"] == pytest.approx(10 / 2**0.5, rel=0.1) and found["speed"] == pytest.approx(
        38, rel=0.15
    )


def lids(starts, length=5, frames=750):
    eyes = np.zeros((frames, 2, 3))
    eyes[:, :, 0] = 0.3
    for start in starts:
        eyes[start : start + length, :, 0] = 0.15
    return eyes


def test_blinks_are_counted_and_timed_against_human_norms():
    points = np.repeat(base()[None], 750, axis=0)
    found = seen("blink_rate", points, eyes=lids([50, 150, 250, 400, 500, 600, 700]))
    assert found["blink_rate"] == pytest.approx(14) and found["duration"] == pytest.approx(0.2)
    assert found["outside_norm"] == 0
    assert seen("blink_rate", points, eyes=lids([]))["outside_norm"] > 1


def test_lips_that_talk_through_silence_are_told_from_lips_that_rest():
    samples = np.random.default_rng(0).normal(0, 0.1, FRAMES * 640).astype(np.float32)
    samples[: 60 * 640] = 0
    resting = np.where(np.arange(FRAMES) < 60, 0.0, OPENING)
    still, talking = (seen("silent_lips", speaking(o), samples=samples) for o in (resting, OPENING))
    assert still["silent_lips"] == pytest.approx(0, abs=1e-6) and talking["silent_lips"] > 0.2
    assert still["silent_share"] == pytest.approx(0.57)
    loud = seen("silent_lips", speaking(OPENING), samples=samples[60 * 640 :].repeat(3)[: FRAMES * 640])
    assert np.isnan(loud["silent_lips"]) and loud["silent_share"] == 0


def test_flicker_is_none_for_even_motion_and_the_same_in_blocks():
    even = np.broadcast_to(np.arange(FRAMES, dtype=np.uint8)[:, None, None, None], (FRAMES, 8, 8, 3))
    points = np.repeat(base()[None], FRAMES, axis=0)
    assert seen("flicker", points, pictures=even)["flicker"] == pytest.approx(0, abs=1e-4)
    odd = even + (np.arange(FRAMES) % 2 * 10).astype(np.uint8)[:, None, None, None]
    assert seen("flicker", points, pictures=odd)["flicker"] == pytest.approx(10, abs=1e-3)


def test_a_clip_without_a_face_has_no_numbers_and_no_traceback():
    nothing = np.full((FRAMES, 468, 3), np.nan)
    assert seen("faces_found", nothing)["faces_found"] == 0
    for name in ("lip_dynamics", "head_dynamics", "brow_dynamics"):
        assert np.isnan(seen(name, nothing)[name])
    assert np.isnan(seen("landmark_distance", nothing, nothing)["landmark_distance"])
    assert seen("mouth_correlation", nothing, nothing)["mouth_correlation"] == 0
    assert np.isnan(seen("blink_rate", nothing, eyes=np.full((FRAMES, 2, 3), np.nan))["blink_rate"])


def test_who_is_seen_is_told_from_someone_else():
    def distance(picture):
        return seen("identity_faceapi", base()[None], pictures=picture[None], portrait=drawn_face())

    same, wrong = distance(drawn_face()), distance(255 - drawn_face())
    assert same["identity_faceapi"] < 0.05 < wrong["identity_faceapi"] and same["found"] == 1


def test_a_metric_of_nothing_gives_no_number():
    empty = curve_metric("x", "X.", {"x": Quantity("", "none")}, lambda view: {}, lambda curves: {"x": 1.0})
    reader = empty.begin(Clip("a", None))
    assert np.isnan(reader.numbers()["x"])


def test_faces_followed_in_blocks_are_those_followed_at_once():
    frames = np.stack([drawn_face(mouth=m) for m in (0.0, 0.5, 1.0)])
    follower = Follower()
    found = np.concatenate([follower.follow(frames[:2]), follower.follow(frames[2:])])
    np.testing.assert_array_equal(found, landmarks_of(frames))
    assert mouth_opening(found)[2] > mouth_opening(found)[0]
