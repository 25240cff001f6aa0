"""The example programs and the benchmarks run as they stand, on a short piece of the example speech."""

import json
import runpy
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from longtake.media.sound import read_sound
from longtake.media.video import video_facts
from longtake.presets import mini

ROOT = Path(__file__).parents[2]
PORTRAIT = ROOT / "examples" / "portrait.png"
PROGRAMS = sorted((ROOT / "examples").glob("*.py"))

pytestmark = pytest.mark.skipif(
    not (PORTRAIT.exists() and (mini().weights / "animation.safetensors").exists()),
    reason="the weights are not here yet",
)


@pytest.fixture(scope="module")
def voice(tmp_path_factory) -> Path:
    """Half a second of the example speech: one segment."""
    path = tmp_path_factory.mktemp("voice") / "speech.wav"
    samples = read_sound(ROOT / "examples" / "speech.wav")[16000:24000]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def run_program(name: str, *arguments: object) -> None:
    """Runs an example as `python NAME ARGUMENTS` would."""
    before = sys.argv
    sys.argv = [name, *map(str, arguments)]
    try:
        runpy.run_path(str(ROOT / "examples" / name), run_name="__main__")
    finally:
        sys.argv = before


def test_the_shortest_program_makes_a_video_that_tells_its_origin(voice, tmp_path, capsys):
    run_program("animate.py", PORTRAIT, voice, tmp_path / "talk.mp4")
    assert video_facts(tmp_path / "talk.mp4").frames == 12
    run_program("origin.py", tmp_path / "talk.mp4")
    assert "preset mini, seed 0" in capsys.readouterr().out


def test_the_streaming_program_tells_of_each_chunk(voice, capsys):
    run_program("stream.py", PORTRAIT, voice)
    assert "frames 0-11 of (256, 256, 3)" in capsys.readouterr().out


def test_each_seed_gives_another_performance(voice, tmp_path):
    run_program("seeds.py", PORTRAIT, voice, tmp_path / "talk.mp4")
    from longtake.media.video import read_frames

    first, second, third = (np.stack(list(read_frames(tmp_path / f"talk-{seed}.mp4"))) for seed in range(3))
    assert not np.array_equal(first, second) and not np.array_equal(second, third)


def test_the_looking_program_draws_what_it_sees(tmp_path):
    from PIL import Image

    run_program("look.py", PORTRAIT, tmp_path / "seen.png")
    assert Image.open(tmp_path / "seen.png").size == (256, 256)


def test_programs_are_five_and_short():
    assert len(PROGRAMS) == 5
    assert all(len(program.read_text().splitlines()) <= 40 for program in PROGRAMS)


def test_the_benchmarks_print_json_for_scripts(voice):
    def run(name: str, *arguments: str) -> dict:
        command = [sys.executable, str(ROOT / "benchmarks" / name), "--json", "--speech", str(voice), *arguments]
        return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)

    speed = run("speed.py", "--set", "sampling.steps=1")
    assert speed["seconds_per_second"] > 0 and speed["stages_s"]["denoise"] > 0
    assert list(run("memory.py", "--minutes", "0.01")["peak_mb"]) == ["0.01"]
