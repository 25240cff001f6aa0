"""The published face networks' pre- and post-processing, on stand-ins with their inputs and outputs."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")
sys.path.append(str(Path(__file__).parents[1] / "parity"))
from insight_files import write_insight

from longtake.errors import MissingDependency, NoFace, WeightsMismatch, WeightsMissing
from longtake.face.insight import TEMPLATE, InsightFace, apart, as_blob, on_canvas, similarity


@pytest.fixture(scope="module")
def bright(tmp_path_factory):
    return InsightFace(write_insight(tmp_path_factory.mktemp("bright"), sees="bright"))


def _noise(height, width):
    return np.random.default_rng(0).integers(0, 100, (height, width, 3)).astype(np.uint8)


def test_a_face_is_found_where_it_is_in_pixels_of_the_picture(bright):
    picture = np.zeros((1280, 960, 3), np.uint8)  # halved to 640 x 480 for the detector
    picture[320:336, 160:176] = 255  # one cell of 8 x 8: its corner is at (80, 160) there
    faces = bright.find(picture)
    assert len(faces) == 1
    assert np.allclose(faces.boxes[0], [144, 304, 176, 336])  # one stride to each side, doubled
    assert np.allclose(faces.landmarks5[0], [[164, 324]] * 5)
    assert 0.98 < faces.scores[0] <= 1.0


@pytest.mark.parametrize("shape", [(640, 640), (200, 1000), (1000, 200), (3, 640), (641, 639)])
def test_the_picture_lies_whole_in_the_upper_left_of_the_canvas(shape):
    canvas, scale = on_canvas(np.full((*shape, 3), 200, np.uint8))
    inside = canvas[..., 0] > 0
    assert canvas.shape == (640, 640, 3)
    assert abs(inside.any(1).sum() - shape[0] * scale) <= 1 and abs(inside.any(0).sum() - shape[1] * scale) <= 1
    assert max(inside.any(1).sum(), inside.any(0).sum()) == 640 and inside[0, 0]


def test_the_largest_face_wins(tmp_path):
    both = InsightFace(write_insight(tmp_path, sees="middle"))
    found = both.embed(_noise(640, 640))
    assert found.box == (320 - 160, 320 - 192, 320 + 160, 320 + 192)
    assert np.allclose(found.landmarks5[2], [320, 320])


def test_of_several_faces_the_one_nearest_to_the_chosen_place_is_read(bright):
    picture = np.zeros((640, 640, 3), np.uint8)
    picture[160:168, 80:88] = picture[480:488, 400:408] = 255
    boxes = [bright.embed(picture, near=near).box for near in ((90, 150), (420, 500))]
    assert [box[:2] for box in boxes] == [(72, 152), (392, 472)]


def test_the_names_and_the_order_of_the_outputs_do_not_matter(tmp_path):
    picture = _noise(300, 400)
    one = InsightFace(write_insight(tmp_path / "a")).embed(picture)
    other = InsightFace(write_insight(tmp_path / "b", names="other")).embed(picture)
    assert one.box == other.box and np.array_equal(one.identity, other.identity)


def test_the_identity_is_that_of_the_aligned_face_in_rgb_and_not_normalised(tmp_path):
    network = InsightFace(write_insight(tmp_path))
    picture = np.zeros((112, 112, 3), np.uint8)
    picture[..., 0], picture[..., 1], picture[..., 2] = 255, 51, 9
    identity = network.identity(picture, TEMPLATE)  # landmarks already where they should be: the crop is the picture
    assert np.allclose(identity[:256], 1.0, atol=1e-6)
    assert np.allclose(identity[256:], (51 - 127.5) / 127.5, atol=1e-6)


def test_a_picture_without_a_face_is_no_face(bright):
    with pytest.raises(NoFace, match="64 x 48"):
        bright.embed(np.zeros((48, 64, 3), np.uint8))


def test_overlapping_boxes_leave_the_surest():
    boxes = np.array([[0, 0, 99, 99], [10, 0, 109, 99], [60, 0, 159, 99], [200, 0, 299, 99.0]])
    assert apart(boxes, 0.4).tolist() == [0, 2, 3]  # they share 0.82, 0.25 and nothing with the first
    assert apart(np.zeros((0, 4)), 0.4).tolist() == []


def test_the_alignment_is_the_least_squares_turn_scale_and_shift():
    rng = np.random.default_rng(1)
    points = TEMPLATE @ (2.5 * np.array([[0.8, 0.6], [-0.6, 0.8]])) + [30, -7]
    exact = similarity(points, TEMPLATE)
    assert np.allclose(points @ exact[:, :2].T + exact[:, 2], TEMPLATE)
    noisy = points + rng.normal(0, 3, points.shape)
    best = similarity(noisy, TEMPLATE)

    def error(matrix):
        return np.square(noisy @ matrix[:, :2].T + matrix[:, 2] - TEMPLATE).sum()

    for change in rng.normal(0, 1e-3, (20, 4)):
        a, b, x, y = change
        assert error(best) < error(best + np.array([[a, -b, x], [b, a, y]]))


def test_the_networks_see_numbers_about_zero():
    picture = np.zeros((2, 2, 3), np.uint8)
    picture[..., 2] = 255
    assert np.allclose(as_blob(picture, 128.0)[0, :, 0, 0], [-127.5 / 128, -127.5 / 128, 127.5 / 128])


def test_missing_damaged_and_exchanged_files_are_told_apart(tmp_path, monkeypatch):
    with pytest.raises(WeightsMissing, match=r"scrfd_10g_bnkps[\s\S]*longtake weights fetch hallo2"):
        InsightFace(tmp_path)
    whole = write_insight(tmp_path / "whole")
    (tmp_path / "scrfd_10g_bnkps.onnx").write_bytes((whole / "scrfd_10g_bnkps.onnx").read_bytes()[:1000])
    with pytest.raises(WeightsMismatch, match="scrfd_10g_bnkps"):
        InsightFace(tmp_path)
    (whole / "scrfd_10g_bnkps.onnx").write_bytes((whole / "glintr100.onnx").read_bytes())
    with pytest.raises(WeightsMismatch, match="1 outputs"):
        InsightFace(whole)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingDependency, match="hallo2"):
        InsightFace(whole)
