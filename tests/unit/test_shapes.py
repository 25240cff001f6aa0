"""The test run does check shapes."""

import numpy as np
import pytest

from longtake.clips import Chunk


def test_a_wrong_shape_or_type_is_refused():
    Chunk(np.zeros((2, 8, 8, 3), np.uint8), 0, 25)
    for wrong in (np.zeros((2, 8, 8), np.uint8), np.zeros((2, 8, 8, 3), np.float32), np.zeros((2, 8, 8, 4), np.uint8)):
        with pytest.raises(TypeError):
            Chunk(wrong, 0, 25)
