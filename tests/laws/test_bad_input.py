"""Bad input gets an error that says what to do, the exit code of its kind, no traceback, and loses nothing.

The whole command runs, up to where the networks would be loaded: everything here must be found out before that.
"""

import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from longtake.apps.cli import app
from longtake.apps.outcome import run_app
from longtake.clips import Speech

INPUT, SETTINGS, WEIGHTS, OUTPUT = 3, 4, 5, 8
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def good(tmp_path):
    """A picture and a sound that are readable; the picture has no face."""
    Image.fromarray(np.full((200, 200, 3), 128, np.uint8)).save(tmp_path / "grey.png")
    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((8000 * np.sin(np.arange(16000) / 20)).astype("<i2").tobytes())
    return tmp_path


def animate(capsys, folder: Path, portrait: str | Path, speech: str | Path, *flags: str) -> tuple[int, str]:
    """The exit code and what was told."""
    code = run_app(app, ["animate", str(portrait), str(speech), "-o", str(folder / "talk.mp4"), *flags])
    told = capsys.readouterr().err
    assert "Traceback" not in told and told.startswith("longtake: ")
    assert not (folder / "talk.mp4").exists() and not list(folder.glob("*.part*"))
    return code, told


def broken_pictures(folder: Path) -> dict[str, Path]:
    """Files that are no usable portrait, by what is wrong with them."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8))
    noise.save(folder / "whole.png")
    (folder / "cut.png").write_bytes((folder / "whole.png").read_bytes()[:9000])
    (folder / "text.png").write_text("not a picture")
    (folder / "empty.png").write_bytes(b"")
    Image.new("RGB", (50_000, 20)).save(folder / "wide.png")
    frames = [Image.new("RGB", (64, 64), (i, 0, 0)) for i in (0, 100, 200)]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    Image.new("RGB", (8, 8)).save(folder / "tiny.png")
    names = ("cut.png", "text.png", "empty.png", "wide.png", "moving.gif", "tiny.png", "missing.png")
    return {name: folder / name for name in names} | {"folder": folder}


def test_a_portrait_that_can_not_be_used_is_an_input_error_that_names_it(good, capsys):
    for name, path in broken_pictures(good).items():
        code, told = animate(capsys, good, path, good / "tone.wav")
        assert code == INPUT and path.name in told, (name, told)


def test_a_picture_without_a_face_says_so(good, capsys):
    code, told = animate(capsys, good, good / "grey.png", good / "tone.wav")
    assert code == INPUT and "face" in told


@pytest.mark.parametrize("content", [b"", b"RIFF", b"plain text", bytes(5000), b"ID3\x04" + bytes(range(200)) * 9])
def test_a_sound_that_can_not_be_used_is_an_input_error_that_names_it(good, capsys, content):
    (good / "bad.mp3").write_bytes(content)
    code, told = animate(capsys, good, good / "grey.png", good / "bad.mp3")
    assert code == INPUT and "bad.mp3" in told


def test_a_sound_without_one_frame_is_an_input_error(good, capsys):
    with wave.open(str(good / "short.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(bytes(2 * 3200))
    assert animate(capsys, good, good / "grey.png", good / "short.wav", "--fps", "2")[0] == INPUT


def test_a_picture_in_the_place_of_the_sound_is_an_input_error(good, capsys):
    assert animate(capsys, good, good / "grey.png", good / "grey.png")[0] == INPUT


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (["--set", "sampling.stpes=4"], SETTINGS),
        (["--steps", "0"], SETTINGS),
        (["--guidance", "nan"], SETTINGS),
        (["--preset", "nano"], SETTINGS),
        (["--config", "none.toml"], SETTINGS),
        (["--prompt", "-3=laughing"], INPUT),
        (["--prompt", "0:75=laughing"], INPUT),
        (["--prompt", "calm", "--prompt", "0=laughing"], INPUT),
        (["--prompt", "word " * 5000], INPUT),
        (["--prompts", "none.srt"], INPUT),
    ],
)
def test_a_wrong_setting_is_told_before_any_file_is_read(good, capsys, flags, code):
    assert animate(capsys, good, "none.png", "none.wav", *flags)[0] == code


def test_an_output_that_can_not_be_written_is_told_before_any_file_is_read(good, capsys):
    for out in ("no/such/folder/talk.mp4", "talk.avi"):
        assert run_app(app, ["animate", "none.png", "none.wav", "-o", str(good / out)]) == OUTPUT
        assert "Traceback" not in capsys.readouterr().err


def test_a_damaged_weight_file_is_a_weights_error(good, monkeypatch, capsys):
    from longtake import presets

    for name in ("animation", "autoencoder", "speech"):
        (good / f"{name}.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0 not weights")
    mini = presets.mini()
    damaged = presets.Preset(mini.name, mini.settings, good, mini.about)
    monkeypatch.setitem(presets.PRESETS, "mini", lambda: damaged)
    monkeypatch.setattr("longtake.inputs.prepare", lambda *_: FakePrepared())
    code, told = animate(capsys, good, good / "grey.png", good / "tone.wav", "--device", "cpu")
    assert code == WEIGHTS and "safetensors" in told


def test_a_broken_file_of_prompts_is_an_input_error_that_names_the_line(good, capsys):
    (good / "broken.srt").write_text("1\n00:00:01,000 --> soon\nsmiling\n")
    code, told = animate(capsys, good, good / "grey.png", good / "tone.wav", "--prompts", str(good / "broken.srt"))
    assert code == INPUT and "broken.srt: line 2" in told


def test_a_prompt_for_weights_without_words_is_a_weights_error(good, capsys, monkeypatch):
    """Never left out in silence; a track without a text has nothing to be left out."""
    from longtake.presets import Preset

    monkeypatch.setattr(Preset, "knows_words", False)
    code, told = animate(capsys, good, good / "grey.png", good / "tone.wav", "--prompt", "smiling")
    assert code == WEIGHTS and "have not learned any words" in told
    assert animate(capsys, good, good / "grey.png", good / "tone.wav", "--prompt", "")[0] == INPUT  # only: no face


class FakePrepared:
    warnings = ()
    picture = None
    speech = Speech(Path("tone.wav"), 1.0, None)  # type: ignore[arg-type]
