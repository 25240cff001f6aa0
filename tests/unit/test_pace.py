"""What a run says of its own pace: right from the first segment, calm about slow ones, the same after a resume."""

import json

import numpy as np
import pytest

from longtake.clips import Chunk
from longtake.pace import Pace, peak_mb

FPS, SIZE = 25, 16


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def run(took, total=160, first=0):
    """The progress after segments that took so many seconds, from segment `first` on."""
    clock = Clock()
    pace = Pace(total, FPS, SIZE, clock)
    for index, seconds in enumerate(took, start=first):
        clock.now += seconds
        start = index * SIZE
        now = pace.tell(Chunk(np.full((min(SIZE, total - start), 2, 2, 3), index, np.uint8), start, FPS))
    return now


def test_the_time_left_is_the_segments_left_times_what_one_takes():
    now = run([9.0, 2.0, 2.0, 2.0])
    assert (now.segment, now.segments, now.frames, now.frames_total) == (4, 10, 64, 160)
    assert now.left_s == pytest.approx(6 * 2.0), "the first segment, which reads the portrait, does not count"
    assert now.work_s == pytest.approx(15.0)
    assert now.work_per_video_s == pytest.approx(2.0 / (SIZE / FPS))
    assert (now.video_s, now.total_s) == (64 / FPS, 160 / FPS)


def test_there_is_an_estimate_after_one_segment_already():
    assert run([3.0]).left_s == pytest.approx(9 * 3.0)


def test_one_slow_segment_hardly_moves_the_estimate_but_a_lasting_change_does():
    calm = run([2.0] * 20, total=800).left_s
    assert run([2.0] * 19 + [3600.0], total=800).left_s < 1.1 * calm
    assert run([2.0, 2.0, 3600.0], total=800).left_s < 1.6 * run([2.0] * 3, total=800).left_s
    busy = run([2.0] * 10 + [4.0] * 50, total=1600)
    assert busy.left_s == pytest.approx((100 - 60) * 4.0)


def test_segments_that_come_several_at_once_are_counted_rightly():
    assert run([8.0, 0.0, 8.0, 0.0, 8.0, 0.0, 8.0, 0.0, 8.0], total=800).left_s == pytest.approx(41 * 4.0)
    assert run([8.0, 0.0], total=160).left_s == pytest.approx(8 * 4.0), "before the second batch too"


def test_segments_made_twice_count_with_both_times():
    assert run([2.0] * 4 + [4.0, 2.0, 2.0, 2.0, 4.0], total=800).left_s == pytest.approx(41 * 2.5)


def test_a_resumed_run_estimates_from_its_own_segments_only():
    now = run([5.0, 1.0, 1.0], total=160, first=5)
    assert (now.segment, now.frames, now.first_frame) == (8, 128, 112)
    assert now.left_s == pytest.approx(2 * 1.0)
    assert now.work_s == pytest.approx(7.0)


def test_the_last_segment_may_be_short_and_then_nothing_is_left():
    now = run([1.0, 1.0, 1.0], total=40)
    assert (now.segment, now.segments, now.frames, now.left_s) == (3, 3, 40, 0.0)


def test_the_progress_is_json_but_for_the_picture():
    now = run([1.0, 1.0])
    assert (now.picture == 1).all()
    values = json.loads(json.dumps(now.plain()))
    assert values["segment"] == 2 and values["prompt"] == "" and "picture" not in values


def test_peak_memory_is_that_of_this_process():
    before = peak_mb()
    if before is None:
        pytest.skip("the system does not tell")
    block = np.ones(60_000_000, np.uint8)
    assert (peak_mb() or 0.0) >= max(before, block.nbytes / 2**20)
