"""How a voice is used: how loud it is and how high, 50 times a second, from sound that is read piece by piece."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from longtake.clips import SAMPLE_RATE_HZ, Speech

HOP_S = 0.02
HOP, WINDOW, FFT = round(HOP_S * SAMPLE_RATE_HZ), 768, 2048
"""Samples from one measure to the next; samples that one is made of (three periods of the lowest voice); with zeros behind."""
LOWEST_HZ, HIGHEST_HZ = 70, 400
LAGS = np.arange(SAMPLE_RATE_HZ // HIGHEST_HZ, SAMPLE_RATE_HZ // LOWEST_HZ + 1)
VOICED = 0.5
"""A sound that is so like itself a period later has a pitch."""
OCTAVE_COST = 0.02
"""A period twice as long must be so much better: every multiple of the right one is as good."""
FLOOR_DB = -100.0
SHAPE = np.hanning(WINDOW)


@dataclass(frozen=True, eq=False)
class Prosody:
    """The voice in a stretch of sound, a number for each hop."""

    level_db: Float[np.ndarray, " hops"]  # of full scale
    pitch_hz: Float[np.ndarray, " hops"]  # 0 where there is no pitch


def prosody(speech: Speech, first: int, count: int) -> Prosody:
    """The voice of `count` hops from hop `first` on; a hop's numbers depend on nothing but the sound around its middle."""
    start = first * HOP + HOP // 2 - WINDOW // 2
    stop = start + (count - 1) * HOP + WINDOW
    samples = speech.read(start / SAMPLE_RATE_HZ, stop / SAMPLE_RATE_HZ).astype(np.float64)
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    frames = (frames - frames.mean(axis=1, keepdims=True)) * SHAPE
    power = np.square(frames).sum(axis=1) / np.square(SHAPE).sum()
    # Rounded, so that the order in which a processor adds can't decide anything.
    return Prosody(np.round(10 * np.log10(power + 10 ** (FLOOR_DB / 10)), 3), np.round(_pitch(frames), 2))


def _pitch(frames: Float[np.ndarray, "hops window"]) -> Float[np.ndarray, " hops"]:
    """The pitch of each frame by autocorrelation, that of the window's shape taken out; 0 for none."""
    like = _autocorrelation(frames)
    like = like / (like[:, :1] + 1e-9) / (_autocorrelation(SHAPE[None]) / np.square(SHAPE).sum())[:, : like.shape[1]]
    here, before, after = like[:, LAGS], like[:, LAGS - 1], like[:, LAGS + 1]
    peak = (here > before) & (here >= after) & (here > VOICED)
    merit = np.where(peak, here - OCTAVE_COST * np.log2(LAGS / LAGS[0]), -np.inf)
    best = merit.argmax(axis=1)
    rows = np.arange(len(frames))
    low, middle, high = before[rows, best], here[rows, best], after[rows, best]
    bend = low - 2 * middle + high  # of the parabola through the three: its top lies between the lags
    period = LAGS[best] + np.where(bend < 0, 0.5 * (low - high) / np.where(bend < 0, bend, 1.0), 0.0)
    return np.where(peak.any(axis=1), SAMPLE_RATE_HZ / period, 0.0)


def _autocorrelation(frames: Float[np.ndarray, "hops window"]) -> Float[np.ndarray, "hops lags"]:
    """How like itself each frame is so many samples later, up to the longest period and one more."""
    return np.fft.irfft(np.abs(np.fft.rfft(frames, FFT, axis=1)) ** 2, axis=1)[:, : LAGS[-1] + 2]
