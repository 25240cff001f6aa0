"""Faces over time: squares that don't tremble, faces that come and go, masks that stay."""

import numpy as np
import pytest

from counted import Counted, most_ahead
from longtake.face.align import SIDE, TEMPLATE, aligned_square, cut_square, mean_square
from longtake.face.detect import Roi
from longtake.face.follow import Moment, Placed, steady
from longtake.face.paste import face_mask, paste
from longtake.media.cuts import Cuts

OVAL = np.stack([256 + 120 * np.cos(np.linspace(0, 6, 36)), 280 + 150 * np.sin(np.linspace(0, 6, 36))], axis=1)
PICTURE = np.zeros((4, 4, 3), np.uint8)


def moments(squares, scenes=None):
    """One frame for each: a square, or None where there is no face."""
    scenes = scenes or [0] * len(squares)
    return [
        Moment(PICTURE, scene, {} if square is None else {scene: Placed(square, OVAL)})
        for square, scene in zip(squares, scenes, strict=True)
    ]


def landmarks_on(square):
    """Landmarks whose five points lie exactly on the template of a square."""
    affine = square.affine(SIDE)
    places = (TEMPLATE - affine[:, 2]) @ np.linalg.inv(affine[:, :2]).T
    points = np.zeros((468, 3))
    for rows, place in zip(((33, 133, 159, 145), (362, 263, 386, 374), (4,), (61,), (291,)), places, strict=True):
        points[list(rows), :2] = place
    return points


@pytest.mark.parametrize("square", [Roi(100, 80, 60, 0.0), Roi(31.5, 900, 1400, -0.6), Roi(0, 0, 512, 1.2)])
def test_the_square_lays_eyes_nose_and_mouth_on_the_template(square):
    found = aligned_square(landmarks_on(square))
    assert np.allclose(
        (found.x, found.y, found.side, found.angle), (square.x, square.y, square.side, square.angle), atol=1e-6
    )


def test_trembling_is_averaged_away_and_even_motion_does_not_lag():
    rng = np.random.default_rng(0)
    moved = [Roi(10 + 2.0 * k, 50, 60, 0.01 * k) for k in range(40)]
    shaken = [Roi(s.x + rng.normal(), s.y + rng.normal(), s.side, s.angle) for s in moved]
    calm = [m.faces[0].square for m in steady(moments(moved))]
    assert np.allclose([s.x for s in calm[4:-4]], [s.x for s in moved[4:-4]])
    found = np.array([(m.faces[0].square.x, m.faces[0].square.y) for m in steady(moments(shaken))])
    true, raw = (np.array([(s.x, s.y) for s in squares]) for squares in (moved, shaken))
    assert np.abs(np.diff(found - true, axis=0)).mean() < 0.3 * np.abs(np.diff(raw - true, axis=0)).mean()


def test_faces_come_and_go_gradually_but_begin_whole_where_a_scene_begins():
    square = Roi(10, 10, 60, 0)
    given = moments([square] * 6 + [None] * 3 + [square] * 9)
    strength = [m.faces[0].strength if m.faces else None for m in steady(given, reach=4)]
    assert strength[:2] == [1.0, 1.0], "the video begins with a face"
    assert strength[2:6] == pytest.approx([0.8, 0.6, 0.4, 0.2])
    assert strength[9:13] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert strength[13:] == [1.0] * 5
    cut = [m.faces[m.scene] for m in steady(moments([square] * 5 + [Roi(90, 9, 9, 0)] * 5, [0] * 5 + [1] * 5))]
    assert all(placed.strength == 1.0 for placed in cut)
    assert [placed.square.x for placed in cut] == pytest.approx([10.0] * 5 + [90.0] * 5), (
        "a cut resets what is averaged"
    )


@pytest.mark.parametrize("count", [0, 1, 4, 5, 30])
def test_only_a_few_frames_wait(count):
    given = Counted(moments([Roi(k, 0, 9, 0) for k in range(count)]))
    found = steady(given, reach=4)
    assert most_ahead(given, found) == min(count, 5), "the frame itself and those that come within its reach"
    assert given.taken == count


def test_a_square_averages_turns_across_the_border_of_angles():
    mean = mean_square([Roi(0, 0, 4, 3.1), Roi(2, 2, 9, -3.1)], [1, 1])
    assert abs(np.cos(mean.angle) + 1) < 1e-6 and mean.side == pytest.approx(6)


def test_a_cut_is_told_and_a_fast_move_is_not():
    rng = np.random.default_rng(0)
    scene = rng.integers(0, 255, (40, 400, 3), dtype=np.uint8).repeat(4, 0).repeat(4, 1)
    panned = [scene[:, 40 * k : 40 * k + 600] for k in range(20)]
    told = Cuts()
    assert not any([told.tell(x) for x in panned])
    still = Cuts()
    frames = [scene[:, :600]] * 5 + [255 - scene[:, :600]] * 5
    assert [still.tell(x) for x in frames] == [False] * 5 + [True] + [False] * 4


def test_the_mask_is_whole_inside_nothing_at_the_border_and_moves_as_little_as_the_outline():
    mask = face_mask(OVAL)
    assert mask[280, 256] == pytest.approx(1.0, abs=1e-3)
    assert mask[0].max() < 1e-3 and mask[:, -1].max() < 1e-3
    assert np.abs(face_mask(OVAL + 0.25) - mask).mean() < 2e-3


@pytest.mark.parametrize("side", [700.0, 300.0, 40.0])
def test_what_was_not_changed_is_put_back_in_its_place(side):
    y, x = np.mgrid[:360, :480]
    picture = np.stack([120 + 60 * np.sin(x / 40), 120 + 60 * np.cos(y / 50), 90 + x / 8], -1).astype(np.uint8)
    placed = Placed(Roi(230, 190, side, 0.3), OVAL)
    large = picture.copy()
    paste(large, cut_square(picture, placed.square), placed, picture.shape[:2])
    assert np.abs(large.astype(int) - picture).max() <= 4
    white = picture.copy()
    paste(white, np.full((512, 512, 3), 255, np.uint8), placed, picture.shape[:2])
    assert (white[190, 230] == 255).all() and (white[:, -3:] == picture[:, -3:]).all()


def test_a_face_outside_the_picture_changes_nothing():
    picture = np.zeros((20, 30, 3), np.uint8)
    paste(picture, np.full((512, 512, 3), 255, np.uint8), Placed(Roi(-500, 10, 60, 0.0), OVAL), (20, 30))
    assert not picture.any()
