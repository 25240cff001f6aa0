"""Laws of blinks: human in number, and the same however a stretch of the video is reached."""

import numpy as np
import pytest

from longtake.blinks import BLINK, closure

HOUR = 3600 * 25


@pytest.mark.parametrize("per_minute", [4, 16, 40])
def test_an_hour_has_as_many_blinks_as_asked(per_minute):
    shut = closure(0, HOUR, 25, per_minute, seed=1) > 0.5
    count = int((shut[1:] & ~shut[:-1]).sum())
    assert abs(count - 60 * per_minute) <= 0.03 * 60 * per_minute + 1


def test_a_stretch_is_the_same_however_it_is_reached():
    whole = closure(0, 2000, 25, 16, seed=3)
    parts = [closure(first, 16, 25, 16, seed=3) for first in range(0, 2000, 16)]
    assert np.array_equal(np.concatenate(parts), whole)
    assert np.array_equal(closure(HOUR, 50, 25, 16, seed=3), closure(HOUR - 10, 60, 25, 16, seed=3)[10:])


def test_eyes_are_open_most_of_the_time_and_shut_between_nought_and_one():
    closed = closure(0, HOUR, 25, 16, seed=0)
    assert closed.min() == 0 and 0.9 < closed.max() <= max(BLINK)
    assert (closed == 0).mean() > 0.85


def test_blinks_come_at_other_times_for_another_seed_and_never_two_at_once():
    one, other = (closure(0, HOUR, 25, 60, seed=seed) > 0.5 for seed in (0, 1))
    assert not np.array_equal(one, other)
    begins = np.flatnonzero(one[1:] & ~one[:-1])
    assert np.diff(begins).min() >= 0.4 * 25 - 1


def test_other_frame_rates_show_the_same_blinks():
    slow, fast = closure(0, 1500, 25, 16, seed=5), closure(0, 3000, 50, 16, seed=5)
    assert np.allclose(fast[::2], slow)


def test_none_are_none():
    assert not closure(0, 500, 25, 0, seed=0).any()
