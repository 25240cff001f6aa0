"""The gates' own arithmetic: correlation, lag, effect, blinks, bars."""

import json

import numpy as np
import pytest

from longtake.evaluate import curves
from longtake.evaluate.controls import controls_row
from longtake.evaluate.eyes import agreement, blinks, labelled_blinks
from longtake.evaluate.minute import Lost, ends
from longtake.evaluate.pictures import box_round, perceptual_distance, psnr_db
from longtake.evaluate.playing import speech_of
from longtake.evaluate.rows import BARS, Bar, Row, row, write_json

NAMED = {
    "mouth_correlation",
    "mouth_correlation_swapped",
    "vowel_closure_effect",
    "identity_distance",
    "drift_identity",
    "drift_sharpness",
    "background_psnr_drop_db",
    "blink_rate",
    "faces_found",
    "audio_zeroed_correlation",
    "controls_beaten",
}


def talk(seed: int, frames: int = 100) -> np.ndarray:
    """A curve like a talking mouth's."""
    noise = np.random.default_rng(seed).standard_normal(frames + 4)
    return np.convolve(noise, np.ones(5) / 5, "valid")


def test_a_curve_correlates_fully_with_itself_and_not_with_a_still() -> None:
    curve = talk(0)
    assert curves.correlation(curve, 3 * curve + 1) == pytest.approx(1)
    assert curves.correlation(curve, np.full(100, 0.02)) == 0.0


def test_frames_without_a_face_are_left_out_of_the_correlation() -> None:
    curve, holed = talk(0), talk(0)
    holed[10:20] = np.nan
    assert curves.correlation(curve, holed) == pytest.approx(1)
    holed[:95] = np.nan
    assert curves.correlation(curve, holed) == 0.0


@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_one_lag_of_at_most_a_frame_is_found_for_all_clips(shift: int) -> None:
    truths = [talk(seed) for seed in range(5)]
    ours = [np.roll(truth, shift) for truth in truths]
    voiced = [np.ones(100, bool)] * 5
    assert curves.common_lag(ours, truths, voiced) == shift
    assert np.median(curves.correlations(ours, truths, voiced, shift)) > 0.95


def test_a_delay_of_four_frames_is_not_forgiven() -> None:
    truths = [talk(seed) for seed in range(5)]
    ours = [np.roll(truth, 4) for truth in truths]
    voiced = [np.ones(100, bool)] * 5
    lag = curves.common_lag(ours, truths, voiced)
    assert np.median(curves.correlations(ours, truths, voiced, lag)) < 0.6


def test_swapped_audio_cuts_silences_and_pairs_other_clips_only() -> None:
    truths = [talk(seed) for seed in range(6)]
    voiced = [np.arange(100) >= 10 + seed for seed in range(6)]
    swapped = curves.swapped_correlations(truths, truths, voiced, 0)
    assert len(swapped) == 6
    assert max(map(abs, swapped)) < 0.4
    same = curves.swapped_correlations([truths[0]] * 6, [truths[0]] * 6, [voiced[0]] * 6, 0)
    assert same == pytest.approx([1] * 6)


def test_frames_are_voiced_where_a_phone_other_than_silence_is_spoken() -> None:
    phones = [("sil", 0.0, 0.2), ("m", 0.2, 0.3), ("ɑ", 0.3, 0.5), ("SIL", 0.5, 1.0)]
    voiced = curves.voiced_frames(phones, 25, 25)
    assert np.flatnonzero(voiced).tolist() == list(range(5, 13))


def test_openness_is_read_in_open_vowels_and_in_closures() -> None:
    curve = np.zeros(50)
    curve[10:15], curve[30:35] = 0.1, 0.08
    phones = [("AA", 0.4, 0.6), ("s", 0.6, 0.8), ("B", 0.8, 0.9), ("AY", 1.2, 1.6), ("m", 1.7, 1.71)]
    vowels, closures = curves.openness_at(curve, phones, 25, 0)
    assert vowels == pytest.approx([0.1, 0.08])
    assert closures == pytest.approx([0.0, 0.0])
    assert curves.openness_at(np.roll(curve, 1), phones, 25, 1)[0] == pytest.approx(vowels)


def test_the_effect_is_counted_in_pooled_standard_deviations() -> None:
    generator = np.random.default_rng(0)
    high, low = generator.normal(3.0, 2.0, 4000), generator.normal(1.0, 2.0, 4000)
    assert curves.effect_size(high, low) == pytest.approx(1.0, abs=0.06)
    assert curves.effect_size([1.0], low) == 0.0


def test_blinks_are_counted_once_and_long_closures_are_not_blinks() -> None:
    lids = np.full(100, 0.3)
    lids[20:25], lids[60:63], lids[75:] = 0.15, 0.18, 0.1
    lids[40] = 0.27
    assert blinks(lids, 25) == [20, 60]
    assert labelled_blinks((lids < 0.2).astype(float)) == [20, 60, 75]
    assert agreement([20, 50], [21, 60]) == (1, 1)


def test_every_named_gate_has_its_bar_and_bars_are_inclusive() -> None:
    assert set(BARS) >= NAMED
    assert Bar(0.5, 1.5).holds(1.5)
    assert not Bar(low=0.6).holds(0.599)
    assert not Bar(low=0.6).holds(float("nan"))


def test_rows_are_written_with_name_value_bar_and_pass(tmp_path) -> None:
    rows = [row("mouth_correlation", 0.7, "a set"), row("blink_rate", 2, "a set"), Row("psnr_db", 20.0, "a set")]
    write_json(rows, tmp_path / "gates.json")
    first, second, third = json.loads((tmp_path / "gates.json").read_text())
    assert {"name", "value", "bar", "pass", "set"} <= set(first)
    assert (first["bar"], first["pass"]) == (0.6, True)
    assert (second["bar"], second["pass"]) == ([5, 40], False)
    assert (third["bar"], third["pass"]) == (None, None)


def test_a_still_or_a_blurred_picture_costs_psnr_and_perceptual_distance() -> None:
    pictures = np.random.default_rng(0).integers(0, 255, (2, 64, 64, 3), np.uint8)
    smooth = np.repeat(pictures.mean(axis=(1, 2), keepdims=True), 64, 1).repeat(64, 2).astype(np.uint8)
    assert psnr_db(pictures, pictures) == 60
    assert psnr_db(pictures, smooth) < 15
    assert perceptual_distance(pictures, pictures) == 0
    assert perceptual_distance(pictures, smooth) > 0.05


def test_the_box_of_motion_stays_inside_the_picture() -> None:
    landmarks = np.array([[[-5.0, 20.0], [70.0, 60.0]]])
    assert box_round(landmarks, 64) == (0, 18, 64, 62)
    assert box_round(landmarks * np.nan, 64) == (0, 0, 64, 64)


def test_a_minute_keeps_only_its_first_and_last_frames() -> None:
    chunks = (np.full((16, 2, 2, 3), i, np.uint8) for i in range(10))
    first, last = ends(chunks, 20)
    assert first[:, 0, 0, 0].tolist() == [0] * 16 + [1] * 4
    assert last[:, 0, 0, 0].tolist() == [8] * 4 + [9] * 16


def test_drift_is_counted_in_shares_of_its_bars() -> None:
    assert Lost(-0.05, 1.0, -3.0, 1.0).worst == pytest.approx(1)
    assert Lost(0.0, 0.8, 0.0, 1.0).worst == pytest.approx(1, abs=1e-6)
    assert Lost(0.01, 1.0, 4.0, 1.0).worst == pytest.approx(2)


def test_controls_without_stored_values_are_not_beaten() -> None:
    lost = Lost(0.01, 1.0, 0.0, 1.0)
    stored = {"twin": {"mouth_correlation": 0.5}, "no_corruption": {"worst": 0.9}}
    assert controls_row([], 0.7, lost, {}, "a set").value == 1
    assert controls_row([], 0.7, lost, stored, "a set").passed
    assert controls_row([], 0.4, lost, stored, "a set").value == 2


def test_speech_in_memory_is_silent_outside_itself() -> None:
    speech = speech_of(np.ones(16_000))
    assert speech.seconds == 1.0
    heard = speech.read(-0.5, 1.5)
    assert (len(heard), heard.sum(), heard[:8000].sum()) == (32_000, 16_000, 0)
