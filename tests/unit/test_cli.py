"""The command line: flags reach the settings, endings have the right code, nothing heavy is loaded for help."""

import json
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from longtake import __version__
from longtake.apps.animate import collect_settings
from longtake.apps.cli import app
from longtake.apps.outcome import USAGE_EXIT_CODE, run_app
from longtake.apps.videos import given
from longtake.clips import Chunk, Cue, Prompts
from longtake.errors import LongtakeError, NoFace
from longtake.journal.journal import journal_folder
from longtake.media.video import read_frames
from longtake.pace import Pace
from longtake.settings import Settings


class FakeSpeech:
    seconds = 1.0

    def frames(self, fps):
        return fps


class FakeAnimator:
    """Stands in for the networks: black frames, and whatever trouble a test wants."""

    trouble: BaseException | None = None
    settings: Settings
    prompts: Prompts | None = None

    def __init__(self, preset, settings):
        type(self).settings = settings

    def doubts(self, prompts):
        return [f"Nobody knows '{text}'." for text in prompts.texts if "q" in text]

    def animate(self, ready, speech, out, overwrite, progress, restart, keep_journal):
        from longtake.media.video import VideoWriter

        folder = journal_folder(out)
        folder.mkdir()
        with VideoWriter(out, settings=self.settings.video, overwrite=overwrite, part=folder / "video.mp4") as writer:
            writer.write(np.zeros((16, 32, 32, 3), np.uint8))
            if progress:
                progress(Pace(25, 25, 16).tell(Chunk(np.zeros((16, 32, 32, 3), np.uint8), 0, 25)))
            if self.trouble:
                raise self.trouble
            writer.write(np.zeros((9, 32, 32, 3), np.uint8))


@pytest.fixture
def animator(monkeypatch):
    module = types.ModuleType("longtake.animator")
    fake = type("Fake", (FakeAnimator,), {})
    module.Animator = fake  # type: ignore[attr-defined]
    ready = types.SimpleNamespace(warnings=("The face is small.",), speech=FakeSpeech(), picture=None)

    def prepare(portrait, speech, settings, model, prompts):
        fake.prompts = prompts
        return ready

    monkeypatch.setattr("longtake.inputs.prepare", prepare)
    monkeypatch.setitem(sys.modules, "longtake.animator", module)
    return fake


def animate(tmp_path, *flags: str) -> int:
    return run_app(app, ["animate", "me.png", "speech.wav", "-o", str(tmp_path / "talk.mp4"), *flags])


def test_animate_writes_the_video_and_says_so(animator, tmp_path, capsys):
    assert animate(tmp_path) == 0
    assert sum(1 for _ in read_frames(tmp_path / "talk.mp4")) == 25
    told = capsys.readouterr().err
    assert "The face is small." in told and "talk.mp4: 1.00 s" in told


def test_quiet_prints_nothing(animator, tmp_path, capsys):
    assert animate(tmp_path, "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_a_program_reads_the_run_its_segments_and_its_result_and_can_look_at_it(animator, tmp_path, capsys):
    assert animate(tmp_path, "--json-progress", "--preview-every", "1") == 0
    run, segment, result = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (run["event"], run["preset"], run["frames_total"]) == ("run", "mini", 25)
    assert run["warnings"] == ["The face is small."]
    assert (segment["event"], segment["segment"], segment["frames"]) == ("segment", 1, 16)
    assert segment["preview"] == str(tmp_path / "talk.preview.jpg") and Path(segment["preview"]).exists()
    assert (result["event"], result["out"]) == ("result", str(tmp_path / "talk.mp4"))


def test_a_program_reads_of_an_error_too(animator, tmp_path, capsys):
    animator.trouble = NoFace("No face.")
    assert animate(tmp_path, "--json-progress", "--quiet") == 3
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["event"], last["kind"], last["exit_code"]) == ("error", "NoFace", 3)


def test_flags_lie_over_sets_which_lie_over_the_file(animator, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[sampling]\nsteps = 5\nseed = 5\nscheduler = 'unipc'\n")
    flags = ["--config", str(file), "--set", "sampling.steps=6", "--set", "sampling.seed=6", "--seed", "7"]
    more = [
        "--guidance",
        "3",
        "--fps",
        "25",
        "--device",
        "cpu",
        "--dtype",
        "float32",
        "--face",
        "2",
        "--separate-voice",
    ]
    assert animate(tmp_path, *flags, *more) == 0
    sampling = animator.settings.sampling
    assert (sampling.scheduler, sampling.steps, sampling.seed) == ("unipc", 6, 7)
    guidance = animator.settings.guidance
    assert guidance.speech == 3.0
    assert guidance.portrait == guidance.words == 1.0  # mini is not guided by them
    assert (animator.settings.run.device, animator.settings.run.dtype) == ("cpu", "float32")
    assert animator.settings.portrait.face == 2 and animator.settings.speech.separate_voice


def test_flags_that_are_not_given_change_nothing():
    flags = given({"sampling": {"seed": None}, "video": {"fps": None}})
    assert flags == {} and collect_settings(Settings(), None, [], flags) == Settings()


def test_prompts_come_from_flags_or_a_file_and_doubts_about_them_are_said(animator, tmp_path, capsys):
    assert animate(tmp_path, "--prompt", "0:12=qux", "--prompt", "calm", "--negative", "frown") == 0
    assert animator.prompts == Prompts((Cue(0.0, "calm"), Cue(12.0, "qux")), "frown")
    assert "Nobody knows 'qux'." in capsys.readouterr().err
    (tmp_path / "moods.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nsmiling\n")
    again = ("-o", str(tmp_path / "again.mp4"))
    assert animate(tmp_path, "--prompts", str(tmp_path / "moods.srt"), *again, "-q") == 0
    assert animator.prompts == Prompts((Cue(1.0, "smiling", 2.0),))
    assert animate(tmp_path, "--prompts", "moods.srt", "--prompt", "calm", *again) == USAGE_EXIT_CODE


def test_a_change_of_prompts_wants_prompts(animator, tmp_path, capsys, monkeypatch):
    finished = types.SimpleNamespace(settings=Settings, prompts=Prompts)
    monkeypatch.setattr("longtake.span.find_span", lambda *_: finished)
    assert animate(tmp_path, "--from", "change") == 3
    assert "none are given" in capsys.readouterr().err


def test_an_existing_output_is_kept_without_overwrite(animator, tmp_path, capsys):
    (tmp_path / "talk.mp4").write_bytes(b"mine")
    assert animate(tmp_path) == 8
    assert (tmp_path / "talk.mp4").read_bytes() == b"mine" and "--overwrite" in capsys.readouterr().err
    assert animate(tmp_path, "--overwrite") == 0


def test_ctrl_c_leaves_a_video_that_plays_and_says_where(animator, tmp_path, capsys):
    animator.trouble = KeyboardInterrupt()
    assert animate(tmp_path) == 130
    kept = journal_folder(tmp_path / "talk.mp4") / "video.mp4"
    assert sum(1 for _ in read_frames(kept)) == 16 and not (tmp_path / "talk.mp4").exists()
    told = capsys.readouterr().err
    assert "0.6 s" in told and str(kept) in told and "goes on" in told


@pytest.mark.parametrize(
    ("trouble", "code"),
    [(NoFace("No face."), 3), (LongtakeError("x"), 1), (ZeroDivisionError("x"), 1), (MemoryError(), 1)],
)
def test_an_error_ends_with_its_code_and_without_a_traceback(animator, tmp_path, capsys, trouble, code):
    animator.trouble = trouble
    assert animate(tmp_path) == code
    told = capsys.readouterr().err
    assert "longtake: " in told and "Traceback" not in told


def test_debug_shows_the_traceback_wherever_it_stands(animator, tmp_path, capsys):
    animator.trouble = NoFace("No face.")
    assert animate(tmp_path, "--debug") == 3
    assert "Traceback" in capsys.readouterr().err


def test_a_package_that_an_extra_brings_is_named_with_the_extra(animator, tmp_path, capsys):
    animator.trouble = ModuleNotFoundError("No module named 'accelerate'", name="accelerate")
    assert animate(tmp_path) == 6
    assert "longtake[train]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--version"], 0),
        (["--help"], 0),
        (["frobnicate"], 2),
        (["animate", "one.png"], 2),
        (["animate", "a.png", "b.wav", "--set", "nothing.here=1"], 4),
        (["animate", "a.png", "b.wav", "--preset", "giant"], 4),
        (["animate", "a.png", "b.wav", "--config", "no.toml"], 4),
        (["animate", "a.png", "b.wav", "-o", "no/such/folder.mp4"], 8),
        (["train", "no.toml"], 4),
    ],
)
def test_the_exit_code_tells_what_went_wrong(arguments, code, capsys):
    assert run_app(app, arguments) == code
    if arguments == ["--version"]:
        assert capsys.readouterr().out.strip() == __version__


def test_python_dash_m_is_the_same_command():
    done = subprocess.run([sys.executable, "-m", "longtake", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == __version__


def test_doctor_reports_weights_with_size_and_hash(tmp_path):
    from longtake.apps import doctor

    (tmp_path / "a.safetensors").write_bytes(b"abc")
    found = doctor.weights(tmp_path)["a.safetensors"]
    assert found["sha256"].startswith("ba7816bf") and found["mb"] == 3e-6
    assert doctor.weights(tmp_path / "none") == {}


def test_doctor_names_every_required_package_with_its_version():
    from longtake.apps import doctor

    assert all(doctor.installed(name) for name in doctor.PACKAGES)
    assert doctor.installed("no-such-package") is None


def stand_in(monkeypatch, module: str, **functions) -> None:
    """A module of that name with these functions only, in the place of a heavy one."""
    fake = types.ModuleType(module)
    vars(fake).update(functions)
    monkeypatch.setitem(sys.modules, module, fake)


def test_corpus_commands_call_the_corpus(monkeypatch, capsys):
    calls = []
    report = types.SimpleNamespace(clips=2, frames=200, mixes=2, voices=1)
    stand_in(monkeypatch, "longtake.corpus.make", make=lambda *args, progress, **rest: calls.append((args, rest)))
    stand_in(monkeypatch, "longtake.corpus.encode", encode_corpus=lambda *args: calls.append(args))
    stand_in(monkeypatch, "longtake.corpus.check", check=lambda folder: report)
    often = ["--often", "nod=2", "--often", "smile=1.5"]
    assert run_app(app, ["corpus", "make", "clips", "--assets", "assets", "--clips", "3", "--seed", "5", *often]) == 0
    drawn = {"source": "puppet", "calm": False, "frames": 100, "size": 256, "drawn_size": 384}
    drawn["often"] = {"nod": 2.0, "smile": 1.5}
    assert calls[0] == ((Path("assets"), Path("clips"), 3, 5, "train", 1), drawn)
    assert run_app(app, ["corpus", "prepare", "a", "b", "-o", "out", "--weights", "mine", "--quiet"]) == 0
    assert calls[1][:3] == ([Path("a"), Path("b")], Path("out"), Path("mine/autoencoder.safetensors"))
    assert run_app(app, ["corpus", "check", "clips"]) == 0
    assert "2 clips, 200 frames, 2 faces, 1 voices" in capsys.readouterr().out
    assert run_app(app, ["corpus", "make", "clips", "--assets", "assets", "--often", "smile"]) == 2
    assert "'smile' is no NAME=TIMES" in capsys.readouterr().err


def test_a_folder_that_is_no_corpus_is_a_corpus_error(tmp_path, capsys):
    assert run_app(app, ["corpus", "check", str(tmp_path)]) == 7
    assert str(tmp_path) in capsys.readouterr().err


def test_evaluate_passes_its_options_on(capsys):
    assert run_app(app, ["evaluate", "gates", "--help"]) == 0
    assert "--short" in capsys.readouterr().out


def test_the_first_word_of_evaluate_may_be_left_out(capsys, tmp_path):
    assert run_app(app, ["evaluate", "--help"]) == 0
    assert "compare" in capsys.readouterr().out
    assert run_app(app, ["evaluate", str(tmp_path / "none.toml")]) == 4
    assert "none.toml" in capsys.readouterr().err
    assert run_app(app, ["evaluate", "--generated", str(tmp_path / "none"), "-o", str(tmp_path / "out")]) == 3
    assert "There is no folder" in capsys.readouterr().err
    assert run_app(app, ["evaluate", "--real", str(tmp_path)]) == 2
