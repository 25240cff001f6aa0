"""What the measures of a talking face say of faces whose truth is known."""

import numpy as np
import pytest
from drawn_face import drawn_face

from longtake.evaluate.face import (
    background_psnr_db,
    border_jump,
    drift,
    head_motion,
    measure_face,
    motion_energy,
)
from longtake.face.appearance import background_mask, sharpness
from longtake.face.detect import find_landmarks
from longtake.face.measure import eye_opening, head_pose, mouth_opening

OPENINGS = (0.0, 0.2, 0.5, 0.8, 0.5, 0.1)


@pytest.fixture(scope="module")
def talk():
    return np.stack([drawn_face(mouth=m) for m in OPENINGS])


@pytest.fixture(scope="module")
def curves(talk):
    return measure_face(iter(talk), identity_every=2)


def test_the_mouth_curve_follows_the_mouth(curves):
    assert np.corrcoef(curves.mouth, OPENINGS)[0, 1] > 0.95


def test_every_frame_has_a_face_and_every_second_an_identity(curves):
    assert curves.found_share == 1.0
    assert np.isfinite(curves.identity[:, 0]).tolist() == [True, False] * 3
    assert (curves.identity_distances(curves.identity[0])[::2] < 0.6).all()


def test_frames_without_a_face_are_counted():
    empty = np.full((512, 512, 3), 90, np.uint8)
    assert measure_face([empty, drawn_face()]).found_share == 0.5
    assert measure_face([]).found_share == 0.0


def _turned(points, yaw=0.0, pitch=0.0, roll=0.0):
    """Landmarks turned about their middle, as a head would turn: depth grows away from the camera."""
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    middle = points.mean(axis=0)
    return (points - middle) @ (about_z @ about_y @ about_x).T + middle


@pytest.fixture(scope="module")
def solid():
    """Landmarks with their depth in the same measure as x and y, so that they can be turned."""
    points = find_landmarks(drawn_face())[0].astype(np.float64)
    points[:, 2] *= 0.8
    return points


@pytest.mark.parametrize(("axis", "name"), [(0, "yaw"), (1, "pitch"), (2, "roll")])
@pytest.mark.parametrize("angle", [-20.0, 10.0, 25.0])
def test_head_pose_gives_the_angle_a_head_was_turned_by(solid, axis, name, angle):
    turned = _turned(solid, **{name: angle})
    rest, moved = (head_pose(points / (1, 1, 0.8)) for points in (solid, turned))
    assert moved[axis] - rest[axis] == pytest.approx(angle, abs=1.0)


def test_openings_do_not_depend_on_size_or_place():
    points = find_landmarks(drawn_face(mouth=0.5))[0]
    for moved in (points * 0.5, points + 40):
        assert mouth_opening(moved) == pytest.approx(mouth_opening(points), rel=1e-3)
        assert eye_opening(moved) == pytest.approx(eye_opening(points), rel=1e-3)


def test_a_still_head_does_not_move_and_a_nodding_one_does(solid):
    still = np.stack([solid] * 30)
    nod = np.stack([_turned(solid, pitch=5 * np.sin(2 * np.pi * i / 25)) for i in range(50)]) / (1, 1, 0.8)
    assert head_motion(still, 25.0) == 0.0
    assert head_motion(nod, 25.0) == pytest.approx(5 * 4, rel=0.15)


def test_motion_energy_is_nought_for_a_still_and_grows_with_motion(talk):
    still = np.stack([talk[0]] * 4)
    assert motion_energy(still) == 0.0
    assert motion_energy(talk[:1]) == 0.0
    assert motion_energy(talk) > motion_energy(np.stack([talk[0], talk[1], talk[0]])) / 4 > 0


def test_blur_lowers_sharpness():
    import cv2

    frame = drawn_face()
    landmarks = find_landmarks(frame)[0]
    assert sharpness(cv2.GaussianBlur(frame, (0, 0), 1.5), landmarks) < 0.8 * sharpness(frame, landmarks)
    assert sharpness(np.full_like(frame, 50)) == 0.0


def test_the_background_is_around_the_person():
    mask = background_mask(drawn_face())
    assert mask[20, 20] and mask[20, -20]
    assert not mask[250, 256]


def test_background_psnr_falls_with_the_noise():
    frame = drawn_face()
    mask = background_mask(frame)
    noise = np.random.default_rng(0).normal(0, 5, frame.shape)
    noisy = np.clip(frame + noise, 0, 255).astype(np.uint8)
    clean, dirty = background_psnr_db([frame, noisy], frame, mask)
    assert dirty == pytest.approx(20 * np.log10(255 / 5), abs=0.5)
    assert clean > 60
    assert np.isnan(background_psnr_db([frame], frame, np.zeros_like(mask))).all()


def test_drift_compares_the_last_seconds_with_the_first(talk):
    import cv2

    frames = [talk[0]] * 4 + [cv2.GaussianBlur(talk[0] // 2 + 60, (0, 0), 2.0)] * 4
    curves = measure_face(frames, fps=2.0, identity_every=1)
    mask = background_mask(talk[0])
    change = drift(curves, background_psnr_db(frames, talk[0], mask), curves.identity[0], window_s=2.0)
    none = drift(curves, background_psnr_db([talk[0]] * 8, talk[0], mask), curves.identity[0], window_s=4.0)
    assert change.sharpness < 0.8
    assert change.identity > 0.0
    assert change.background_psnr_db > 10.0
    assert none.background_psnr_db == 0.0


def test_a_jump_between_segments_is_told_from_motion_within_them():
    rng = np.random.default_rng(0)
    steps = rng.integers(1, 3, 48)
    smooth = np.cumsum(steps)[:, None, None, None] * np.ones((1, 8, 8, 3))
    jumping = smooth + 20 * (np.arange(48) // 16)[:, None, None, None]
    assert 0.5 < border_jump(smooth.astype(np.uint8), 16) < 2
    assert border_jump(jumping.astype(np.uint8), 16) > 8
    assert np.isnan(border_jump(smooth[:10].astype(np.uint8), 16))
    assert np.isnan(border_jump(np.zeros((48, 8, 8, 3), np.uint8), 16))
