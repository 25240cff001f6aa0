"""The square round the head."""

import numpy as np
import pytest

from longtake.face.framing import crop_picture, crop_square, square_affine, to_crop


def _face(width=100.0, height=140.0, at=(300.0, 200.0)):
    """468 landmarks that fill a box evenly."""
    grid = np.stack(np.meshgrid(np.linspace(0, 1, 26), np.linspace(0, 1, 18)), -1).reshape(-1, 2)
    points = np.zeros((468, 3), np.float32)
    points[:, :2] = grid * (width, height) + at
    return points


def test_the_square_is_centred_above_the_middle_of_the_face_and_sized_by_it():
    x, y, half = crop_square(_face())
    assert (x, y) == pytest.approx((350, 270 - 0.06 * 140), abs=0.01)
    assert half == pytest.approx(0.5 * 1.7 * 119, abs=0.01)


def test_a_wide_face_is_sized_by_its_width():
    assert crop_square(_face(width=200.0))[2] == pytest.approx(170.0, abs=0.01)


def test_iris_points_do_not_move_the_square():
    points = _face()
    with_irises = np.concatenate([points, np.full((10, 3), 9999.0)])
    assert crop_square(with_irises) == crop_square(points)


@pytest.mark.parametrize("half", [20.0, 64.0, 100.0, 333.3])
def test_a_crop_lies_where_its_map_says(half):
    """A ramp tells where each crop pixel came from, whether the square grows, keeps its size or shrinks."""
    y, x = np.mgrid[:240, :250]
    picture = np.stack([x, y, np.zeros_like(x)], -1).astype(np.uint8)
    square = (120.0, 110.0, half)
    crop, affine = crop_picture(picture, square, 128)
    assert crop.shape == (128, 128, 3)
    middle = to_crop(np.array([[120.0, 110.0]]), affine)[0]
    assert middle == pytest.approx((64, 64))
    steps = crop[64, 40:88, 0].astype(float)
    wanted = 120.0 + (np.arange(40, 88) + 0.5 - 64) * 2 * half / 128 - 0.5
    inside = (wanted > 1) & (wanted < 248)
    assert np.abs(steps - wanted)[inside].max() < 1.1


def test_outside_the_picture_the_border_repeats():
    picture = np.zeros((50, 50, 3), np.uint8)
    picture[:, :5] = (200, 100, 50)
    crop, _ = crop_picture(picture, (0.0, 25.0, 25.0), 64)
    assert (crop[:, :20] == (200, 100, 50)).all()


def test_a_crop_that_shrinks_averages():
    """Point sampling of stripes would give stripes; their mean is grey."""
    stripes = np.zeros((800, 800, 3), np.uint8)
    stripes[:, ::2] = 255
    crop, _ = crop_picture(stripes, (400.0, 400.0, 400.0), 100)
    assert 120 <= crop.min() <= crop.max() <= 135


def test_landmarks_follow_into_the_crop_with_their_depth():
    affine = square_affine((100.0, 80.0, 20.0), 80)
    assert to_crop(np.array([[100.0, 80.0, 3.0], [90.0, 85.0, -1.0]]), affine).tolist() == [[40, 40, 6], [20, 50, -2]]
