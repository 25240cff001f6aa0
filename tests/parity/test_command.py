"""The published weights by the command line: a small checkpoint in their layout is converted and speaks."""

import wave
from pathlib import Path

import numpy as np
import pytest

from longtake.apps.cli import app
from longtake.apps.outcome import run_app
from longtake.media.video import read_frames, video_facts

PORTRAIT = Path(__file__).parents[2] / "examples" / "portrait.png"
SMALL = ("--steps", "1", "--set", "portrait.size_px=64", "--dtype", "float32", "--quiet")


def run(*arguments):
    return run_app(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def weights(published_folder, tmp_path_factory) -> Path:
    """The converted folder."""
    folder = tmp_path_factory.mktemp("converted")
    assert run("weights", "convert", published_folder, "-o", folder, "--quiet") == 0
    return folder


@pytest.fixture(scope="module")
def speech(tmp_path_factory) -> Path:
    """A tone that is one frame longer than a segment."""
    return tone(tmp_path_factory.mktemp("speech") / "tone.wav", 0.68)


@pytest.fixture(scope="module")
def talk(weights, speech, tmp_path_factory) -> Path:
    """What hallo2 makes of it by default."""
    out = tmp_path_factory.mktemp("talk") / "talk.mp4"
    assert animate(out, weights, speech, "--preset", "hallo2") == 0
    return out


def tone(path, seconds) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((9000 * np.sin(np.arange(int(16000 * seconds)) / 9)).astype("<i2").tobytes())
    return path


def animate(out, weights, speech, *more):
    return run("animate", PORTRAIT, speech, "-o", out, "--weights", weights, *SMALL, *more)


def frames(video):
    return np.stack(list(read_frames(video)))


def test_a_converted_checkpoint_makes_a_video(talk):
    facts = video_facts(talk)
    assert (facts.frames, facts.width, facts.height) == (17, 64, 64)
    assert frames(talk).std() > 1


def test_the_older_model_takes_motion_frames_whole(weights, speech, talk, tmp_path):
    """The two presets differ in nothing but what is dropped from the motion frames, so with that set alike they agree."""
    older, newer = tmp_path / "older.mp4", tmp_path / "newer.mp4"
    assert animate(older, weights, speech, "--preset", "hallo") == 0
    assert animate(newer, weights, speech, "--preset", "hallo2", "--set", "motion.drop_rate=0") == 0
    assert np.array_equal(frames(older), frames(newer))
    assert not np.array_equal(frames(older), frames(talk))


def test_weights_that_are_not_there_are_named_with_what_to_run(speech, tmp_path, capsys):
    assert animate(tmp_path / "talk.mp4", tmp_path, speech, "--preset", "hallo2") == 5
    told = capsys.readouterr().err
    assert "glintr100.onnx" in told and "longtake weights fetch hallo2" in told
