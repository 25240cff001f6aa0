"""Lip, face and pose regions lie where the landmarks say."""

import numpy as np
import pytest

from longtake.face.regions import LIP, SILHOUETTE, face_picture, rectangle, regions_of


def _landmarks(face=(64, 48, 192, 224), lip=(104, 168, 152, 192)):
    """Landmarks whose silhouette and lips span two boxes."""
    points = np.full((468, 3), 128.0, np.float32)
    for index, (x0, y0, x1, y1) in ((SILHOUETTE, face), (LIP, lip)):
        around = np.linspace(0, 2 * np.pi, len(index), endpoint=False)
        points[list(index), 0] = (x0 + x1) / 2 + (x1 - x0) / 2 * np.cos(around)
        points[list(index), 1] = (y0 + y1) / 2 + (y1 - y0) / 2 * np.sin(around)
    return points


@pytest.mark.parametrize("levels", [(16, 8, 4), (64, 32, 16, 8), (32, 16, 8, 4)])
def test_there_is_a_mask_for_every_level(levels):
    regions = regions_of(_landmarks(), 256, 256, levels)
    for masks in (regions.lip, regions.face, regions.pose):
        assert [mask.shape for mask in masks] == [(side, side) for side in levels]
        assert all(mask.dtype == np.float32 and mask.min() >= 0 and mask.max() <= 1 for mask in masks)
    assert regions.face_box.shape == (256, 256)


def test_the_lips_are_strongest_at_the_mouth_and_the_pose_away_from_the_face():
    regions = regions_of(_landmarks(), 256, 256, (16,))
    (lip,), (face,), (pose,) = regions.lip, regions.face, regions.pose
    assert np.unravel_index(lip.argmax(), lip.shape)[0] in (10, 11, 12)
    assert lip[11, 8] > 0.9 > 0.2 > lip[2, 2]
    assert face[5, 8] > face[11, 8]
    assert pose[0, 0] > 0.5 > pose[8, 8]


def test_the_face_box_grows_by_a_fifth_and_the_lips_double():
    assert rectangle((100.0, 100.0, 200.0, 200.0), 1.2, 512, 512) == (90, 90, 210, 210)
    assert rectangle((100.0, 100.0, 200.0, 120.0), 2.0, 512, 512) == (50, 90, 250, 130)


def test_a_box_over_the_border_is_moved_inside():
    assert rectangle((0.0, 0.0, 100.0, 100.0), 1.2, 512, 512) == (0, 0, 120, 120)
    assert rectangle((412.0, 412.0, 512.0, 512.0), 1.2, 512, 512) == (392, 392, 512, 512)


def test_a_box_larger_than_the_picture_is_cut_to_it():
    assert rectangle((10.0, 10.0, 500.0, 500.0), 1.2, 512, 512) == (0, 0, 512, 512)


def test_a_rectangular_picture_has_regions_too():
    regions = regions_of(_landmarks(), 256, 400, (16, 8))
    assert regions.face_box.shape == (256, 400)
    columns = np.flatnonzero(regions.face_box.any(axis=0))
    assert (columns.min(), columns.max()) == (128 - 76, 128 + 75)


def test_landmarks_of_several_frames_give_all_places_where_the_face_was():
    here, there = _landmarks(), _landmarks(face=(84, 58, 212, 234))
    one, both = regions_of(here, 256, 256, (16,)), regions_of(np.stack([here, there]), 256, 256, (16,))
    assert (both.face_box | one.face_box == both.face_box).all()
    assert both.face_box.sum() > one.face_box.sum()


def test_the_locators_picture_is_the_hard_rectangle():
    box = np.zeros((64, 64), bool)
    box[16:48, 8:40] = True
    picture = face_picture(box, 32)
    assert picture.shape == (32, 32)
    assert picture[9:23, 5:19].min() == 1.0
    assert picture[:7].max() == 0.0


def test_the_eyes_are_where_their_landmarks_are():
    from longtake.face.regions import LEFT_EYE, RIGHT_EYE, regions_of

    landmarks = np.random.default_rng(0).uniform(60, 200, (468, 2))
    for eye, x in ((RIGHT_EYE, 80), (LEFT_EYE, 176)):
        landmarks[list(eye)] = [[x - 16, 96], [x + 16, 96], [x, 90], [x, 102], [x, 80]]
    eyes = regions_of(landmarks, 256, 256, (16, 8)).eyes
    assert eyes[96, 80] and eyes[96, 176] and not eyes[96, 128] and not eyes[160, 80]


def test_open_eyes_leave_the_locators_picture_alone_and_closed_ones_are_cut_out_of_one_channel():
    import torch

    from longtake.models.projectors import with_lids

    rectangle, eyes = torch.ones(1, 3, 8, 8), torch.zeros(1, 8, 8)
    eyes[0, 2:4, 1:3] = 1
    frames = with_lids(rectangle, eyes, torch.tensor([[0.0, 0.25, 1.0]]))
    assert torch.equal(frames[:, 0], rectangle) and torch.equal(frames[:, :, :2], torch.ones(1, 3, 2, 8, 8))
    assert frames[0, 1, 2, 2, 1] == 0.75 and frames[0, 2, 2, 2, 1] == 0 and frames[0, 2, 2, 5, 5] == 1
