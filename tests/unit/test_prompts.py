"""What holds when: cues over the frames of a video."""

import pytest

from longtake.clips import Cue, Prompts
from longtake.errors import PromptError
from longtake.prompt_remarks import late_prompts, remarks
from longtake.prompts import MOST_WORDS, Mix, Track, from_plain, plain, prompts_of

FPS = 25
EASE = 12  # frames of the usual half a second


def texts(track, frame):
    return dict(track.at(frame).texts)


def test_prompts_are_put_in_order_of_time_and_on_one_line():
    track = prompts_of([(12.5, " laughing\n loudly "), (0.0, "calm")])
    assert [(cue.start_s, cue.text) for cue in track.cues] == [(0.0, "calm"), (12.5, "laughing loudly")]
    assert prompts_of(None) == prompts_of([]) == Prompts()
    assert prompts_of("smiling") == Prompts((Cue(0.0, "smiling"),))


@pytest.mark.parametrize(
    ("cues", "said"),
    [
        ([(-1.0, "calm")], "starts at -1 s"),
        ([(float("nan"), "calm")], "nan"),
        ([(1.0, "a"), (1.0, "b")], "Two prompts start at 1 s"),
        ([Cue(2.0, "a", stop_s=2.0)], "ends at 2 s"),
        ([Cue(2.0, "a", strength=1.1)], "strength = 1.1 of the prompt at 0:02"),
        ([Cue(2.0, "a", ease_s=float("nan"))], "ease = nan"),
        ([Cue(2.0, "a", lip=-1)], "lip = -1"),
        ([(0.0, "word " * 5000)], "5000 words"),
        ([Cue(0.0, "a", negative="x" * 3000)], "3000 characters"),
    ],
)
def test_prompts_that_make_no_sense_are_errors_that_name_them(cues, said):
    with pytest.raises(PromptError) as refused:
        prompts_of(cues)
    assert said in str(refused.value)


def test_a_long_prompt_emoji_and_other_scripts_are_taken_as_they_are():
    for text in ("word " * MOST_WORDS, "😀", "улыбается", "笑っている"):
        assert prompts_of(text).cues[0].text == text.strip()


def test_a_prompt_holds_until_the_next_one():
    track = Track(prompts_of([(0.0, "calm"), (2.0, "laughing")]), FPS)
    assert [track.text(frame) for frame in (0, 49, 50, 10_000)] == ["calm", "calm", "laughing", "laughing"]
    assert texts(track, 49) == {"calm": 1.0}
    assert texts(track, 50 + EASE) == {"laughing": 1.0}


def test_before_the_first_prompt_and_after_an_empty_one_nothing_is_said():
    track = Track(prompts_of([(1.0, "calm"), (3.0, "")]), FPS)
    assert track.at(24) == track.at(75 + EASE) == Mix()
    assert Track(Prompts(), FPS).at(0) == Mix()


def test_a_prompt_at_the_beginning_is_there_from_the_first_frame():
    assert Track(prompts_of("smiling"), FPS).at(0) == Mix((("smiling", 1.0),), 1.0)


def test_between_two_prompts_the_shares_move_evenly_and_the_strength_stays():
    track = Track(prompts_of([(0.0, "calm"), (2.0, "laughing")]), FPS)
    shares = [texts(track, frame).get("laughing", 0.0) for frame in range(49, 51 + EASE)]
    assert shares == pytest.approx([k / (EASE + 1) for k in range(EASE + 2)])
    assert {round(track.at(frame).strength, 6) for frame in range(40, 80)} == {1.0}


def test_from_and_to_nothing_the_strength_moves_and_the_text_stays():
    track = Track(prompts_of([Cue(1.0, "smiling", stop_s=2.0, ease_s=0.2)]), FPS)
    mixes = [track.at(frame) for frame in range(24, 58)]
    assert [round(mix.strength * 6) for mix in mixes[:8]] == [0, 1, 2, 3, 4, 5, 6, 6]
    assert [round(mix.strength * 6) for mix in mixes[25:33]] == [6, 5, 4, 3, 2, 1, 0, 0]
    assert {mix.texts for mix in mixes if mix.strength} == {(("smiling", 1.0),)}


def test_no_frame_jumps_by_more_than_its_ease_allows_even_where_changes_come_faster_than_that():
    track = Track(prompts_of([Cue(k * 0.1, f"face {k}", ease_s=1.0) for k in range(30)]), FPS)
    for frame in range(120):
        before, after = texts(track, frame), texts(track, frame + 1)
        assert sum(after.values()) == pytest.approx(1.0)
        moved = sum(abs(after.get(text, 0) - before.get(text, 0)) for text in {*before, *after}) / 2
        assert moved < 3 / 26  # one change alone moves by 1 / 26


def test_a_prompt_with_an_end_lies_over_the_one_before_which_comes_back():
    track = Track(prompts_of([(0.0, "calm"), Cue(1.0, "laughing", stop_s=2.0, ease_s=0.0)]), FPS)
    assert [track.text(frame) for frame in (24, 25, 49, 50)] == ["calm", "laughing", "laughing", "calm"]
    assert texts(track, 50) == {"calm": 1.0}


def test_of_two_that_overlap_the_later_one_holds():
    track = Track(prompts_of([Cue(0.0, "a", stop_s=4.0), Cue(1.0, "b", stop_s=2.0), Cue(3.0, "c")]), FPS)
    assert [track.text(frame) for frame in (0, 25, 50, 75, 110)] == ["a", "b", "a", "c", "c"]


def test_a_change_on_a_frame_begins_with_it_and_one_between_frames_with_the_next():
    track = Track(prompts_of([(0.0, "a"), Cue(1.0, "b", ease_s=0), Cue(2.001, "c", ease_s=0)]), FPS)
    assert [track.text(frame) for frame in (24, 25, 50, 51)] == ["a", "b", "b", "c"]


def test_strength_zero_is_no_prompt():
    assert Track(prompts_of([Cue(0.0, "a", strength=0.0)]), FPS).at(3) == Mix()


def test_strength_negative_and_weights_belong_to_their_cue():
    cues = (Cue(0.0, "a", strength=0.5), Cue(1.0, "b", ease_s=0, negative="frown", lip=2.0))
    track = Track(Prompts(cues, "blink"), FPS)
    assert track.at(0) == Mix((("a", 1.0),), 0.5, (("blink", 1.0),), 1.0)
    assert track.at(25) == Mix((("b", 1.0),), 1.0, (("frown", 1.0),), 1.0, (1.0, 1.0, 2.0))


def test_weights_move_as_the_words_do_and_ones_stay_ones():
    track = Track(prompts_of([Cue(0.0, "a", lip=0.5), Cue(1.0, "b", lip=1.5, ease_s=0.12)]), FPS)
    assert [track.at(frame).weights[2] for frame in (24, 25, 26, 27, 28)] == pytest.approx([0.5, 0.75, 1.0, 1.25, 1.5])
    thirds = Track(prompts_of([Cue(k / 25, str(k), ease_s=0.28) for k in range(20)]), FPS)
    assert {thirds.at(frame).weights for frame in range(30)} == {(1.0, 1.0, 1.0)}


def test_a_track_goes_to_json_and_back_and_what_is_usual_is_left_out():
    track = Prompts((Cue(0.0, "a"), Cue(1.5, "b", 2.5, lip=2.0, negative="")), "frown")
    assert from_plain(plain(track)) == track
    said = {"start_s": 1.5, "text": "b", "stop_s": 2.5, "negative": "", "lip": 2.0}
    assert plain(track)["cues"] == [{"start_s": 0.0, "text": "a"}, said]
    assert plain(Prompts()) == {}


def test_ten_thousand_prompts_are_looked_up_without_going_through_all_of_them(monkeypatch):
    track = Track(Prompts(tuple(Cue(k / 10, f"face {k}") for k in range(10_000))), FPS)
    looked = []
    monkeypatch.setattr(track, "turns", Counting(track.turns, looked))
    assert track.text(24_990) == "face 9996"
    assert texts(track, 24_990)["face 9996"] > 0
    assert len(looked) < 50


class Counting(list):
    def __init__(self, values, looked):
        super().__init__(values)
        self.looked = looked

    def __getitem__(self, place):
        self.looked.append(place)
        return super().__getitem__(place)


def kinds(cues, seconds=10.0):
    return [(remark.kind, remark.start_s, remark.stop_s) for remark in remarks(prompts_of(cues), seconds, FPS)]


def test_gaps_overlaps_late_and_unseen_prompts_are_named():
    assert kinds([(0.0, "a"), (5.0, "")]) == []
    assert kinds([Cue(2.0, "a", stop_s=4.0)]) == [("gap", 0.0, 2.0), ("gap", 4.0, 10.0)]
    assert kinds([Cue(0.0, "a", stop_s=6.0), Cue(4.0, "b", stop_s=12.0)]) == [("overlap", 4.0, 6.0)]
    assert kinds([(0.0, "a"), (11.0, "b")]) == [("past the end", 11.0, 11.0)]
    assert ("unseen", 4.01, 4.02) in kinds([(0.0, "a"), Cue(4.01, "b", stop_s=4.02)])
    assert kinds([]) == [("gap", 0.0, 10.0)]


def test_a_run_tells_of_late_prompts_once():
    late = late_prompts(prompts_of([(k, "a") for k in range(9)]), 5.0)
    assert len(late) == 1 and "0:05" in late[0] and "3 more" in late[0]
    assert late_prompts(prompts_of("a"), 5.0) == []
