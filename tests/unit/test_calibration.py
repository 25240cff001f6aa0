"""What was measured here is kept, found again, scaled to other settings, and never believed of another machine."""

import json
from dataclasses import replace

import pytest

from longtake.apps import calibration, estimate
from longtake.apps.calibration import Calibration, cache_folder, calibrations, keep, load_of, place_of
from longtake.clips import Cue, Prompts
from longtake.presets import mini
from longtake.prompts import Track

SETTINGS = mini().settings.overlay({"run": {"device": "cpu", "dtype": "float32"}})

PREDICTED = {"seconds_per_second_at_best": 2.5, "peak_gib": 0.7, "weights_gib": 0.03, "device": "cpu"}


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """A cache folder of the test's own; and nothing is counted or multiplied, which takes seconds (test_predict does)."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    count = lambda model, settings, told="ab": 500 * len(told) * settings.sampling.steps // 8  # noqa: E731
    monkeypatch.setattr(estimate, "_operations", count)
    monkeypatch.setattr("longtake.apps.predict.predict", lambda model, settings: PREDICTED)


@pytest.fixture
def measured():
    return Calibration(
        place=place_of(mini(), SETTINGS),
        load=load_of(SETTINGS),
        operations=1000,
        load_s=1.0,
        first_s=3.0,
        segment_s=2.0,
        frame_bytes=1000.0,
        crf=18,
        peak_mb=500.0,
        gpu_peak_mb=None,
        date="2026-11-23",
        busy=0.5,
    )


def foresee(found, settings=SETTINGS, frames=16_000, done=0, prompts=None):
    track = None if prompts is None else Track(prompts, 25)
    return estimate.estimate(mini(), settings, frames, done, frames / 25, found, track)


def test_a_calibration_is_found_again_as_it_was_and_replaces_an_older_one(measured):
    assert calibrations() == []
    path = keep(replace(measured, segment_s=9.0))
    keep(replace(measured, place=replace(measured.place, preset="hallo2")))
    assert keep(measured) == path == cache_folder() / "calibration.json"
    assert [one.place.preset for one in calibrations()] == ["hallo2", "mini"]
    assert calibrations()[1] == measured


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"format": 1}', '{"format": 1, "calibrations": [{"place": 3}]}'])
def test_a_damaged_file_is_left_aside_with_a_word_and_made_anew(measured, damage, capsys):
    path = cache_folder() / "calibration.json"
    path.parent.mkdir(parents=True)
    path.write_text(damage)
    assert calibrations() == []
    assert "damaged" in capsys.readouterr().err
    keep(measured)
    assert calibrations() == [measured]


def test_a_file_of_another_version_is_left_aside(measured, capsys):
    path = keep(measured)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    assert calibrations() == [] and "another version" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("system", "place"), [("linux", ".cache"), ("darwin", "Library/Caches"), ("win32", "AppData/Local")]
)
def test_the_cache_lies_where_the_platform_has_it(monkeypatch, tmp_path, system, place):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "AppData" / "Local"))
    monkeypatch.setattr(calibration.sys, "platform", system)
    assert str(cache_folder()).startswith(str(tmp_path / place / "longtake"))


def test_with_the_same_settings_the_time_is_what_was_measured(measured):
    told = foresee([measured])
    assert (told.basis, told.segments, told.segment_s) == ("measured", 1000, 2.0)
    assert told.work_s == 1.0 + 3.0 + 999 * 2.0
    assert told.peak_mb == 500.0


def test_settings_that_scale_the_work_scale_the_estimate(measured):
    told = foresee([measured], SETTINGS.apply_set("sampling.steps=16"))
    assert (told.basis, told.segment_s) == ("scaled", 4.0) and "2.00" in told.because


def test_settings_that_do_not_change_the_work_change_nothing(measured):
    assert foresee([measured], SETTINGS.apply_set("sampling.seed=7")).basis == "measured"


def test_of_several_the_nearest_is_scaled(measured):
    four, forty = (replace(measured, load=replace(measured.load, steps=steps), date=str(steps)) for steps in (4, 40))
    assert "on 4 " in foresee([forty, four], SETTINGS.apply_set("sampling.steps=6")).because


@pytest.mark.parametrize("other", [{"machine": "another"}, {"device": "H100"}, {"threads": 64}, {"preset": "hallo2"}])
def test_nothing_is_concluded_from_another_place_and_the_command_is_named(measured, other):
    told = foresee([replace(measured, place=replace(measured.place, **other))])
    assert told.basis == "rough" and "longtake doctor --calibrate --preset mini" in told.because
    assert told.segment_s == pytest.approx(2.5 * 16 / 25 / estimate.ROUGH_SHARE) and told.peak_mb == 0.7 * 1024


def test_a_stopped_run_only_takes_what_is_left(measured):
    assert foresee([measured], done=15_984).work_s == 1.0 + 3.0
    assert foresee([measured], done=16_000).work_s == 1.0


HALF = Prompts((Cue(0.0, "smiling", 320.0, ease_s=0.0),))


@pytest.mark.parametrize(
    ("prompts", "expressiveness", "worded", "times"),
    [
        (HALF, 1.0, 500, 1.0),
        (HALF, 1.5, 500, 1.5),
        (HALF, 2.0, 500, 1.0),
        (replace(HALF, negative="frowning"), 1.0, 1000, 1.0),
        (replace(HALF, negative="frowning"), 1.5, 1000, 1.5),
        (HALF, 0.0, 0, 1.0),
    ],
    ids=["as the portrait", "another scale", "as the speech", "negative as the speech", "negative", "not told"],
)
def test_the_guidance_branches_of_words_are_counted_where_something_is_said(
    measured, prompts, expressiveness, worded, times
):
    settings = SETTINGS.overlay({"performance": {"expressiveness": expressiveness}})
    without, told = foresee([measured], settings), foresee([measured], settings, prompts=prompts)
    assert (without.worded, told.worded) == (0, worded)
    assert told.worded_s == 2.0 * times
    assert told.work_s == without.work_s + worded * 2.0 * (times - 1)


def test_only_segments_that_are_still_to_be_made_count(measured):
    assert foresee([measured], done=4000, prompts=HALF).worded == 250


def test_disk_follows_length_quality_and_size(measured):
    told = foresee([measured])
    sound = 128_000 / 8 * 640 / 2**20
    assert told.video_mb == pytest.approx(16_000 * 1000 / 2**20 + sound, rel=0.01)
    assert told.disk_mb > 2 * told.video_mb, "for a moment the growing file and the finished one are both there"
    halved = foresee([measured], SETTINGS.apply_set("video.crf=24"))
    assert halved.video_mb - sound == pytest.approx((told.video_mb - sound) / 2, rel=0.02)
