"""Laws of blinks: human in number, and the same however a stretch of the video is reached."""

import numpy as np
import pytest

from longtake.blinks import BLINK, OFTEN, closure
from longtake.corpus.expressions import EXPRESSIONS

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


def begins(closed):
    shut = closed > 0.5
    return np.flatnonzero(shut[1:] & ~shut[:-1])


def test_often_is_what_puppets_do_when_they_are_asked_to():
    assert EXPRESSIONS["blink_often"].blinks == OFTEN


def test_as_many_more_come_as_are_asked_for_and_only_where_they_are():
    usual = closure(0, HOUR // 4, 25, 16, seed=1)
    asked = [closure(0, HOUR // 4, 25, 16, seed=1, more=lambda frame, much=much: much) for much in (0.0, 0.5, 1.0)]
    counts = [len(begins(closed)) / 15 for closed in asked]
    assert np.array_equal(asked[0], usual)
    assert counts[1] == pytest.approx(16 + 0.8 * 30, abs=4) and counts[2] == pytest.approx(16 + 0.8 * 60, abs=4)
    late = closure(0, 3000, 25, 16, seed=1, more=lambda frame: float(frame >= 1500))
    assert np.array_equal(late[:1500], usual[:1500]) and len(begins(late[1500:])) > 2 * len(begins(usual[1500:3000]))
    assert len(begins(closure(0, 3000, 25, 0, seed=1, more=lambda frame: 1.0))) > 80, "none of the usual ones"


def test_more_blinks_are_the_same_however_a_stretch_is_reached_and_never_two_at_once():
    def much(frame):
        return 0.5 + 0.5 * np.sin(frame / 40)

    whole = closure(0, 2000, 25, 16, seed=3, more=much)
    parts = [closure(first, 16, 25, 16, seed=3, more=much) for first in range(0, 2000, 16)]
    assert np.array_equal(np.concatenate(parts), whole)
    assert np.diff(begins(whole)).min() >= 0.4 * 25 - 3
