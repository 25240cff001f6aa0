"""Pixels of triangles: which are covered, by whom, and with which values."""

import numpy as np
import pytest

pytest.importorskip("numba")

from longtake.corpus.raster import Buffer, sample, vertex_normals


def inside(corners: np.ndarray, x: float, y: float) -> bool:
    """Whether a point is inside a triangle, by the signs of three cross products."""
    signs = []
    for p, q in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        signs.append((q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0]))
    return all(s > 0 for s in signs) or all(s < 0 for s in signs)


def triangle_of(points: list, size: int = 16) -> Buffer:
    corners = np.array(points, np.float32)
    return Buffer(size, size).draw(corners, np.arange(len(corners), dtype=np.int32).reshape(-1, 3))


@pytest.mark.parametrize("seed", range(5))
def test_raster_covers_exactly_the_pixels_whose_centre_is_inside(seed):
    corners = np.random.default_rng(seed).uniform(-4, 20, (3, 3)).astype(np.float32)
    found = Buffer(16, 16).draw(corners, np.array([[0, 1, 2]], np.int32)).triangle >= 0
    wanted = np.array([[inside(corners[:, :2].astype(float), x + 0.5, y + 0.5) for x in range(16)] for y in range(16)])
    assert (found == wanted).all()


def test_two_triangles_of_a_square_leave_no_gap():
    square = np.array([[2, 2, 0], [14, 2, 0], [14, 14, 0], [2, 14, 0]], np.float32)
    found = Buffer(16, 16).draw(square, np.array([[0, 1, 2], [0, 2, 3]], np.int32)).triangle >= 0
    assert found[2:14, 2:14].all() and found.sum() == 144


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_nearer_triangle_wins_in_any_order(order):
    near, far = [[0, 0, 1], [16, 0, 1], [0, 16, 1]], [[0, 0, 5], [16, 0, 5], [0, 16, 5]]
    buffer = triangle_of([*(near, far)[order[0]], *(near, far)[order[1]]])
    assert buffer.triangle[2, 2] == order.index(0) and buffer.depth[2, 2] == 1


def test_nothing_is_drawn_outside_the_box():
    corners = np.array([[0, 0, 0], [16, 0, 0], [0, 16, 0]], np.float32)
    buffer = Buffer(16, 16)
    buffer.triangle[:] = -1
    buffer.draw(corners, np.array([[0, 1, 2]], np.int32), (4, 4, 8, 8))
    assert (buffer.triangle >= 0).sum() == 16 and (buffer.triangle[4:8, 4:8] >= 0).all()


def test_gathered_positions_are_the_pixels_own():
    corners = np.array([[-5, -5, 0], [40, -5, 0], [-5, 40, 0]], np.float32)
    triangles = np.array([[0, 1, 2]], np.int32)
    places = Buffer(16, 16).draw(corners, triangles).gather(corners[:, :2], triangles)
    y, x = np.mgrid[:16, :16] + 0.5
    np.testing.assert_allclose(places, np.stack([x, y], axis=-1), atol=1e-4)


def test_sampling_at_pixel_centres_gives_the_pixels():
    picture = np.random.default_rng(0).random((6, 7, 3)).astype(np.float32)
    out = np.zeros(3, np.float32)
    for y in range(6):
        for x in range(7):
            sample(picture, x + 0.5, y + 0.5, out)
            np.testing.assert_allclose(out, picture[y, x], atol=2e-3)


def test_the_border_repeats_outside_a_picture():
    picture = np.random.default_rng(0).random((6, 7, 3)).astype(np.float32)
    out = np.zeros(3, np.float32)
    sample(picture, -50.0, 3.5, out)
    np.testing.assert_allclose(out, picture[3, 0], atol=2e-3)


def test_normals_of_a_flat_sheet_all_point_the_same_way():
    sheet = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    normals = vertex_normals(sheet, np.array([[0, 1, 2], [0, 2, 3]], np.int32))
    np.testing.assert_allclose(normals, np.tile([[0, 0, 1]], (4, 1)), atol=1e-6)
