"""A calibration makes real segments, of tiny networks here, from inputs that need no file."""

import json
from pathlib import Path

import numpy as np
import pytest

from longtake.apps import calibrate as measuring
from longtake.apps.calibrate import SEGMENTS, calibrate, grained, hummed
from longtake.apps.calibration import Calibration, Load, Place, calibrations
from longtake.apps.cli import app
from longtake.apps.outcome import run_app
from longtake.clips import SAMPLE_RATE_HZ
from longtake.face.detect import find_landmarks
from longtake.face.drawn import drawn_face
from longtake.media.hearing import Hearing

FOUND = Calibration(
    Place("a machine", "mini", "cpu", "float32", 1, False, False),
    Load(256, 8, 1, 2, (0, None), 4, "incremental"),
    *(1000, 1.0, 3.0, 2.0, 900.0, 18, 500.0, None, "2026-11-23", 99.0),
)


def test_the_sample_inputs_pass_for_a_face_and_a_voice():
    assert len(find_landmarks(grained(drawn_face()))) == 1
    hearing = Hearing(SAMPLE_RATE_HZ)
    hearing.hear(hummed(5.0))
    assert hearing.measures()["voice_db"] > -30


def test_doctor_measures_keeps_and_tells_what_it_found(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    asked = []
    monkeypatch.setattr(measuring, "calibrate", lambda model, settings, tell: asked.append((model, settings)) or FOUND)
    assert run_app(app, ["doctor", "--calibrate", "--set", "sampling.steps=4", "--weights", str(tmp_path)]) == 0
    model, settings = asked[0]
    assert (model.name, model.weights, settings.sampling.steps) == ("mini", tmp_path, 4)
    told = capsys.readouterr().out
    assert "2.0 s, 3.1 s of work for a second of video" in told and "busy" in told
    assert str(tmp_path / "longtake" / "calibration.json") in told
    assert calibrations() == [FOUND]
    assert run_app(app, ["doctor", "--calibrate", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["segment_s"] == 2.0


def test_weights_that_are_missing_are_told_before_anything_is_made(tmp_path, capsys):
    assert run_app(app, ["doctor", "--calibrate", "--weights", str(tmp_path)]) == 5
    assert str(tmp_path) in capsys.readouterr().err


def test_segments_after_the_first_make_the_time_and_loading_is_apart(monkeypatch):
    from longtake import animator, rehearsal
    from longtake.presets import mini

    class Clock:
        now = 0.0

    class Fake:
        """Takes 2 s to load, 5 s for the first segment, then 3 s each."""

        def __init__(self, model, settings):
            Clock.now += 2.0
            self.settings, self.preset = settings, model
            sizes = type("Sizes", (), {"identity": type("Identity", (), {"embedding": 16})})
            self.networks = type("Networks", (), {"animation": type("Net", (), {"sizes": sizes}), "dtype": None})

        def animate(self, ready, speech, out, progress):
            from longtake.clips import Chunk
            from longtake.media.video import VideoWriter
            from longtake.pace import Pace

            assert np.linalg.norm(ready.portrait.identity) == pytest.approx(1.0)
            total = ready.speech.frames(25)
            pace = Pace(total, 25, 16, clock=lambda: Clock.now)
            with VideoWriter(out, ready.speech) as writer:
                for index in range(SEGMENTS):
                    Clock.now += 5.0 if index == 0 else 3.0
                    frames = np.random.default_rng(index).integers(0, 255, (16, 64, 64, 3), np.uint8)
                    writer.write(frames)
                    progress(pace.tell(Chunk(frames, 16 * index, 25)))
            return Path(out)

    monkeypatch.setattr(animator, "Animator", Fake)
    monkeypatch.setattr(measuring.time, "monotonic", lambda: Clock.now)
    monkeypatch.setattr(rehearsal, "foresee", lambda *_: type("Need", (), {"operations": 7}))
    settings = mini().settings.overlay({"run": {"device": "cpu"}})
    found = calibrate(mini(), settings)
    assert (found.load_s, found.first_s, found.segment_s, found.operations) == (2.0, 5.0, 3.0, 7)
    assert found.frame_bytes > 500, "noise does not pack"
