"""Our image front end gives the published pixels and masks, grey level by grey level."""

import json
from pathlib import Path

import numpy as np
import pytest
import weight_rule as rule

from longtake.face.regions import face_picture, rectangle, regions_of_rectangles
from longtake.media.images import squeeze

FIXTURE = Path(__file__).parents[1] / "fixtures" / "parity" / "image.npz"
SIDES = (64, 32, 16, 8)
FAITHFUL = ("square_1432", "portrait_630x633", "landscape_800x600", "edge_512")
ONE_LEVEL = 1  # other builds of OpenCV and Pillow may round once differently


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(FIXTURE))


def test_grown_rectangles_are_the_published_ones(golden):
    for name in FAITHFUL:
        face, lip, _ = _rectangles(golden, name)
        assert face == tuple(golden[f"{name}.face_rect"])
        assert lip == tuple(golden[f"{name}.lip_rect"])


@pytest.mark.parametrize("name", FAITHFUL)
def test_region_masks_are_the_published_ones_at_every_level(golden, name):
    face, lip, case = _rectangles(golden, name)
    regions = regions_of_rectangles(face, lip, case["height"], case["width"], SIDES)
    for kind, ours in (("full", regions.pose), ("face", regions.face), ("lip", regions.lip)):
        for level, mask in enumerate(ours):
            assert _furthest(mask * 255, golden[f"{name}.{kind}.{level}"].reshape(mask.shape)) <= ONE_LEVEL
    assert _furthest(face_picture(regions.face_box, 512) * 255, golden[f"{name}.region8"]) <= ONE_LEVEL


@pytest.mark.parametrize("name", ["landscape_800x600", "edge_512"])
def test_squeezed_pixels_are_the_published_ones(golden, name):
    _, _, case = _rectangles(golden, name)
    pixels = squeeze(rule.ramps(case["width"], case["height"]), 512)
    assert _furthest(pixels.transpose(2, 0, 1), golden[f"{name}.pixels8"]) <= ONE_LEVEL


def test_a_face_box_larger_than_the_picture_covers_it_instead_of_collapsing(golden):
    """The released code keeps 4 x 4 pixels in a corner here, so the face loses its mask and its shelter from drops."""
    face, lip, case = _rectangles(golden, "tight_512")
    regions = regions_of_rectangles(face, lip, case["height"], case["width"], SIDES)
    assert regions.face_box.all()
    assert all(pose.max() == 0 for pose in regions.pose)
    assert tuple(golden["tight_512.face_rect"]) == (508, 508, 512, 512)


def _rectangles(golden, name):
    case = json.loads(str(golden["options"]))["cases"][name]
    size = case["height"], case["width"]
    face, lip = (tuple(map(float, case[box])) for box in ("face_box", "lip_box"))
    return rectangle(face, 1.2, *size), rectangle(lip, 2.0, *size), case


def _furthest(ours, golden) -> float:
    return np.abs(ours.astype(np.float64) - golden).max()
