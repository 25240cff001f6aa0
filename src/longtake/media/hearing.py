"""How good a sound is to speak by: measured block by block while it is decoded, in memory that does not grow with its length.

Levels are those of 20 ms in dB of full scale; all but clipping is measured at 16 kHz, as the networks hear it.
"""

from __future__ import annotations

import numpy as np
import soxr
from jaxtyping import Float

from longtake.clips import SAMPLE_RATE_HZ

LEVEL_S, STRETCH_S = 0.02, 0.1
"""What one level is measured over, and what silences are counted in."""
FLOOR_DB = -100
QUIET_DB = np.arange(-80, -9, dtype=np.float64)
"""What may count as silence: how loud the voice is, is only known at the end, so runs are counted under each of these."""
BELOW_VOICE_DB, ABOVE_NOISE_DB, LEAST_BELOW_DB = 35.0, 6.0, 15.0
"""Silence is so far below the voice, or, in a noisy sound, no more above the noise; always so much below the voice."""
PEAKS = 4096
"""Steps of the histogram of absolute values; clipped sound piles up in the last ones below its peak."""
WINDOW, HOP = 1024, 512
TONE_BINS = slice(16, 250)  # 250 Hz to 3.9 kHz: above the hum of mains, below what codecs cut off
TONE_DB, AROUND = 8.0, 10
"""A tone stands out of the bins around it by so much."""
TONE_FRAMES = 6
"""Frames (of 32 ms) that a tone stays in its bin: notes do, the overtones of a voice glide on."""
TREBLE_BIN = 4000 * WINDOW // SAMPLE_RATE_HZ


class Hearing:
    """Told a sound block by block, it knows what matters to a speaking face."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.resampler = (
            None if rate_hz == SAMPLE_RATE_HZ else soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32")
        )
        self.waiting: list[np.ndarray] = []
        self.waits = 0
        self.peaks = np.zeros(PEAKS + 1, np.int64)
        self.levels, self.silences, self.tones = Levels(), Silences(), Tones()

    def hear(self, mono: Float[np.ndarray, " samples"]) -> None:
        """Takes the next samples, at the file's own rate, within -1..1."""
        self.waiting.append(mono)
        self.waits += len(mono)
        if self.waits >= self.rate_hz:  # a second at a time: decoders give blocks of some milliseconds
            self._measure(last=False)

    def measures(self) -> dict[str, float]:
        """What the sound is like, after its end."""
        self._measure(last=True)
        voice_db, noise_db = self.levels.percentile(95), self.levels.percentile(10)
        silence_db = min(voice_db - LEAST_BELOW_DB, max(voice_db - BELOW_VOICE_DB, noise_db + ABOVE_NOISE_DB))
        silence_db = float(np.clip(silence_db, QUIET_DB[0], QUIET_DB[-1]))
        stretch_s, start_s = self.silences.longest(silence_db)
        measured = {
            "rate_hz": self.rate_hz,
            "voice_db": voice_db,
            "noise_db": noise_db,
            "clipped_share": self._clipped_share(),
            "silent_share": self.levels.share_below(silence_db),
            "longest_silence_s": stretch_s,
            "longest_silence_at_s": start_s,
            "tone_share": self.tones.share,
            "treble_db": self.tones.treble_db,
        }
        return {name: round(value, 4) for name, value in measured.items()}

    def _measure(self, last: bool) -> None:
        samples = np.concatenate([*self.waiting, np.zeros(0, np.float32)]).astype(np.float32)
        self.waiting, self.waits = [], 0
        steps = np.minimum(np.abs(samples) * PEAKS, PEAKS).astype(np.int64)
        self.peaks += np.bincount(steps, minlength=PEAKS + 1)
        if self.resampler is not None:
            samples = self.resampler.resample_chunk(samples, last=last)
        for part in (self.levels, self.silences, self.tones):
            part.hear(samples)

    def _clipped_share(self) -> float:
        """The share of the loud samples that pile up in the last hundredth below the peak.

        In a free sound there are next to none, or, where it is a tone, not many more than in the hundredths before.
        """
        found = np.flatnonzero(self.peaks)
        if not len(found) or found[-1] < PEAKS // 100:
            return 0.0
        peak = int(found[-1])
        top, before = self.peaks[round(0.99 * peak) :].sum(), self.peaks[round(0.97 * peak) : round(0.99 * peak)].sum()
        return float(max(0, top - 3 * before) / self.peaks[round(0.2 * peak) :].sum())


class Pieces:
    """Cuts samples into pieces of `size`; what is left over waits for more."""

    def __init__(self, size: int, hop: int | None = None) -> None:
        self.size, self.hop = size, hop or size
        self.rest = np.zeros(0, np.float32)

    def cut(self, samples: np.ndarray) -> Float[np.ndarray, "pieces size"]:
        samples = np.concatenate([self.rest, samples])
        count = max(0, (len(samples) - self.size) // self.hop + 1)
        self.rest = samples[count * self.hop :].copy()
        if count == 0:
            return np.zeros((0, self.size), np.float32)
        return np.lib.stride_tricks.sliding_window_view(samples, self.size)[:: self.hop][:count]


class Levels:
    """How often each level occurs, in steps of 1 dB."""

    def __init__(self) -> None:
        self.pieces = Pieces(round(LEVEL_S * SAMPLE_RATE_HZ))
        self.counts = np.zeros(-FLOOR_DB + 1, np.int64)

    def hear(self, samples: np.ndarray) -> None:
        steps = np.rint(_levels_db(self.pieces.cut(samples)) - FLOOR_DB).astype(np.int64)
        self.counts += np.bincount(np.clip(steps, 0, -FLOOR_DB), minlength=len(self.counts))

    def percentile(self, percent: float) -> float:
        """The level that so many percent of the sound stay below; the floor for no sound at all."""
        total = self.counts.sum()
        return float(np.searchsorted(np.cumsum(self.counts), percent / 100 * total) + FLOOR_DB) if total else FLOOR_DB

    def share_below(self, level_db: float) -> float:
        return float(self.counts[: max(0, round(level_db - FLOOR_DB))].sum() / max(1, self.counts.sum()))


class Silences:
    """The longest stretch below each level that may turn out to be silence, and where it begins."""

    def __init__(self) -> None:
        self.pieces = Pieces(round(STRETCH_S * SAMPLE_RATE_HZ))
        self.heard = 0
        self.run, self.best, self.ends = (np.zeros(len(QUIET_DB), np.int64) for _ in range(3))

    def hear(self, samples: np.ndarray) -> None:
        for level in _levels_db(self.pieces.cut(samples)):
            self.heard += 1
            self.run = np.where(level < QUIET_DB, self.run + 1, 0)
            longer = self.run > self.best
            self.best[longer], self.ends[longer] = self.run[longer], self.heard

    def longest(self, below_db: float) -> tuple[float, float]:
        """Length and start in seconds."""
        index = int(np.argmin(np.abs(QUIET_DB - below_db)))
        best, end = int(self.best[index]), int(self.ends[index])
        return best * STRETCH_S, (end - best) * STRETCH_S


class Tones:
    """How much of the time a steady tone sounds, as notes of music do and voices don't; and how much treble there is."""

    def __init__(self) -> None:
        self.pieces = Pieces(WINDOW, HOP)
        self.window = np.hanning(WINDOW).astype(np.float32)
        self.power = np.zeros(WINDOW // 2 + 1)
        self.run = np.zeros(TONE_BINS.stop - TONE_BINS.start, np.int64)
        self.frames = self.steady = 0

    def hear(self, samples: np.ndarray) -> None:
        frames = self.pieces.cut(samples)
        if not len(frames):
            return
        power = np.abs(np.fft.rfft(frames * self.window, axis=1)) ** 2
        self.power += power.sum(axis=0)
        for tones in _tones(power):
            self.run = np.where(tones, self.run + 1, 0)
            self.steady += bool((self.run >= TONE_FRAMES).any())
        self.frames += len(frames)

    @property
    def share(self) -> float:
        return self.steady / max(1, self.frames)

    @property
    def treble_db(self) -> float:
        """Power above 4 kHz against all of it; far below -50 dB where a telephone or a strong codec cut it off."""
        total = self.power.sum()
        return float(10 * np.log10(max(self.power[TREBLE_BIN:].sum() / total, 1e-10))) if total else 0.0


def _tones(power: Float[np.ndarray, "frames bins"]) -> np.ndarray:
    """Which bins of TONE_BINS are peaks that stand out of those around them, and are no faint rest of a quiet moment."""
    decibels = 10 * np.log10(power[:, : TONE_BINS.stop + AROUND + 1] + 1e-14)
    sums = np.cumsum(np.pad(decibels, ((0, 0), (1, 0))), axis=1)
    low, high = TONE_BINS.start, TONE_BINS.stop
    mean = (sums[:, low + AROUND + 1 : high + AROUND + 1] - sums[:, low - AROUND : high - AROUND]) / (2 * AROUND + 1)
    here = decibels[:, TONE_BINS]
    peak = (here >= decibels[:, low - 1 : high - 1]) & (here >= decibels[:, low + 1 : high + 1])
    return peak & (here > mean + TONE_DB) & (here > -30)


def _levels_db(pieces: Float[np.ndarray, "pieces size"]) -> Float[np.ndarray, " pieces"]:
    return 10 * np.log10(np.mean(np.square(pieces, dtype=np.float64), axis=1) + 1e-10)
