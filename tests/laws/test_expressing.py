"""Laws of the automatic track: what the speech does decides, pieces don't, and people's own prompts win."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from test_journal import Stop, one_thread, ready, stop_after, tiny_animator, write_speech  # noqa: F401

from longtake import inputs
from longtake.clips import Cue, Prompts, Speech
from longtake.corpus.captions import phrasings
from longtake.errors import InputError, JournalMismatch, WeightsMissing
from longtake.expressing import TEXTS, expressive_cues, merged
from longtake.inputs import Prepared
from longtake.prompts import Track, prompts_of
from longtake.span import changed_span, find_span
from tiny import Chirp, FakeWords, tiny_networks, tiny_portrait


@pytest.fixture(scope="module")
def networks():
    return tiny_networks(FakeWords())


class Voice:
    """A hummed voice: (seconds, amplitude, pitch) one after the other; silence where there is no amplitude."""

    def __init__(self, *parts):
        self.ends = np.cumsum([part[0] for part in parts])
        self.parts, self.longest = np.array(parts), 0

    def window(self, start, stop):
        self.longest = max(self.longest, stop - start)
        times = np.arange(start, stop) / 16000
        which = np.searchsorted(self.ends, times, side="right")
        _, loud, hz = np.append(self.parts, [[0, 0, 100]], axis=0)[which].T
        hum = sum(np.sin(2 * np.pi * k * hz * times) / k for k in range(1, 4))
        return np.where(times >= 0, loud * hum, 0.0).astype(np.float32)


def voice(*parts):
    sound = Voice(*parts)
    return Speech(Path("hummed"), float(sound.ends[-1]), sound)


def asked(speech, name):
    """When an expression is asked for."""
    return [cue.start_s for cue in expressive_cues(speech) if TEXTS[name] in cue.text]


def test_a_tone_that_gets_louder_is_emphasis_at_that_time():
    cues = expressive_cues(voice((6, 0.03, 130), (1, 0.2, 130), (5, 0.03, 130)))
    raised = [cue for cue in cues if TEXTS["brows_up"] in cue.text]
    assert 5.5 <= raised[0].start_s <= 6.2 and raised[-1].stop_s > raised[0].start_s + 0.5
    assert all(5.5 <= cue.start_s < 7.5 for cue in cues if cue.start_s < 11)
    assert any(TEXTS["mouth_wide"] in cue.text for cue in cues)


def test_a_tone_that_rises_is_emphasis_too():
    assert asked(voice((6, 0.1, 120), (0.6, 0.1, 190), (6, 0.1, 120)), "brows_up") == pytest.approx([5.8], abs=0.3)


def test_the_end_of_a_phrase_is_a_nod_and_the_pause_after_it_calm():
    speech = voice((3, 0.1, 130), (2, 0, 130), (3, 0.1, 130))
    assert asked(speech, "nod") == pytest.approx([2.5, 7.5], abs=0.15)
    assert asked(speech, "neutral") == pytest.approx([3.5], abs=0.15)


def test_a_steady_tone_asks_for_nothing_before_its_end():
    assert [cue for cue in expressive_cues(voice((9, 0.1, 130))) if cue.start_s < 8] == []


def test_silence_and_noise_yield_none():
    samples = np.random.default_rng(0).normal(0, 0.05, 60 * 16000).astype(np.float32)

    class Hiss:
        def window(self, start, stop):
            return samples[start + 16000 : stop + 16000] * (np.arange(start, stop) < 12 * 16000)

    assert expressive_cues(voice((30, 0, 130))) == ()
    assert expressive_cues(Speech(Path("hiss"), 12.0, Hiss())) == ()


MANY = [
    (float(length), float(loud), float(hz))
    for length, loud, hz in zip(
        np.random.default_rng(1).uniform(0.2, 1.2, 60),
        np.random.default_rng(2).choice([0, 0.02, 0.05, 0.1, 0.3], 60),
        np.random.default_rng(3).uniform(90, 240, 60),
        strict=True,
    )
]


def test_pieces_make_no_difference_and_the_same_speech_is_the_same_track():
    whole = expressive_cues(voice(*MANY), piece_s=50)
    assert len(whole) > 12
    cues = expressive_cues(voice(*MANY))
    assert cues == whole


def test_a_track_is_in_order_and_never_says_two_things_at_once():
    cues = expressive_cues(voice(*MANY[:20]))
    assert all(one.stop_s <= other.start_s for one, other in pairwise(cues))
    assert prompts_of(cues).cues == cues


def test_a_long_speech_is_heard_in_pieces():
    speech = voice(*[(1.5, 0.1, 130), (1.0, 0, 130), (0.5, 0.3, 180)] * 25)
    cues = expressive_cues(speech)
    assert cues[-1].start_s > 70
    assert speech.sound.longest < 25 * 16000


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_asked_for_is_a_plain_phrasing_of_the_expression(name):
    assert TEXTS[name] in phrasings(name)


SUGGESTED = tuple(Cue(float(k), "nodding", k + 0.9, 0.7, 0.3) for k in range(10))


def test_peoples_own_prompts_win_where_they_hold():
    own = prompts_of([Cue(2.5, "laughing", 4.2), Cue(7.0, "calm")])
    track = merged(own, SUGGESTED, 25)
    assert [cue.start_s for cue in track.cues] == [0.0, 1.0, 2.0, 2.5, 5.0, 6.0, 7.0]
    assert track.cues[2].stop_s == 2.52
    both, alone = Track(track, 25), Track(own, 25)
    mine = [frame for frame in range(250) if alone.text(frame)]
    assert all(both.text(frame) == alone.text(frame) for frame in mine)
    assert all(both.text(frame) == "nodding" for frame in (0, 30, 130))


def test_an_empty_prompt_is_a_prompt_too():
    assert merged(prompts_of(""), SUGGESTED, 25) == prompts_of("")


def test_a_prompt_too_short_for_a_frame_is_no_obstacle_and_the_negative_stays():
    own = Prompts((Cue(3.0, "wink", 3.001),), "frowning")
    track = merged(own, SUGGESTED, 25)
    assert len(track.cues) == 10 and track.negative == "frowning"
    assert merged(Prompts((), "frowning"), (), 25) == Prompts((), "frowning")


LATE = (Cue(1.3, "nodding", 2.2, 0.7, 0.3),)
"""As a speech might suggest: the first two of four segments know nothing of it."""
AUTO = {"performance": {"auto_expression": True}}


@pytest.fixture
def nods(monkeypatch):
    monkeypatch.setattr(inputs, "expressive_cues", lambda speech: LATE)


def test_what_the_speech_suggests_is_told_only_where_it_is_wanted(networks, nods):
    plain, auto, said = (
        frames_of(tiny_animator(networks, **changes), prompts)
        for changes, prompts in (({}, None), (AUTO, None), ({}, LATE))
    )
    assert np.array_equal(auto, said)
    assert np.array_equal(plain[:32], auto[:32]) and not np.array_equal(plain[33:], auto[33:])
    assert np.array_equal(frames_of(tiny_animator(networks, **AUTO), ""), plain), "an empty prompt asks for nothing"


def frames_of(animator, prompts):
    sound = Prepared(
        tiny_portrait(), Speech(Path("chirp"), 1.5, Chirp()), None if prompts is None else prompts_of(prompts)
    )
    return np.concatenate([chunk.frames for chunk in animator.stream(sound)])


def test_weights_without_words_refuse_it_before_any_work(nods):
    with pytest.raises(WeightsMissing, match="have not learned any words"):
        frames_of(tiny_animator(tiny_networks(), **AUTO), None)


def test_a_stopped_run_goes_on_only_with_the_same_wish(networks, nods, tmp_path):
    speech, out = write_speech(tmp_path / "chirp.wav"), tmp_path / "talk.mp4"
    with pytest.raises(Stop):
        tiny_animator(networks, **AUTO).animate(ready(speech), out=out, progress=stop_after(48))
    with pytest.raises(JournalMismatch, match=r"performance.auto_expression was True and is False"):
        tiny_animator(networks).animate(ready(speech), out=out)
    tiny_animator(networks, **AUTO).animate(ready(speech), out=out)
    tiny_animator(networks, **AUTO).animate(ready(speech), out=tmp_path / "whole.mp4")
    assert out.read_bytes() == (tmp_path / "whole.mp4").read_bytes()


def test_a_change_is_found_by_what_was_told_not_by_what_was_written(networks, nods, tmp_path):
    speech, video = write_speech(tmp_path / "chirp.wav"), tmp_path / "talk.mp4"
    tiny_animator(networks, **AUTO).animate(ready(speech), out=video)
    with pytest.raises(InputError, match="was made with these prompts"):
        changed_span(video, Prompts(), suggested=LATE, auto_expression=True)
    assert changed_span(video, Prompts(), suggested=LATE).first == 32, "not wanted any more"
    hidden = prompts_of([Cue(1.3, "nodding", 2.2, 0.7, 0.3)])
    with pytest.raises(InputError, match="was made with these prompts"):
        changed_span(video, hidden, suggested=LATE, auto_expression=True)
    span = changed_span(video, prompts_of([Cue(1.95, "smiling", ease_s=0)]), suggested=LATE, auto_expression=True)
    assert span.first == 48
    tiny_animator(networks, **AUTO).animate_again(ready(speech), None, span, prompts=[Cue(1.95, "smiling", ease_s=0)])
    assert find_span(video, 2.0, 2.4).prompts().texts == ["smiling"], "what was suggested is not taken for people's own"
