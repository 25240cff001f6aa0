"""Laws of the long loop, on networks with random weights: what holds for them holds for trained ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from longtake.clips import Speech, Tail
from longtake.conditions import read_portrait
from longtake.diffusion.guidance import branches
from longtake.drift import Guardian, anchored
from longtake.segments import SEGMENT_FRAMES, Segments
from tiny import SETTINGS, SIDE, Chirp, tiny_networks, tiny_portrait

GUARDED = SETTINGS.overlay({"drift": {"every": 1}})


@pytest.fixture(scope="module")
def networks():
    return tiny_networks()


@pytest.fixture(scope="module")
def portrait():
    return tiny_portrait()


def make(networks, portrait, settings=SETTINGS, tail=None, guard=None):
    guidance = settings.guidance
    told = branches(guidance.portrait, guidance.speech)
    speech = networks.listen(Speech(Path("chirp"), 100.0, Chirp()))
    conditions = read_portrait(portrait, networks, told, settings)
    return Segments(conditions, speech, torch.as_tensor(portrait.regions.face_box), networks, settings, tail, guard)


def frames(networks, portrait, count=40, **changes):
    made = make(networks, portrait, SETTINGS.overlay(changes)).until(count)
    return np.concatenate([segment.frames for segment in made])


def test_the_video_has_exactly_the_frames_asked_for(networks, portrait):
    for count in (1, 15, 16, 17, 33):
        segments = list(make(networks, portrait).until(count))
        assert sum(len(segment.frames) for segment in segments) == count
        assert [segment.first_frame for segment in segments] == [SEGMENT_FRAMES * k for k in range(len(segments))]


def test_the_same_seed_makes_the_same_frames_and_another_seed_others(networks, portrait):
    first = frames(networks, portrait)
    assert np.array_equal(first, frames(networks, portrait))
    assert not np.array_equal(first, frames(networks, portrait, sampling={"seed": 1}))


def test_a_run_taken_up_from_a_tail_equals_one_that_never_stopped(networks, portrait):
    whole = list(make(networks, portrait).until(48))
    before = make(networks, portrait)
    before.next()
    tail = Tail(before.tail.pictures.copy(), before.tail.next_segment, before.tail.next_frame)
    after = list(make(networks, portrait, tail=tail).until(48))
    assert [segment.index for segment in after] == [1, 2]
    for resumed, uninterrupted in zip(after, whole[1:], strict=True):
        assert np.array_equal(resumed.frames, uninterrupted.frames)


@pytest.mark.parametrize("generator", ["segment", "running"])
def test_a_guarded_run_taken_up_from_a_tail_equals_one_that_never_stopped(networks, portrait, generator):
    """These networks show no face, so the guardian tries all it can; where it rests is a matter of the segment's index."""
    settings = GUARDED.overlay({"sampling": {"generator": generator}})
    whole = make(networks, portrait, settings, guard=Guardian(portrait, settings))
    before = whole.next()
    tail = replace(whole.tail, pictures=whole.tail.pictures.copy())
    expected = list(whole.until(48))
    after = list(make(networks, portrait, settings, tail, Guardian(portrait, settings)).until(48))
    assert len(before.notes["tried"]) == 1 + GUARDED.drift.tries
    assert all("faces" in segment.notes["passed"] for segment in after)
    for resumed, uninterrupted in zip(after, expected, strict=True):
        assert np.array_equal(resumed.frames, uninterrupted.frames)
        assert resumed.notes == uninterrupted.notes


def test_a_guardian_that_may_not_act_changes_no_frame(networks, portrait):
    settings = GUARDED.overlay({"drift": {"act": False}})
    guarded = make(networks, portrait, settings, guard=Guardian(portrait, settings)).until(20)
    assert np.array_equal(np.concatenate([s.frames for s in guarded]), frames(networks, portrait, 20))


def test_an_anchored_segment_is_made_as_the_first_one_was(networks, portrait):
    """Copies of the portrait in the tail tell the model what it is told before the first segment."""
    segments = make(networks, portrait)
    first, _ = segments.make(None)
    tail = Tail(np.zeros((4, 3, SIDE, SIDE), np.float32), 0, 0)
    again, _ = segments.make(anchored(tail, portrait.picture))
    other, _ = segments.make(tail)
    apart = [np.abs(first.frames.astype(int) - made.frames).mean() for made in (again, other)]
    assert apart[0] < 0.01 < 0.1 < apart[1]  # equal but for rounding: pictures lie differently in memory


def test_the_loop_keeps_only_its_tail(networks, portrait):
    segments = make(networks, portrait)
    segments.next()
    assert segments.tail.pictures.shape == (SETTINGS.motion.frames, 3, SIDE, SIDE)
    assert segments.tail.pictures.nbytes == 4 * 3 * SIDE * SIDE * SETTINGS.motion.frames


@pytest.mark.parametrize(
    "changes",
    [
        {"motion": {"drop_rate": 0.0}},
        {"motion": {"noise_std": 0.0}},
        {"guidance": {"portrait": 1.0, "speech": 1.0}},
        {"guidance": {"speech": 2.0}},
        {"sampling": {"shared_noise": 0.5}},
        {"sampling": {"scheduler": "dpm++"}},
        {"sampling": {"scheduler": "unipc"}},
        {"regions": {"lip": 0.0}},
    ],
    ids=str,
)
def test_each_part_of_the_loop_has_an_effect(networks, portrait, changes):
    assert not np.array_equal(frames(networks, portrait, 20), frames(networks, portrait, 20, **changes))


def test_noise_that_passes_slowly_from_segment_to_segment_has_an_effect(networks, portrait):
    slow = {"shared_noise": 0.5, "noise_segments": 8}
    assert not np.array_equal(
        frames(networks, portrait, 20, sampling={"shared_noise": 0.5}), frames(networks, portrait, 20, sampling=slow)
    )


def test_the_reference_net_has_an_effect(networks, portrait):
    told = make(networks, portrait)
    deaf = make(networks, portrait)
    nothing = {name: torch.zeros_like(x) for name, x in deaf.portrait.reference.items()}
    deaf.portrait = replace(deaf.portrait, reference=nothing)
    assert not np.array_equal(told.next().frames, deaf.next().frames)


def test_motion_modules_have_an_effect(networks, portrait):
    with_motion = make(networks, portrait)
    without = make(networks, portrait)
    without._motion = lambda *_: None
    assert not np.array_equal(with_motion.next().frames, without.next().frames)


def test_the_frames_follow_the_speech_and_the_tail(networks, portrait):
    loud, silent = make(networks, portrait), make(networks, portrait)
    silent.speech = networks.listen(Speech(Path("none"), 100.0, Silence()))
    assert not np.array_equal(loud.next().frames, silent.next().frames)
    other = make(networks, portrait, tail=Tail(np.full((4, 3, SIDE, SIDE), -1, np.float32), 0, 0))
    assert not np.array_equal(make(networks, portrait).next().frames, other.next().frames)


class Silence:
    def window(self, start, stop):
        return np.zeros(stop - start, np.float32)


def test_a_model_that_was_told_about_blinks_hears_of_them_and_another_does_not(networks, portrait):
    taught = replace(networks, trained={"lids": True})
    often, never = {"eyes": {"blinks_per_minute": 60}}, {"eyes": {"blinks_per_minute": 0}}
    assert not np.array_equal(frames(taught, portrait, 16, **often), frames(taught, portrait, 16, **never))
    assert np.array_equal(frames(networks, portrait, 16, **often), frames(networks, portrait, 16, **never))


def test_motion_frames_are_read_whole_or_as_differences_as_the_weights_were_trained(networks, portrait):
    whole = make(networks, portrait)
    trained = replace(networks, trained={"motion_read": "difference"})
    difference = make(trained, portrait)
    assert not np.array_equal(whole.next().frames, difference.next().frames)
    unanchored = make(replace(trained, anchor_std=None), portrait)
    alike = make(replace(networks, anchor_std=None), portrait)
    assert np.array_equal(unanchored.next().frames, alike.next().frames)
