"""Pictures at another size without a network."""

import numpy as np
import pytest

from longtake.media.enlarge import enlarge


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 255, (31, 43, 3), dtype=np.uint8)


@pytest.mark.parametrize(("height", "width"), [(124, 172), (100, 150), (12, 17), (31, 90)])
def test_tiles_leave_no_trace(picture, height, width):
    whole = enlarge(picture, height, width, tile=10_000)
    assert whole.shape == (height, width, 3)
    tiled = enlarge(picture, height, width, tile=16)
    assert np.abs(whole.astype(int) - tiled).max() <= 2, "rounded once, then made steeper"


def test_the_same_size_is_the_same_picture(picture):
    assert enlarge(picture, 31, 43) is picture


def test_nothing_overshoots_what_lay_around(picture):
    step = np.zeros((20, 20, 3), np.uint8)
    step[:, :10], step[:, 10:] = 60, 180
    large = enlarge(step, 160, 160)
    assert large.min() >= 60 and large.max() <= 180


def test_edges_become_steeper_than_by_resampling_alone():
    step = np.zeros((20, 20, 3), np.uint8)
    step[:, :10], step[:, 10:] = 60, 180

    def slope(x):
        return np.abs(np.diff(x[80, :, 0].astype(int))).max()

    assert slope(enlarge(step, 160, 160)) > 1.1 * slope(enlarge(step, 160, 160, steeper=0.0))
