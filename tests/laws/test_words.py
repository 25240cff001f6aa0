"""Laws of prompts in the loop: where nothing is said nothing changes, to the bit; what is said is known to the journal."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_journal import Stop, one_thread, ready, stop_after, tiny_animator, write_speech  # noqa: F401

from longtake.clips import Cue, Prompts, Speech
from longtake.conditions import read_portrait, segment_conditions, with_branches
from longtake.diffusion.guidance import branches
from longtake.errors import InputError, JournalMismatch, PromptError, WeightsMismatch, WeightsMissing
from longtake.inputs import Prepared
from longtake.journal.journal import journal_folder
from longtake.media.video import read_frames, video_facts
from longtake.presets import preset
from longtake.prompts import Track, prompts_of
from longtake.span import changed_span, find_span
from longtake.telling import Telling, expect_words, told_branches, unknown_words
from tiny import SETTINGS, Chirp, FakeWords, tiny_networks, tiny_portrait

LATE = [(1.3, "laughing")]
"""From frame 33 on: the first two of four segments know nothing of it."""


@pytest.fixture(scope="module")
def networks():
    return tiny_networks(FakeWords())


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    return write_speech(tmp_path_factory.mktemp("speech") / "chirp.wav")


def frames(networks, prompts=None, seconds=0.6, **changes):
    """The frames of the first segments, streamed."""
    told = None if prompts is None else prompts_of(prompts)
    sound = Prepared(tiny_portrait(), Speech("chirp", seconds, Chirp()), told)
    return np.concatenate([chunk.frames for chunk in tiny_animator(networks, **changes).stream(sound)])


@pytest.fixture(scope="module")
def silent(networks):
    return frames(networks)


@pytest.mark.parametrize(
    ("prompts", "changes"),
    [
        ("", {}),
        ([Cue(0.0, "laughing", strength=0.0)], {}),
        ([(5.0, "laughing")], {}),
        ("laughing", {"guidance": {"words": 0.0}}),
    ],
    ids=["empty", "strength 0", "later", "scale 0"],
)
def test_a_prompt_that_says_nothing_is_no_prompt_to_the_bit(networks, silent, prompts, changes):
    assert np.array_equal(frames(networks, prompts, **changes), silent)


def test_words_negatives_and_their_scale_each_change_the_frames(networks, silent):
    made = [
        frames(networks, "laughing"),
        frames(networks, "calm"),
        frames(networks, [Cue(0.0, "laughing", strength=0.3)]),
        frames(networks, "laughing", guidance={"words": 1.5}),
        frames(networks, Prompts((Cue(0.0, "laughing"),), "calm")),
        frames(networks, Prompts((), "calm")),
        frames(networks, [Cue(0.0, "", lip=0.0)]),
        silent,
    ]
    assert len({one.tobytes() for one in made}) == len(made)


def test_each_knob_changes_the_frames_and_one_is_as_it_was(networks, silent):
    def turned(prompts=None, **knobs):
        return frames(networks, prompts, performance=knobs)

    assert np.array_equal(turned(expressiveness=1.0, head_motion=1.0, lip_strength=1.0), silent)
    made = [silent, turned(expressiveness=2.0), turned(head_motion=0.0), turned(lip_strength=2.0)]
    made += [frames(networks, "laughing"), turned("laughing", expressiveness=1.5)]
    assert len({one.tobytes() for one in made}) == len(made)


def test_without_expressiveness_no_word_is_told(networks):
    none = {"performance": {"expressiveness": 0.0}}
    assert np.array_equal(frames(networks, "laughing", **none), frames(networks, **none))


def told(networks, prompts, negative="", first=0):
    """What the denoiser is told about one segment."""
    portrait, away = tiny_portrait(), bool(negative)
    rows = branches(2.0, 3.5, 3.5, away)
    read = read_portrait(portrait, networks, rows, SETTINGS)
    telling = Telling(Track(Prompts(prompts_of(prompts).cues, negative), 25), networks.words)
    heard = networks.listen(Speech("chirp", 9.0, Chirp()))
    said = telling.tell(first, 16), telling.weights(first, 16)
    return rows, segment_conditions(read, None, heard, first, 16, networks, SETTINGS, *said)


def test_each_frame_of_a_segment_is_told_its_own_words(networks):
    rows, conditions = told(networks, [(0.0, "calm"), Cue(0.2, "laughing", ease_s=0.08, lip=2.0)], "frown")
    calm, laughing, frown = networks.words.embed(["calm", "laughing", "frown"])
    assert [(row.words, row.negative) for row in rows][-2:] == [(False, True), (True, False)]
    assert conditions.has_words.tolist() == [False, False, True, True]
    assert torch.equal(conditions.words[-1, 4], calm) and torch.equal(conditions.words[-1, 7], laughing)
    assert torch.allclose(conditions.words[-1, 5], (2 * calm + laughing) / 3)
    assert torch.equal(conditions.words[-2], frown.expand(16, -1))
    assert conditions.words_strength.tolist() == [[0.0] * 16] * 2 + [[1.0] * 16] * 2
    assert conditions.frame_weights[[4, 7], 2].tolist() == [1.0, 2.0]


def test_the_portrait_is_read_again_only_where_other_branches_need_it(networks):
    read = read_portrait(tiny_portrait(), networks, branches(3.5, 3.5), SETTINGS)
    same = with_branches(read, branches(3.5, 3.5, 3.5))
    assert same is not None and same.reference is read.reference and same.branches[-1].words
    assert with_branches(read, branches(3.5, 3.5, 2.0)) is None


def test_a_text_is_the_same_numbers_whatever_else_is_said_and_few_are_kept(networks):
    many = Telling(Track(Prompts(tuple(Cue(k, f"face {k}", ease_s=0) for k in range(600))), 1), networks.words)
    first = many.tell(7, 1).words
    many.tell(0, 600)
    assert many._embedded.cache_info().currsize < 600
    alone = Telling(Track(prompts_of("face 7"), 1), networks.words)
    assert torch.equal(many.tell(7, 1).words, first) and torch.equal(alone.tell(0, 1).words, first)


def test_words_that_the_weights_can_not_follow_are_refused_before_any_work(networks, tmp_path):
    with pytest.raises(WeightsMissing, match="mini have not learned any words"):
        frames(tiny_networks(), "laughing")
    with pytest.raises(PromptError, match="No word of 'qaz qux' is known"):
        frames(networks, [(0.0, "calm"), (1.0, "qaz qux")])
    wide = FakeWords()
    wide.width = 9
    with pytest.raises(WeightsMismatch, match="gives 9 numbers, its denoiser takes 8"):
        expect_words(tiny_networks_with(networks, wide), prompts_of("laughing"), "mini")
    assert len(list(unknown_words(prompts_of("laughing qaz"), networks.words))) == 1


def tiny_networks_with(networks, words):
    from dataclasses import replace

    return replace(networks, words=words)


def test_weights_without_words_take_tracks_without_texts():
    bare = tiny_networks()
    assert np.array_equal(frames(bare, [(0.0, "")]), frames(bare))
    assert not np.array_equal(frames(bare, [Cue(0.0, lip=0.0)]), frames(bare))


def test_segments_made_from_the_portrait_alone_are_told_the_same(networks):
    parallel = {"sampling": {"steps": 2, "strategy": "parallel"}}
    without, with_words = (frames(networks, prompts, 1.6, **parallel) for prompts in (None, LATE))
    assert np.array_equal(without[:24], with_words[:24])
    assert not np.array_equal(without[33:], with_words[33:])


@pytest.fixture(scope="module")
def whole(tmp_path_factory, speech, networks):
    """The video with a prompt, and what progress told."""
    seen = []
    out = tmp_path_factory.mktemp("whole") / "talk.mp4"
    tiny_animator(networks).animate(ready(speech), out=out, prompts=LATE, progress=lambda now: seen.append(now.prompt))
    return out, seen


def all_frames(path):
    return np.stack(list(read_frames(path)))


def test_a_run_with_prompts_goes_on_where_it_stopped_and_tells_what_holds(networks, speech, whole, tmp_path):
    out = tmp_path / "talk.mp4"
    with pytest.raises(Stop):
        tiny_animator(networks).animate(ready(speech), out=out, prompts=LATE, progress=stop_after(48))
    with pytest.raises(JournalMismatch, match=r"the prompts are others from 0:01.3 on"):
        tiny_animator(networks).animate(ready(speech), out=out, prompts=[(1.3, "smiling")])
    tiny_animator(networks).animate(ready(speech), out=out, prompts=LATE)
    assert out.read_bytes() == whole[0].read_bytes()
    assert whole[1] == ["", "", "laughing", "laughing"]


def test_a_changed_prompt_makes_only_its_segments_anew(networks, speech, whole, tmp_path):
    video = tmp_path / "talk.mp4"
    video.write_bytes(whole[0].read_bytes())
    with pytest.raises(InputError, match="was made with these prompts"):
        changed_span(video, prompts_of(LATE))
    new = prompts_of([(1.3, "laughing"), Cue(1.95, "smiling", ease_s=0)])
    span = changed_span(video, new)
    assert (span.first, span.stop) == (48, 62)
    tiny_animator(networks).animate_again(ready(speech), None, span, prompts=new)
    before, after = all_frames(whole[0]), all_frames(video)
    assert np.array_equal(before[:48], after[:48]) and not np.array_equal(before[49:], after[49:])
    assert video_facts(video).made_by["again"][0]["prompts"]["cues"][1]["text"] == "smiling"
    with pytest.raises(InputError, match="was made with these prompts"):
        changed_span(video, new)
    assert changed_span(video, prompts_of(LATE)).first == 48
    assert find_span(video, 2.0, 2.4).prompts() == new and find_span(video, 0.7, 1.0).prompts() == prompts_of(LATE)
    assert not journal_folder(video).exists()


def test_a_stretch_made_anew_without_prompts_keeps_its_own(networks, speech, whole, tmp_path):
    video = tmp_path / "talk.mp4"
    video.write_bytes(whole[0].read_bytes())
    tiny_animator(networks).animate_again(ready(speech), None, find_span(video, 2.0, 2.48))
    assert video_facts(video).made_by["again"][0]["prompts"]["cues"] == [{"start_s": 1.3, "text": "laughing"}]


class Hears(FakeWords):
    """A word encoder that can tell what a text asks for."""

    def states(self, texts):
        return [{"blink_often": 0.9 * ("blink" in text), "wink": 0.1 + 0.7 * ("wink" in text)} for text in texts]


def test_blinks_that_are_asked_for_are_told_to_the_model_from_then_on(networks):
    from dataclasses import replace

    def told_lids(encoder, prompts, **changes):
        nets = replace(networks, words=encoder, trained={"lids": True})
        sound = Prepared(tiny_portrait(), Speech("chirp", 60.0, Chirp()), prompts_of(prompts))
        return tiny_animator(nets, **changes)._segments(sound).lids(0, 1500)

    asked = [(20.0, "blinking often")]
    usual, often = told_lids(FakeWords(), asked), told_lids(Hears(), asked)
    assert np.array_equal(often[:500], usual[:500]) and (often > 0.5).sum() > 2 * (usual > 0.5).sum()
    assert np.array_equal(told_lids(Hears(), [(20.0, "smiling")]), usual)
    assert np.array_equal(told_lids(Hears(), asked, performance={"expressiveness": 0.0}), usual)


def test_how_far_words_close_the_eyes_follows_text_strength_and_ease():
    telling = Telling(Track(prompts_of([Cue(0.0, "wink", 1.0, strength=0.5), Cue(2.0, "smiling")]), 25), Hears())
    assert telling.narrowed(10) == pytest.approx(0.5 * 0.5 * 0.8)
    assert 0 < telling.narrowed(30) < 0.2 and telling.narrowed(70) == 0
    assert telling.blinks(10) == 0 and Telling(Track(prompts_of("blink"), 25), FakeWords()).blinks(10) == 0


def test_a_negative_prompt_is_heard_where_words_are_guided_at_one():
    mini = preset("mini").settings
    calm = prompts_of("calm")
    assert mini.guidance.words == 1.0
    assert not any(branch.negative for branch in told_branches(mini, calm))
    assert any(branch.negative for branch in told_branches(mini, replace(calm, negative="frown")))
