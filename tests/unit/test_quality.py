"""A portrait's faults are measured and told, each with what to do; a good one is left in peace."""

import cv2
import numpy as np
import pytest
from drawn_face import drawn_face

from longtake.face.quality import blur, measure_portrait, portrait_doubts
from longtake.prepare import portrait_of

SOURCE = (512, 512)


@pytest.fixture(scope="module")
def good():
    return portrait_of(drawn_face())


def doubts(portrait, picture=None, landmarks=None, square=None, source=SOURCE):
    """What is said of the portrait with something exchanged."""
    picture = portrait.picture if picture is None else picture
    landmarks = portrait.landmarks if landmarks is None else landmarks
    return portrait_doubts(measure_portrait(picture, landmarks, square or portrait.square, source))


def test_a_good_portrait_is_left_in_peace_and_its_face_is_measured_in_pixels_of_the_source(good):
    assert good.warnings == () == doubts(good)
    assert good.measures["face_px"] == pytest.approx(np.ptp(good.landmarks[:, 1]) * 2 * good.square[2] / 256, rel=0.01)
    assert abs(good.measures["yaw_deg"]) < 5 and good.measures["inside"] == 1


def test_blur_counts_relative_to_the_face_whatever_contrast_and_brightness(good):
    soft = cv2.GaussianBlur(good.picture, (0, 0), 4)
    for picture in (soft, soft // 2 + 60):
        (said,) = doubts(good, picture)
        assert "blurred" in said and "sharper" in said
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(64, 64)).astype(np.float32)
    measured = [blur(cv2.GaussianBlur(noise, (0, 0), sigma)) for sigma in (0.5, 1, 2, 4)]
    assert measured == sorted(measured) and measured[0] < 0.4 < 0.7 < measured[-1]
    assert blur(10 * noise + 100) == pytest.approx(blur(noise), abs=1e-3)


def test_a_picture_too_dark_or_overexposed_is_told(good):
    (dark,) = doubts(good, (good.picture * 0.3).astype(np.uint8))
    assert "dark" in dark and "light" in dark
    bright = np.clip(good.picture * 1.9, 0, 255).astype(np.uint8)
    assert any("overexposed" in said for said in doubts(good, bright))


@pytest.mark.parametrize(
    ("place", "source", "words"),
    [
        ((0.0, 0.0, 0.0), (512, 330), "right"),
        ((0.0, 0.0, 0.0), (340, 512), "bottom"),
        ((-170.0, 0.0, 0.0), (512, 512), "left"),
        ((0.0, -170.0, 0.0), (512, 512), "top"),
    ],
)
def test_a_face_that_the_border_cuts_is_told_with_the_side(good, place, source, words):
    square = tuple(a + b for a, b in zip(good.square, place, strict=True))
    said = doubts(good, square=square, source=source)
    assert len(said) == 1 and "cut off" in said[0] and words in said[0]


def test_a_head_turned_nodding_or_tilted_is_told_with_the_degrees(good):
    for axis, words in ((0, "turned"), (1, "looks"), (2, "tilted")):
        angles = [0.0, 0.0, 0.0]
        angles[axis] = 40.0
        said = [one for one in doubts(good, landmarks=_turned(good.landmarks, *angles)) if "degrees" in one]
        assert len(said) == 1 and words in said[0]
        assert any(f"{degrees} degrees" in said[0] for degrees in range(30, 50)), said


def test_the_way_to_turn_a_tilted_picture_is_right():
    said = portrait_of(drawn_face(turn_deg=30.0)).warnings
    assert any("anticlockwise" in one for one in said), "turn_deg turns the head clockwise"


def test_a_small_head_is_told_as_soft_and_not_as_blurred_too(good):
    x, y, half = good.square
    small = (x, y, half / 5)
    said = doubts(good, cv2.GaussianBlur(good.picture, (0, 0), 4), square=small)
    assert len([one for one in said if "soft" in one]) == 1
    assert not any("blurred" in one for one in said)


def _turned(landmarks, yaw, pitch, roll):
    """The landmarks of the head turned by so many degrees."""
    a, b, c = np.radians([yaw, pitch, roll])
    across = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    down = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    level = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    centre = landmarks.mean(axis=0)
    return ((landmarks - centre) @ (across @ down @ level).T + centre).astype(np.float32)
