"""Faces and landmarks are found where they are."""

import numpy as np
import pytest
from drawn_face import drawn_face

from longtake.face.detect import find_faces, find_landmarks, landmarks_of, quick_face, track
from longtake.face.measure import eye_opening, head_pose, mouth_opening

MOUTH, CHIN = (256, 361), (256, 436)


@pytest.fixture(scope="module")
def landmarks():
    (points,) = find_landmarks(drawn_face())
    return points


def test_landmarks_lie_on_the_features(landmarks):
    for eye, corners in ((206, (33, 133)), (306, (362, 263))):
        assert landmarks[list(corners), :2].mean(0) == pytest.approx((eye, 240), abs=8)
    assert landmarks[[13, 14], :2].mean(0) == pytest.approx(MOUTH, abs=8)
    assert landmarks[152, :2] == pytest.approx(CHIN, abs=16)


def test_an_empty_picture_has_no_face():
    assert find_faces(np.full((300, 200, 3), 128, np.uint8)) == []
    assert find_landmarks(np.zeros((40, 40, 3), np.uint8)) == []


@pytest.mark.parametrize("turn_deg", [-35, 20, 40])
def test_a_tilted_head_gives_the_same_landmarks_tilted(landmarks, turn_deg):
    (points,) = find_landmarks(drawn_face(turn_deg=turn_deg))
    angle = np.radians(turn_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    wanted = (landmarks[:, :2] - 256) @ turn.T + 256
    error = np.linalg.norm(points[:, :2] - wanted, axis=1).mean() / np.ptp(landmarks[:, 0])
    assert error < 0.02
    assert head_pose(points)[2] == pytest.approx(turn_deg, abs=2)


@pytest.mark.parametrize("scale", [1, 3, 7])
def test_size_does_not_matter(landmarks, scale):
    """From the face filling the picture to a seventh of it; the small one is found in a tile."""
    picture = drawn_face()
    wide = np.full((512 * scale, 512 * scale, 3), 170, np.uint8)
    wide[256:768, 100:612] = picture if scale > 1 else wide[256:768, 100:612]
    (points,) = find_landmarks(wide if scale > 1 else picture[60:450, 110:402])
    moved = landmarks[:, :2] + ((100, 256) if scale > 1 else (-110, -60))
    assert np.linalg.norm(points[:, :2] - moved, axis=1).mean() / np.ptp(landmarks[:, 0]) < 0.03


def test_several_faces_come_largest_first():
    big, small = drawn_face(), drawn_face(hue=60)[::2, ::2]
    group = np.full((512, 900, 3), 170, np.uint8)
    group[100:356, 10:266] = small
    group[:, 300:812] = big
    first, second = find_landmarks(group)
    assert first[:, 0].mean() > 400 > second[:, 0].mean()
    assert np.ptp(first[:, 1]) > 1.7 * np.ptp(second[:, 1])


def test_an_opened_mouth_and_closed_lids_are_measured(landmarks):
    openings = [mouth_opening(find_landmarks(drawn_face(mouth=m))[0]) for m in (0.0, 0.5, 1.0)]
    assert openings[0] < 0.02 < openings[1] < openings[2]
    assert openings[2] > 0.08
    closed = eye_opening(find_landmarks(drawn_face(lids=0.05))[0])
    assert (closed < 0.85 * eye_opening(landmarks)).all()


def test_tracking_agrees_with_looking_afresh_at_each_frame():
    frames = [drawn_face(mouth=m, turn_deg=t) for m, t in ((0, 0), (0.3, 2), (0.6, 4), (0.9, 2))]
    tracked = landmarks_of(frames)
    afresh = np.stack([find_landmarks(frame)[0] for frame in frames])
    assert tracked.shape == (4, 468, 3)
    assert np.abs(mouth_opening(tracked) - mouth_opening(afresh)).max() < 0.01


def test_frames_without_a_face_are_nan_and_the_track_starts_again():
    empty = np.full((512, 512, 3), 120, np.uint8)
    found = landmarks_of([empty, drawn_face(), empty, empty, drawn_face()])
    assert np.isfinite(found[:, 0, 0]).tolist() == [False, True, False, False, True]
    assert np.isnan(mouth_opening(found)[0])


def test_a_video_without_frames_has_no_landmarks():
    assert landmarks_of([]).shape == (0, 468, 3)


def test_tracking_takes_frames_one_by_one():
    """Nothing is read ahead, so that a long video costs no memory."""
    taken = []

    def frames():
        for i in range(3):
            taken.append(i)
            yield drawn_face()

    next(track(frames()))
    assert taken == [0]


def test_a_still_measures_still():
    found = landmarks_of([drawn_face(mouth=0.4)] * 6)
    assert np.ptp(mouth_opening(found)[2:]) < 0.001


def test_the_quick_look_gives_the_largest_face():
    face = quick_face(drawn_face())
    x0, y0, x1, y1 = face.box
    assert x0 < 206 < 306 < x1
    assert y0 < 240 < 361 < y1
