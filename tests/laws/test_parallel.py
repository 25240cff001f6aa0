"""Laws of the parallel strategy: segments that need nothing of each other, joined over the frames they share."""
# ruff: noqa: F811 - fixtures are taken from another file by name

import numpy as np
import pytest
import torch
from test_segments import SETTINGS, make, networks, portrait  # noqa: F401 - two of them are fixtures

from longtake.clips import Tail
from longtake.errors import SettingsError
from longtake.fade import cross_fade
from longtake.networks import devices
from longtake.parallel import ParallelSegments, check_strategy
from longtake.segments import SEGMENT_FRAMES
from longtake.settings import RunSettings

OVERLAP = 5
PARALLEL = SETTINGS.overlay({"sampling": {"strategy": "parallel", "overlap": OVERLAP}})
STEP = SEGMENT_FRAMES - OVERLAP


def parallel(networks, portrait, hands=1, tail=None, **changes):
    settings = PARALLEL.overlay(changes)
    return ParallelSegments([make(networks, portrait, settings) for _ in range(hands)], settings, tail)


def joined(segments):
    return np.concatenate([segment.frames for segment in segments])


def test_the_video_has_exactly_the_frames_asked_for_each_at_its_time(networks, portrait):
    for count in (STEP, STEP + 1):
        segments = list(parallel(networks, portrait).until(count))
        assert sum(len(segment.frames) for segment in segments) == count
        assert [segment.first_frame for segment in segments] == [STEP * k for k in range(len(segments))]


def test_each_segment_hears_the_sound_of_its_own_frames(networks, portrait):
    asked = []

    class Listening:
        def __init__(self, heard):
            self.heard = heard

        def windows(self, first_frame, frames, fps, window):
            asked.append((first_frame, frames))
            return self.heard.windows(first_frame, frames, fps, window)

    hand = make(networks, portrait, PARALLEL)
    hand.speech = Listening(hand.speech)
    list(ParallelSegments([hand], PARALLEL).until(3 * STEP))
    assert asked == [(0, SEGMENT_FRAMES), (STEP, SEGMENT_FRAMES), (2 * STEP, SEGMENT_FRAMES)]


def test_segments_do_not_depend_on_the_order_in_which_they_are_made(networks, portrait):
    forwards, backwards = parallel(networks, portrait), parallel(networks, portrait)
    first = [forwards.alone(k) for k in range(3)]
    last = [backwards.alone(k) for k in reversed(range(3))][::-1]
    assert all(np.array_equal(a, b) for a, b in zip(first, last, strict=True))
    assert not np.array_equal(first[0], first[1])


def test_segments_made_together_make_the_same_video(networks, portrait):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums are in the same order then
    one = joined(parallel(networks, portrait).until(40))
    several = parallel(networks, portrait, hands=2, run={"together": 3})
    assert np.array_equal(one, joined(several.until(40)))
    assert {index for index, _ in several.ahead} <= set(range(4)), "nothing is made beyond the end"
    torch.set_num_threads(threads)


def test_the_first_segment_is_the_one_of_the_incremental_strategy(networks, portrait):
    incremental = make(networks, portrait).next().frames
    assert np.array_equal(parallel(networks, portrait).next().frames, incremental[:STEP])


def test_a_run_taken_up_from_a_tail_equals_one_that_never_stopped(networks, portrait):
    whole = list(parallel(networks, portrait).until(3 * STEP))
    before = parallel(networks, portrait)
    before.next()
    tail = Tail(before.tail.pictures.copy(), before.tail.next_segment, before.tail.next_frame)
    after = list(parallel(networks, portrait, tail=tail).until(3 * STEP))
    assert [segment.index for segment in after] == [1, 2]
    assert np.array_equal(joined(after), joined(whole[1:]))


def test_another_attempt_changes_its_own_segment_only(networks, portrait):
    segments = parallel(networks, portrait)
    _, tail = segments.make(None)
    first, again = segments.make(tail)[0], segments.make(tail, attempt=1)[0]
    assert not np.array_equal(first.frames, again.frames)
    assert np.array_equal(first.frames, segments.make(tail)[0].frames)


def test_without_overlap_segments_stand_side_by_side(networks, portrait):
    segments = parallel(networks, portrait, sampling={"overlap": 0})
    frames = joined(segments.until(2 * SEGMENT_FRAMES))
    assert np.array_equal(frames, np.concatenate([segments.alone(0), segments.alone(1)]))
    assert segments.tail.pictures.shape[0] == 0


def test_a_cross_fade_goes_evenly_from_one_to_the_other_and_leaves_the_rest():
    before = np.full((3, 8, 8, 3), 200, np.uint8)
    after = np.full((6, 8, 8, 3), 100, np.uint8)
    mixed = cross_fade(before, after)
    assert mixed[:, 0, 0, 0].tolist() == [175, 150, 125, 100, 100, 100]


def test_fading_a_segment_into_itself_changes_nothing():
    frames = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, -1).repeat(4, 0)
    assert np.array_equal(cross_fade(frames, frames), frames)


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"sampling": {"generator": "running"}}, "running"), ({"run": {"together": 2, "offload": True}}, "offload")],
    ids=str,
)
def test_settings_that_would_tie_segments_together_are_refused(changes, word):
    with pytest.raises(SettingsError, match=word):
        check_strategy(PARALLEL.overlay(changes))


def test_several_gpus_are_used_only_for_segments_made_together(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    places = lambda **run: [one.device for one in devices(RunSettings(**run))]  # noqa: E731
    assert places(device="cuda", together=2) == ["cuda:0", "cuda:1"]
    assert places(device="auto", together=9) == ["cuda:0", "cuda:1", "cuda:2", "cuda:3"]
    assert places(device="cuda") == ["cuda"]
    assert places(device="cuda:1", together=2) == ["cuda:1"]
    assert places(device="cpu", together=2) == ["cpu"]
