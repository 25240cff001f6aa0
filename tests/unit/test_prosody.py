"""Pitch and loudness of sounds whose pitch and loudness are known."""

from pathlib import Path

import numpy as np
import pytest

from longtake.clips import Speech
from longtake.media.prosody import prosody


class Made:
    """A sound that is a function of time, for so many seconds."""

    def __init__(self, of, seconds):
        self.of, self.seconds, self.longest = of, seconds, 0

    def window(self, start, stop):
        self.longest = max(self.longest, stop - start)
        times = np.arange(start, stop) / 16000
        return np.where((times >= 0) & (times < self.seconds), self.of(times), 0.0).astype(np.float32)


def speech_of(of, seconds):
    return Speech(Path("made"), seconds, Made(of, seconds))


def tone(hz, harmonics=(1,)):
    return lambda times: 0.1 * sum(np.sin(2 * np.pi * k * hz * times) for k in harmonics)


@pytest.mark.parametrize("hz", [75, 110, 173, 250, 390])
@pytest.mark.parametrize("harmonics", [(1,), tuple(range(1, 9)), (2, 3, 4, 5)], ids=["pure", "rich", "no fundamental"])
def test_the_pitch_of_a_tone_is_its_own(hz, harmonics):
    heard = prosody(speech_of(tone(hz, harmonics), 1.0), 5, 40)
    assert np.abs(heard.pitch_hz / hz - 1).max() < 0.01


def test_a_glide_is_followed():
    heard = prosody(speech_of(lambda t: 0.1 * np.sin(2 * np.pi * (120 * t + 40 * t**2)), 1.0), 0, 50)
    middle = (np.arange(50) + 0.5) * 0.02
    assert np.abs(heard.pitch_hz / (120 + 80 * middle) - 1)[2:-2].max() < 0.02


def test_noise_and_silence_have_no_pitch_and_a_tone_has_its_level():
    noise = np.random.default_rng(0).normal(0, 0.1, 48000)
    assert (
        prosody(speech_of(lambda t: noise[np.round(t * 16000).astype(int) % 48000], 2.0), 0, 100).pitch_hz > 0
    ).mean() < 0.03
    silent = prosody(speech_of(lambda t: 0 * t, 2.0), 0, 100)
    assert not silent.pitch_hz.any() and silent.level_db.max() < -99
    assert np.abs(prosody(speech_of(tone(200), 1.0), 5, 40).level_db - 20 * np.log10(0.1 / 2**0.5)).max() < 0.1


def test_a_stretch_is_the_same_however_it_is_reached():
    sound = speech_of(lambda t: 0.2 * np.sin(2 * np.pi * (150 + 20 * np.sin(3 * t)) * t), 4.0)
    whole = prosody(sound, 0, 200)
    parts = [prosody(sound, first, 40) for first in range(0, 200, 40)]
    assert np.array_equal(np.concatenate([part.level_db for part in parts]), whole.level_db)
    assert np.array_equal(np.concatenate([part.pitch_hz for part in parts]), whole.pitch_hz)
