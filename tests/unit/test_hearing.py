"""What is wrong with a sound is measured while it is decoded and told with what to do; a clean voice is left in peace."""

import numpy as np
import pytest

from longtake.media.hearing import Hearing
from longtake.media.sound_doubts import sound_doubts

RATE = 16_000
RNG = np.random.default_rng(0)


def voice(seconds=8.0, rate=RATE, level=0.1):
    """Syllables with a gliding pitch, hissing consonants between them, and pauses: what a voice does and music does not."""
    times = np.arange(round(seconds * rate)) / rate
    pitch = 130 + 35 * np.sin(2 * np.pi * 0.9 * times) + 12 * np.sin(2 * np.pi * 2.3 * times)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    buzz = sum(np.sin(k * phase) / k for k in range(1, min(30, int(rate / 2 / 180))))
    syllable = np.clip(np.sin(2 * np.pi * 3.1 * times), 0, 1) * (np.sin(2 * np.pi * 0.35 * times) > -0.8)
    hiss = np.clip(-np.sin(2 * np.pi * 3.1 * times), 0, 1) * (np.sin(2 * np.pi * 0.35 * times) > -0.2)
    sound = buzz * syllable + 0.4 * hiss * np.random.default_rng(1).normal(size=len(times))
    return (
        level * sound / np.sqrt(np.mean(sound**2)) + 1e-4 * np.random.default_rng(2).normal(size=len(times))
    ).astype(np.float32)


def noise(seconds=8.0, level=0.1, rate=RATE):
    return (level * RNG.normal(size=round(seconds * rate))).astype(np.float32)


def chords(seconds=8.0, level=0.1):
    times = np.arange(round(seconds * RATE)) / RATE
    roots = 220 * 2.0 ** (np.array([0, 5, 7, 3])[(times // 1.0).astype(int) % 4] / 12)
    sound = sum(np.sin(2 * np.pi * roots * ratio * times) for ratio in (1, 1.26, 1.5, 2, 3, 4))
    return (level * sound / np.sqrt(np.mean(sound**2))).astype(np.float32)


def measures(sound, rate=RATE, block=1024):
    hearing = Hearing(rate)
    for start in range(0, len(sound), block):
        hearing.hear(sound[start : start + block])
    return hearing.measures()


def told(sound, rate=RATE, **how):
    sound = np.clip(sound, -1, 1)
    return sound_doubts(measures(sound, rate), len(sound) / rate, **how)


@pytest.mark.parametrize("rate", [16_000, 22_050, 48_000])
def test_a_clean_voice_is_left_in_peace_at_any_rate(rate):
    assert told(voice(rate=rate), rate) == ()


@pytest.mark.parametrize(
    ("sound", "words"),
    [
        (3 * voice(), "clipped"),
        (0.3 * np.clip(3 * voice(), -1, 1), "clipped"),  # made quieter afterwards, it is clipped still
        (voice() + noise(level=0.03), "quietest moments"),
        (voice() + chords(level=0.05), "music"),
        (chords() + noise(level=0.005), "music"),
        (0.02 * voice(), "quiet"),
        (np.concatenate([voice(), np.zeros(11 * RATE, np.float32), voice()]), "Nobody speaks for 11 s from 0:08 on"),
        (
            np.concatenate([voice(), np.zeros(11 * RATE, np.float32), voice()]) + noise(27.0, 0.005),
            "Nobody speaks for 11",
        ),
    ],
    ids=[
        "clipped",
        "clipped and made quieter",
        "noisy",
        "voice and music",
        "music",
        "quiet",
        "long silence",
        "long silence with noise",
    ],
)
def test_each_fault_is_told_alone(sound, words):
    said = told(sound)
    assert len(said) == 1 and words in said[0], said


def test_noise_and_music_do_not_matter_where_the_voice_is_taken_out_of_them():
    assert told(voice() + chords(level=0.05), separated=True) == ()


def test_what_a_telephone_took_away_is_told_whether_the_file_owns_up_or_not():
    import soxr

    narrow = soxr.resample(voice(), RATE, 8000)
    (said,) = told(narrow, 8000)
    assert "8000" in said
    (said,) = told(soxr.resample(narrow, 8000, 44_100), 44_100)
    assert "4 kHz" in said


def test_a_very_long_speech_is_told_to_be_tried_first():
    (said,) = sound_doubts(measures(voice()), 4 * 3600)
    assert "4:00:00" in said and "minute" in said


def test_the_blocks_in_which_a_decoder_gives_the_sound_change_nothing():
    sound = voice(5.3)
    assert measures(sound, block=313) == measures(sound, block=100_000)
    assert measures(sound, 44_100, block=313) == pytest.approx(measures(sound, 44_100, block=100_000), abs=0.01)


def test_what_is_kept_does_not_grow_with_the_length():
    def kept(hearing):
        parts = (hearing, hearing.levels, hearing.silences, hearing.tones)
        arrays = [value for part in parts for value in vars(part).values() if isinstance(value, np.ndarray)]
        arrays += [*hearing.waiting, *(part.pieces.rest for part in parts[1:])]
        return sum(array.nbytes for array in arrays)

    hearing, sizes = Hearing(RATE), []
    for _ in range(6):
        hearing.hear(voice(4.0))
        sizes.append(kept(hearing))
    assert max(sizes) == min(sizes)


@pytest.mark.parametrize("samples", [0, 1, 700])
def test_almost_no_sound_is_no_trouble(samples):
    assert told(np.zeros(samples, np.float32)) == ()
    assert all(np.isfinite(value) for value in measures(np.zeros(samples, np.float32)).values())
