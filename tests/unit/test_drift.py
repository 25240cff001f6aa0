"""Laws of the drift guardian, on drawn faces and a maker of segments that does what it is told."""

import json
from copy import copy
from dataclasses import replace

import cv2
import numpy as np
import pytest
from drawn_face import drawn_face

from longtake.clips import Segment, Tail
from longtake.drift import FADE_FRAMES, PAUSE_SEGMENTS, Guardian, anchored, calm
from longtake.face.detect import landmarks_of
from longtake.face.regions import eyes_of
from longtake.fade import cross_fade
from longtake.motion import whole_patches
from longtake.prepare import portrait_of
from longtake.settings import Settings

SIDE, PATCH = 256, 8
SETTINGS = Settings().overlay({"portrait": {"size_px": SIDE}, "motion": {"patch_px": PATCH}})


def small(picture):
    return cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


CLEAN = small(drawn_face())
SHUT = small(drawn_face(lids=0.0))
BLURRED = cv2.GaussianBlur(CLEAN, (0, 0), 3)
SPOILED = {
    "softness": BLURRED,
    "sharpness": np.clip(CLEAN + np.random.default_rng(0).normal(0, 20, CLEAN.shape), 0, 255).astype(np.uint8),
    "background": np.clip(CLEAN * (0.8, 1.0, 1.0), 0, 255).astype(np.uint8),
    "skin": np.clip(CLEAN * (1.0, 0.8, 1.0), 0, 255).astype(np.uint8),
    "faces": np.full_like(CLEAN, 128),
}


@pytest.fixture(scope="module")
def portrait():
    """A guardian's portrait, measured once for all tests."""
    whole = portrait_of(drawn_face())
    return Guardian(replace(whole, picture=CLEAN, landmarks=landmarks_of([CLEAN])[0]), SETTINGS)


def tail_of(picture, index=1, count=2):
    pictures = np.repeat(picture.astype(np.float32).transpose(2, 0, 1)[None] / 127.5 - 1, count, 0)
    return Tail(pictures, index, 16 * index)


class Maker:
    """Segments of still pictures: those of a list, one for each attempt; the last one from then on."""

    def __init__(self, *pictures, lids=None, narrow=lambda frame: 0.0):
        self.pictures, self.told, self.narrow, self.given = pictures, lids, narrow, []

    def make(self, tail, attempt=0):
        self.given.append(tail)
        picture = self.pictures[min(attempt, len(self.pictures) - 1)]
        index = tail.next_segment if tail else 0
        return Segment(index, 16 * index, np.repeat(picture[None], 16, 0)), tail_of(picture, index + 1)

    def shown(self):
        return CLEAN

    def lids(self, first_frame, frames):
        return None if self.told is None else np.full(frames, self.told)

    def narrowed(self, first_frame, frames):
        return np.array([self.narrow(frame) for frame in range(first_frame, first_frame + frames)])


def guard(portrait, **drift):
    """A guardian that has seen nothing yet."""
    new = copy(portrait)
    new.limits, new.latest = SETTINGS.overlay({"drift": drift}).drift, None
    return new


def tried(segment):
    return [attempt["did"] for attempt in segment.notes.get("tried", [])]


def test_a_clean_run_is_measured_and_left_alone(portrait):
    maker, tail = Maker(CLEAN, BLURRED), tail_of(CLEAN)
    kept, own = guard(portrait).next(maker, tail)
    left, _ = guard(portrait, act=False).next(maker, tail)
    assert all(given is tail for given in maker.given)
    assert np.array_equal(kept.frames, left.frames)
    assert kept.notes == left.notes
    assert own.next_segment == 2
    assert kept.notes["passed"] == []
    assert kept.notes["identity"] < 0.1
    assert kept.notes["sharpness"] == pytest.approx(1, abs=0.05)
    assert kept.notes["eyes"] == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("limit", SPOILED)
def test_what_was_spoiled_is_noticed_and_made_again(portrait, limit):
    maker = Maker(SPOILED[limit], CLEAN)
    segment, own = guard(portrait).next(maker, tail_of(CLEAN))
    assert tried(segment) == ["continued", "seed"]
    assert segment.notes["kept"] == "seed"
    assert segment.notes["passed"] == []
    assert np.array_equal(segment.frames[0], CLEAN)
    assert np.array_equal(own.pictures, tail_of(CLEAN).pictures)
    spoiled, _ = guard(portrait, act=False).next(Maker(SPOILED[limit]), tail_of(CLEAN))
    assert limit in spoiled.notes["passed"]
    assert np.array_equal(spoiled.frames[0], SPOILED[limit])


def test_it_tries_in_order_another_seed_a_calm_tail_and_the_portrait(portrait):
    moving = tail_of(CLEAN)
    moving.pictures[:] += np.linspace(0, 0.06, 2, dtype=np.float32).reshape(2, 1, 1, 1)
    maker = Maker(BLURRED, BLURRED, BLURRED, CLEAN)
    segment, _ = guard(portrait).next(maker, moving)
    assert tried(segment) == ["continued", "seed", "calm", "anchored"]
    assert maker.given[0] is moving
    assert maker.given[1] is moving
    assert np.array_equal(maker.given[2].pictures, np.repeat(moving.pictures[-1:], 2, 0))
    assert np.abs(maker.given[3].pictures - tail_of(CLEAN).pictures).max() < 1e-6
    assert np.array_equal(
        segment.frames, cross_fade(np.repeat(BLURRED[None], FADE_FRAMES, 0), np.repeat(CLEAN[None], 16, 0))
    )


def test_it_tries_no_more_than_it_may_and_keeps_the_least_bad(portrait):
    worse, bad, worst = (cv2.GaussianBlur(CLEAN, (0, 0), s) for s in (6, 4, 8))
    for tries, seen in ((0, worse), (1, bad), (2, bad)):
        maker = Maker(worse, bad, worst)
        segment, own = guard(portrait, tries=tries).next(maker, tail_of(CLEAN))
        assert len(maker.given) == tries + 1
        assert np.array_equal(segment.frames[0], seen)
        assert np.array_equal(own.pictures, tail_of(seen).pictures)
        assert "softness" in segment.notes["passed"]


def test_before_the_first_segment_there_are_only_other_seeds(portrait):
    maker = Maker(BLURRED)
    segment, _ = guard(portrait, tries=2).next(maker, None)
    assert maker.given == [None] * 3
    assert tried(segment) == ["continued", "seed", "seed"]


def test_where_nothing_helped_it_pauses_before_it_tries_again(portrait):
    for index in (1, PAUSE_SEGMENTS - 1, PAUSE_SEGMENTS):
        maker = Maker(BLURRED)
        guard(portrait).next(maker, tail_of(BLURRED, index))
        assert len(maker.given) == (4 if index == PAUSE_SEGMENTS else 1)


def test_it_may_look_at_some_segments_only_or_at_none(portrait):
    for every, looked_at in ((0, []), (1, [2, 3, 4]), (3, [3])):
        for index in (2, 3, 4):
            maker, tail = Maker(BLURRED), tail_of(CLEAN, index)
            segment, _ = guard(portrait, every=every, tries=0).next(maker, tail)
            assert bool(segment.notes) == (index in looked_at)


def test_it_decides_from_the_tail_alone(portrait):
    """A resumed run, whose guardian is new, goes on as the old one would have."""
    old = guard(portrait)
    for picture in (BLURRED, SHUT):
        _, tail = old.next(Maker(BLURRED, CLEAN, picture), tail_of(picture))
        again = replace(tail, pictures=tail.pictures.copy())
        expected, _ = old.next(Maker(SHUT, BLURRED), tail)
        resumed, _ = guard(portrait).next(Maker(SHUT, BLURRED), again)
        assert np.array_equal(expected.frames, resumed.frames)
        assert expected.notes == resumed.notes


def test_closed_eyes_are_not_handed_on(portrait):
    """Whatever the lids of the tail look like, the next segment does not see them; all else it sees as it was."""
    tail = tail_of(CLEAN, count=3)
    tail.pictures[1:] = tail_of(SHUT).pictures
    maker = Maker(CLEAN)
    segment, _ = guard(portrait).next(maker, tail)
    seen = maker.given[0].pictures
    eyes = whole_patches(eyes_of(landmarks_of([SHUT])[0], SIDE, SIDE), PATCH)
    lids = (np.abs(CLEAN.astype(int) - SHUT) > 20).any(axis=2)
    for i in (1, 2):
        assert (seen[i][:, lids] == 0).all()
        assert (seen[i] == 0).all(axis=0).mean() < 0.15
        assert np.array_equal(seen[i][:, ~eyes], tail.pictures[i][:, ~eyes])
    assert np.array_equal(seen[0], tail.pictures[0])
    assert segment.notes["eyes_dropped"] == 2


def test_a_blink_that_was_told_goes_on_and_one_that_was_not_does_not(portrait):
    for lids, dropped in ((1.0, False), (0.0, True)):
        maker, tail = Maker(CLEAN, lids=lids), tail_of(SHUT)
        guard(portrait).next(maker, tail)
        assert (maker.given[0] is not tail) == dropped


NARROW = small(drawn_face(lids=0.4))  # read as open by 0.66 of the portrait's


@pytest.mark.parametrize(
    ("picture", "narrow", "dropped"),
    [
        (NARROW, lambda frame: 0.0, True),
        (NARROW, lambda frame: 0.5, False),
        (NARROW, lambda frame: 0.5 * (frame < 90), False),
        (NARROW, lambda frame: 0.5 * (frame < 70), True),
        (SHUT, lambda frame: 1.0, True),
    ],
    ids=["unasked", "asked", "asked until just before", "asked long before", "shut where narrow was asked"],
)
def test_eyes_that_words_narrow_are_handed_on_and_a_latched_blink_is_not(portrait, picture, narrow, dropped):
    maker, tail = Maker(CLEAN, lids=0.0, narrow=narrow), tail_of(picture, index=6)
    guard(portrait).next(maker, tail)
    assert (maker.given[0] is not tail) == dropped


def test_what_drops_eyes_touches_only_whole_patches():
    mask = np.zeros((20, 20), bool)
    mask[9, 3] = True
    patches = whole_patches(mask, 8)
    assert patches[8:16, 0:8].all()
    assert patches.sum() == 64
    assert np.array_equal(whole_patches(mask, 1), mask)


def test_a_calm_tail_stands_still_and_an_anchored_one_is_the_portrait():
    moving = Tail(np.random.default_rng(0).uniform(-1, 1, (4, 3, 8, 8)).astype(np.float32), 3, 48)
    picture = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    still, home = calm(moving), anchored(moving, picture)
    assert (still.pictures == moving.pictures[-1]).all()
    assert np.allclose((home.pictures[2] + 1) * 127.5, picture.transpose(2, 0, 1), atol=1e-4)
    assert (still.next_frame, home.next_segment) == (48, 3)


def test_a_cross_fade_goes_from_one_to_the_other_without_a_jump():
    first, second = np.zeros((16, 2, 2, 3), np.uint8), np.full((16, 2, 2, 3), 90, np.uint8)
    mixed = cross_fade(first[:FADE_FRAMES], second)[:, 0, 0, 0].astype(int)
    assert (np.diff(mixed)[:FADE_FRAMES] == 10).all()
    assert mixed[0] == 10
    assert (mixed[FADE_FRAMES:] == 90).all()


def test_the_notes_can_be_written_as_json(portrait):
    segment, _ = guard(portrait).next(Maker(SPOILED["faces"]), tail_of(SHUT))
    assert json.loads(json.dumps(segment.notes, allow_nan=False)) == segment.notes
    assert segment.notes["identity"] is None
