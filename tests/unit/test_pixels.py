"""The two forms of a picture."""

import numpy as np
import torch

from longtake.media.pixels import as_frames, as_pictures

EVERY_VALUE = np.repeat(np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1), 3, axis=3)


def test_frames_come_back_as_they_were():
    assert np.array_equal(as_frames(as_pictures(EVERY_VALUE)), EVERY_VALUE)


def test_black_is_minus_one_and_white_is_one_in_channels_first():
    pictures = as_pictures(EVERY_VALUE)
    assert pictures.shape == (1, 3, 16, 16)
    assert (pictures.min(), pictures.max()) == (-1, 1)


def test_what_lies_outside_is_cut_not_wrapped():
    assert as_frames(torch.tensor([-3.0, 3.0]).view(1, 1, 1, 2).expand(1, 3, 1, 2)).tolist() == [[[[0] * 3, [255] * 3]]]
