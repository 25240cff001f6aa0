"""`animate --dry-run` judges the inputs and foretells the work; it loads nothing that animates and writes nothing."""

import json
from dataclasses import replace

import numpy as np
import pytest
from drawn_face import drawn_face
from PIL import Image

from longtake import animator, inputs, networks
from longtake.apps import preflight
from longtake.apps.calibrate import hummed, write_wav
from longtake.apps.cli import app
from longtake.apps.outcome import run_app
from longtake.prepare import portrait_of
from longtake.presets import Preset

PREDICTED = {"seconds_per_second_at_best": 2.5, "peak_gib": 0.7, "weights_gib": 0.03, "device": "cpu"}


@pytest.fixture(scope="module")
def portrait():
    return portrait_of(drawn_face())


@pytest.fixture
def folder(tmp_path, monkeypatch, portrait):
    """Two inputs in a folder; the portrait is measured once for all tests, networks and big multiplications are forbidden."""
    Image.fromarray(drawn_face()).save(tmp_path / "me.png")
    write_wav(tmp_path / "talk.wav", hummed(5.0) + np.random.default_rng(0).normal(0, 1e-3, 80_000).astype(np.float32))
    monkeypatch.setattr(inputs, "prepare_portrait", lambda *_: portrait)
    monkeypatch.setattr(networks, "load_networks", lambda *_: pytest.fail("networks were loaded"))
    monkeypatch.setattr(animator, "load_networks", lambda *_: pytest.fail("networks were loaded"))
    monkeypatch.setattr("longtake.apps.predict.predict", lambda *_: PREDICTED)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def dry_run(folder, *more):
    arguments = [str(folder / "me.png"), str(folder / "talk.wav"), "-o", str(folder / "talk.mp4"), *more]
    return run_app(app, ["animate", *arguments, "--dry-run"])


def test_inputs_time_disk_and_memory_are_told_and_nothing_is_written(folder, capsys):
    before = sorted(folder.iterdir())
    assert dry_run(folder) == 0
    told = capsys.readouterr().out
    assert [line.split()[0] for line in told.splitlines()[:6]] == [
        "portrait",
        "speech",
        "video",
        "time",
        "disk",
        "memory",
    ]
    assert "125 frames in 8 segments" in told and "longtake doctor --calibrate" in told
    assert sorted(folder.iterdir()) == before


def test_programs_get_the_same_as_json(folder, capsys):
    assert dry_run(folder, "--json", "--steps", "4") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["video"]["frames"] == 125 and told["estimate"]["segments"] == 8
    assert told["portrait"]["face_px"] > 200 and told["speech"]["seconds"] == 5.0
    assert told["estimate"]["basis"] == "rough" and told["estimate"]["work_s"] > 0
    assert told["warnings"] == [] or all(isinstance(said, str) for said in told["warnings"])


def test_warnings_about_both_inputs_are_told_and_the_exit_code_is_0(folder, capsys, monkeypatch, portrait):
    write_wav(folder / "talk.wav", np.clip(9 * hummed(5.0), -1, 1))
    monkeypatch.setattr(inputs, "prepare_portrait", lambda *_: replace(portrait, warnings=("The face is blurred.",)))
    assert dry_run(folder) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("!")]
    assert any("blurred" in line for line in told) and any("clipped" in line for line in told)


def test_too_little_disk_or_memory_is_a_warning(folder, capsys, monkeypatch):
    monkeypatch.setattr(preflight, "free_disk_mb", lambda out: 1.0)
    monkeypatch.setattr(preflight, "free_memory_mb", lambda: 10.0)
    assert dry_run(folder) == 0
    told = capsys.readouterr().out
    assert "! The disk will be full" in told and "of memory are needed and 10 are free" in told


def test_what_would_stop_the_run_stops_the_dry_run_with_the_same_code(folder, capsys):
    (folder / "talk.mp4").write_bytes(b"mine")
    assert dry_run(folder) == 8
    (folder / "talk.mp4").unlink()
    (folder / "talk.wav").write_bytes(b"no sound")
    assert dry_run(folder) == 3
    assert dry_run(folder, "--weights", str(folder)) == 5


def test_nobody_chose_the_name_so_a_video_of_that_name_is_only_told(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "talk.mp4").write_bytes(b"mine")
    assert run_app(app, ["animate", "me.png", "talk.wav", "--dry-run"]) == 0
    assert "'talk.mp4' is there already" in capsys.readouterr().out


def test_frames_of_a_stopped_run_are_counted(folder, capsys):
    from longtake.clips import Segment, Tail
    from longtake.journal.journal import Journal

    plan = {"format": 1, "frames": 125, "longtake": "x"}
    with Journal(folder / "talk.mp4", plan) as journal:
        frames = np.zeros((16, 8, 8, 3), np.uint8)
        journal.add(Segment(0, 0, frames), Tail(np.zeros((4, 3, 8, 8), np.float32), 1, 16), b"piece", 1.0)
    assert dry_run(folder) == 0
    assert "16 frames are there" in capsys.readouterr().out


def test_json_alone_and_a_span_are_no_dry_run(folder, capsys):
    arguments = ["animate", str(folder / "me.png"), str(folder / "talk.wav"), "-o", str(folder / "talk.mp4")]
    assert run_app(app, [*arguments, "--json"]) == 2
    assert dry_run(folder, "--from", "1") == 2
    told = capsys.readouterr().err
    assert "--json-progress" in told and "whole videos" in told


def test_a_larger_video_takes_more_of_everything_and_its_size_is_told(folder, capsys, monkeypatch):
    monkeypatch.setattr(Preset, "enhancer", folder / "enhancer.safetensors")
    assert dry_run(folder, "--json") == 0
    small = json.loads(capsys.readouterr().out)
    assert dry_run(folder, "--json", "--size", "512", "--codec", "hevc") == 0
    large = json.loads(capsys.readouterr().out)
    assert (large["video"]["width"], large["video"]["height"]) == (512, 512)
    assert all(large["estimate"][name] > small["estimate"][name] for name in ("work_s", "video_mb", "disk_mb"))
    assert any("no enhancer" in said for said in large["warnings"])
    assert dry_run(folder, "--framing", "full", "--size", "160") == 0
    assert "160 x " in capsys.readouterr().out
