"""`longtake prompts check`: a track looked at before it is used."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from longtake.apps import prompts as command
from longtake.apps.cli import app
from longtake.apps.outcome import run_app
from longtake.apps.prompt_sheet import GAP_COLOUR, MARGIN, WIDTH, waveform
from longtake.clips import Speech
from longtake.prompts import prompts_of
from tiny import FakeWords

EXAMPLES = Path(__file__).parents[2] / "examples"
SPEECH = str(EXAMPLES / "speech.wav")
ODD = "- {at: 1, to: 3, text: smiling}\n- {at: 2, to: 2.5, text: looking left}\n- {at: 70, text: laughing}\n"


@pytest.fixture
def odd(tmp_path):
    (tmp_path / "odd.yaml").write_text(ODD)
    return tmp_path / "odd.yaml"


def test_everything_odd_is_named(odd, capsys):
    assert run_app(app, ["prompts", "check", str(odd), "--speech", SPEECH]) == 0
    told = capsys.readouterr().out
    for said in (
        "from 0:00 to 0:01: no words",
        "begins before the prompt at 0:01",
        "at 1:10 ('laughing') begins after",
    ):
        assert said in told
    assert "3 prompts over 6.06 s" in told


def test_a_program_gets_kinds_and_times(odd, capsys):
    assert run_app(app, ["prompts", "check", str(odd), "--speech", SPEECH, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    found = [(remark["kind"], remark["start_s"]) for remark in told["remarks"] if "start_s" in remark]
    assert found == [("gap", 0.0), ("overlap", 2.0), ("gap", 3.0), ("past the end", 70.0)]


def test_the_drawing_shows_waveform_cues_and_gaps(odd, tmp_path):
    assert run_app(app, ["prompts", "check", str(odd), "--speech", SPEECH, "-o", str(tmp_path / "odd.png")]) == 0
    picture = np.asarray(Image.open(tmp_path / "odd.png"))
    assert picture.shape[1] == WIDTH
    grey = (picture == GAP_COLOUR).all(2).any(0)
    scale = (WIDTH - 2 * MARGIN) / 6.056
    inside = [bool(grey[int(MARGIN + scale * time_s)]) for time_s in (0.5, 1.5, 2.2, 2.8, 5.0)]
    assert inside == [True, False, False, False, True]


def test_a_drawing_that_can_not_be_written_is_an_output_error(odd, capsys):
    assert run_app(app, ["prompts", "check", str(odd), "--speech", SPEECH, "-o", "no/such/folder.png"]) == 8


def test_the_waveform_is_read_piece_by_piece_and_misses_no_peak():
    class Click:
        longest = 0

        def window(self, start, stop):
            self.longest = max(self.longest, stop - start)
            return (np.arange(start, stop) == 16_000 * 1800).astype(np.float32)

    sound = Click()
    peaks = waveform(Speech(Path("click"), 3600.0, sound), 100)
    assert peaks[:, 1].argmax() == 50 and peaks.max() == 1
    assert sound.longest <= 16_000 * 36 + 1


def test_unknown_words_and_contradictions_are_told_by_the_models_own_encoder(monkeypatch):
    class Hears(FakeWords):
        def states(self, texts):
            return [{"smile": 0.9, "sad": 0.8 if "sad" in text else 0.1} for text in texts]

    class Model:
        name, knows_words = "mini", True

    monkeypatch.setattr("longtake.networks.words_of", lambda model: Hears())
    monkeypatch.setattr("longtake.networks.load_networks", lambda model: pytest.fail("the others are not needed"))
    track = prompts_of([(0.0, "smiling qux"), (1.0, "smiling and sad"), (2.0, "smiling"), (3.0, "")])
    told = list(command._wording(track, Model()))
    assert [(one["kind"], one.get("start_s")) for one in told] == [("unknown words", None), ("contradiction", 1.0)]
    assert "smile and sad" in told[1]["said"]


@pytest.mark.parametrize("name", ["prompts.srt", "prompts.yaml"])
def test_the_examples_are_tracks_that_fit_the_example_speech(capsys, name):
    assert run_app(app, ["prompts", "check", str(EXAMPLES / name), "--speech", SPEECH, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["prompts"] == 4 and not [one for one in told["remarks"] if one["kind"] in ("gap", "overlap")]


def test_what_the_speech_suggests_is_listed_and_drawn_between_the_prompts(tmp_path, capsys):
    (tmp_path / "own.yaml").write_text("- {at: 1, to: 6, text: smiling}\n")
    asked = ["prompts", "check", "--speech", SPEECH, "--auto-expression"]
    assert run_app(app, [*asked, "--json", "-o", str(tmp_path / "all.png")]) == 0
    everything = json.loads(capsys.readouterr().out)["suggested"]
    assert run_app(app, [*asked, "--json", str(tmp_path / "own.yaml"), "-o", str(tmp_path / "few.png")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["prompts"] == 1 and not [one for one in told["remarks"] if one["kind"] == "gap"]
    assert len(everything) > 1 and all(cue["start_s"] < 1 or cue["start_s"] >= 6 for cue in told["suggested"])
    assert (tmp_path / "all.png").read_bytes() != (tmp_path / "few.png").read_bytes()


def test_without_a_file_and_without_the_speech_there_is_nothing_to_check(capsys):
    assert run_app(app, ["prompts", "check", "--speech", SPEECH]) == 2
    assert "--auto-expression" in capsys.readouterr().err


def test_a_track_that_says_nothing_is_drawn_too(tmp_path, capsys):
    (tmp_path / "none.yaml").write_text("")
    asked = ["prompts", "check", str(tmp_path / "none.yaml"), "--speech", SPEECH, "-o", str(tmp_path / "none.png")]
    assert run_app(app, asked) == 0
    assert (tmp_path / "none.png").exists()
