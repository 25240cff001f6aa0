"""The published weights by the command line: a small checkpoint in their layout is converted and speaks."""

import wave
from pathlib import Path

import numpy as np
import published_files
import pytest

from longtake.apps.cli import app
from longtake.apps.outcome import run_app
from longtake.media.video import read_frames, video_facts

PORTRAIT = Path(__file__).parents[2] / "examples" / "portrait.png"
SMALL = ("--steps", "1", "--set", "portrait.size_px=64", "--dtype", "float32", "--quiet")


def run(*arguments):
    return run_app(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """The converted folder."""
    folder = tmp_path_factory.mktemp("published")
    published = published_files.write_published(folder / "published")
    assert run("weights", "convert", published, "-o", folder / "weights", "--quiet") == 0
    return folder / "weights"


def tone(path, seconds) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((9000 * np.sin(np.arange(int(16000 * seconds)) / 9)).astype("<i2").tobytes())
    return path


def animate(out, weights, speech, *more):
    return run("animate", PORTRAIT, speech, "-o", out, "--weights", weights, *SMALL, *more)


def test_a_converted_checkpoint_makes_a_video(weights, tmp_path):
    speech = tone(tmp_path / "two-segments.wav", 0.8)
    assert animate(tmp_path / "talk.mp4", weights, speech, "--preset", "hallo2") == 0
    facts = video_facts(tmp_path / "talk.mp4")
    assert (facts.frames, facts.width, facts.height) == (20, 64, 64)
    assert np.stack(list(read_frames(tmp_path / "talk.mp4"))).std() > 1


def test_the_older_model_takes_motion_frames_whole(weights, tmp_path):
    """The two presets differ in nothing but what is dropped from the motion frames, so with that set alike they agree."""
    made, speech = {}, tone(tmp_path / "one-segment.wav", 0.2)
    for preset, rate in (("hallo2", 0), ("hallo2", 0.25), ("hallo", None)):
        out = tmp_path / f"{preset}-{rate}.mp4"
        more = () if rate is None else ("--set", f"motion.drop_rate={rate}")
        assert animate(out, weights, speech, "--preset", preset, *more) == 0
        made[preset, rate] = np.stack(list(read_frames(out)))
    assert np.array_equal(made["hallo", None], made["hallo2", 0])
    assert not np.array_equal(made["hallo", None], made["hallo2", 0.25])


def test_weights_that_are_not_there_are_named_with_what_to_run(tmp_path, capsys):
    speech = tone(tmp_path / "tone.wav", 0.2)
    assert animate(tmp_path / "talk.mp4", tmp_path, speech, "--preset", "hallo2") == 5
    told = capsys.readouterr().err
    assert "glintr100.onnx" in told and "longtake weights fetch hallo2" in told
