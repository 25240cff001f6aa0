"""Prompts as people write them: arguments and files, good ones and broken ones."""

import pytest

from longtake.clips import Cue, Prompts
from longtake.errors import PromptError
from longtake.prompt_files import parse_prompt, read_prompts, said
from longtake.prompts import prompts_of

SRT = "1\n00:00:01,000 --> 00:00:02,500\n<i>smiling</i>\nbroadly\n\n2\n00:01:03,000 --> 00:01:05,000\nlaughing\n"
VTT = (
    "WEBVTT - moods\nKind: captions\n\nNOTE by hand\n\nfirst\n00:01.000 --> 00:02.500 align:start\nsmiling\nbroadly\n\n"
)
VTT += "00:01:03.000 --> 00:01:05.000\n<v Anna>laughing\n"
YAML = "- {at: 1, to: 2.5, text: smiling broadly}\n- at: 1:03\n  to: 1:05\n  text: laughing\n"
JSON = '[{"at": 1, "to": "0:02.5", "text": "smiling broadly"}, {"at": "1:03", "to": 65, "text": "laughing"}]'
BOTH = (Cue(1.0, "smiling broadly", 2.5), Cue(63.0, "laughing", 65.0))


def read(folder, name, text):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_prompts(path)


@pytest.mark.parametrize(
    ("argument", "cue"),
    [
        ("smiling", Cue(0.0, "smiling")),
        ("0:12=laughing", Cue(12.0, "laughing")),
        ("12.5 = laughing, loudly", Cue(12.5, "laughing, loudly")),
        ("0:12-0:15=laughing", Cue(12.0, "laughing", 15.0)),
        ("1:02:03=a=b", Cue(3723.0, "a=b")),
        ("0:12=", Cue(12.0, "")),
        ("mood=calm", Cue(0.0, "mood=calm")),
    ],
)
def test_an_argument_is_a_text_with_or_without_its_time(argument, cue):
    assert parse_prompt(argument) == cue


@pytest.mark.parametrize("argument", ["-3=a", "0:12s=a", "0;12=a", "1:90=a", "1:2:3:4=a", "12..5=a"])
def test_an_argument_with_a_wrong_time_is_refused_and_not_taken_for_a_text(argument):
    with pytest.raises(PromptError):
        parse_prompt(argument)


def test_several_arguments_are_one_track():
    track = said(["0:12=laughing", "calm"], negative="frown")
    assert track.cues == (Cue(0.0, "calm"), Cue(12.0, "laughing")) and track.negative == "frown"
    assert said([]) is None


def test_a_negative_argument_takes_the_place_of_the_files(tmp_path):
    (tmp_path / "a.yaml").write_text("negative: frowning\nprompts: [{at: 0, text: calm}]")
    assert said([], tmp_path / "a.yaml").negative == "frowning"
    assert said([], tmp_path / "a.yaml", "blinking") == Prompts((Cue(0.0, "calm"),), "blinking")


@pytest.mark.parametrize(
    ("name", "text"), [("a.srt", SRT), ("a.vtt", VTT), ("a.yaml", YAML), ("a.yml", YAML), ("a.json", JSON)]
)
def test_all_forms_of_a_file_say_the_same(tmp_path, name, text):
    assert read(tmp_path, name, text).cues == BOTH
    assert read(tmp_path, name, b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()).cues == BOTH
    assert prompts_of(tmp_path / name).cues == BOTH


def test_a_file_in_utf_16_is_read_too(tmp_path):
    assert read(tmp_path, "a.srt", SRT.encode("utf-16")).cues == BOTH


def test_everything_that_a_cue_has_can_be_said_and_defaults_hold_from_where_they_stand(tmp_path):
    text = """
negative: frowning
defaults: {ease: 1, strength: 0.5}
prompts:
- {at: 0, text: calm}
- {at: 1, text: smiling, strength: 1, negative: blinking, pose: 0.5, face: 1.5, lip: 2}
- defaults: {lip: 3}
- {at: 2, text: laughing}
- {at: 3, to: ~, text: null}
"""
    usual = {"ease_s": 1.0, "strength": 0.5}
    for name, content in (("a.yaml", text), ("a.json", AS_JSON)):
        track = read(tmp_path, name, content)
        assert track.negative == "frowning"
        assert track.cues == (
            Cue(0.0, "calm", **usual),
            Cue(1.0, "smiling", ease_s=1.0, negative="blinking", pose=0.5, face=1.5, lip=2.0),
            Cue(2.0, "laughing", **usual, lip=3.0),
            Cue(3.0, "", **usual, lip=3.0),
        )


AS_JSON = """{"negative": "frowning", "defaults": {"ease": 1, "strength": 0.5}, "prompts": [{"at": 0, "text": "calm"},
{"at": 1, "text": "smiling", "strength": 1, "negative": "blinking", "pose": 0.5, "face": 1.5, "lip": 2},
{"defaults": {"lip": 3}}, {"at": 2, "text": "laughing"}, {"at": 3, "text": null}]}"""


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.srt", ""), ("a.yaml", ""), ("a.yaml", "negative:\nprompts:\n"), ("a.json", '{"prompts": null}')],
)
def test_an_empty_file_is_an_empty_track(tmp_path, name, text):
    assert read(tmp_path, name, text) == Prompts()


def test_signs_that_webvtt_has_to_spell_are_read(tmp_path):
    assert read(tmp_path, "a.vtt", VTT + "<b>&amp;</b> &lt;3\n").cues[1].text == "laughing & <3"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.srt", "1\n00:00:01,000 -> 00:00:02,000\nsmiling\n", "line 2"),
        ("a.srt", "\n\n1\n00:00:xx,000 --> 00:00:02,000\nsmiling\n", "line 4"),
        ("a.srt", "1\n00:00:05,000 --> 00:00:02,000\nsmiling\n", "line 2"),
        ("a.srt", "1\n00:00:01,000 --> 00:00:02,000\na\n2\n00:00:03,000 --> 00:00:04,000\nb\n", "line 5"),
        ("a.srt", "smiling\n", "line 1"),
        ("a.srt", "1\n-00:00:01,000 --> 00:00:02,000\na\n", "line 2"),
        ("a.vtt", SRT, "line 1"),
        ("a.vtt", "WEBVTT\n\n00:01.000 --> soon\nsmiling\n", "line 3"),
        ("a.yaml", "- at: 1\n  text: smiling\n- at: 2\n text: laughing\n", "line 4"),
        ("a.yaml", "- at: 1\n  txet: smiling\n", "line 2: there is no 'txet' of a prompt, did you mean 'text'"),
        ("a.yaml", "- at: 1\n  text: smiling\n- at: -2\n  text: laughing\n", "line 3"),
        ("a.yaml", "- at: 1\n- text: laughing\n", "line 2: a prompt has no time"),
        ("a.yaml", "- at: 1\n  strength: very\n", "line 2: 'very' is not a number"),
        ("a.yaml", "- at: 1\n  strength: 7\n", "line 1: strength = 7"),
        ("a.yaml", "- at: 1\n  text: [a, b]\n", "line 2"),
        ("a.yaml", "- at: &x 1\n- at: *x\n", "line 2: an alias"),
        ("a.yaml", "[" * 100_000, "nested too deeply"),
        ("a.yaml", "smiling", "'smiling' is not a table"),
        ("a.yaml", "prompts: smiling", "'prompts' is not a list"),
        ("a.yaml", "- at: 1\n---\n- at: 2\n", "line 3: a second document"),
        ("a.yaml", "- at: 1\n  text: calm\n  text: sad\n", "line 3: 'text' is said twice"),
        ("a.json", '[{"at": 1},\n{"at": 2]', "line 2"),
        ("a.json", '[{"at": 1, "text": "calm", "text": "sad"}]', "'text' is said twice"),
        ("a.json", '[{"at": 1}, {"at": 2, "ease": "slow"}]', "prompt 2"),
        ("a.json", f'[{{"at": {"1" * 5000}}}]', "prompt 1: A prompt starts at inf"),
        ("a.json", '[{"at": 1, "text": "\\ud800"}]', "prompt 1: The prompt at 0:01"),
        ("a.json", "[" * 100_000, "nested too deeply"),
        ("a.json", "[[[[[[1]]]]]]", "nested too deeply"),
        ("a.txt", "smiling", ".srt"),
        ("a.srt", b"1\n\xff\xe4\xf6", "line 2"),
    ],
)
def test_a_broken_file_is_an_error_that_says_where(tmp_path, name, text, told):
    with pytest.raises(PromptError) as refused:
        read(tmp_path, name, text)
    assert told in str(refused.value) and name in str(refused.value)


def test_a_file_that_is_not_there_or_far_too_large_says_so(tmp_path):
    with pytest.raises(PromptError, match="There is no file"):
        read_prompts(tmp_path / "none.srt")
    with open(tmp_path / "large.srt", "wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(PromptError, match="too large"):
        read_prompts(tmp_path / "large.srt")
