"""Thirteen mel cepstra of each 10 ms of sound, as SyncNet reads them (the defaults of python_speech_features)."""

from __future__ import annotations

from functools import cache

import numpy as np
from jaxtyping import Float

RATE_HZ, WINDOW, HOP, FFT = 16_000, 400, 160, 512
FILTERS, KEPT, LIFTER, EMPHASIS = 26, 13, 22, 0.97


def mfcc(samples: Float[np.ndarray, " samples"], lead: int = 0) -> Float[np.ndarray, "frames 13"]:
    """The cepstra of the windows that fit; samples in the range of 16 bits. With `lead` 1 the first is only looked back at."""
    values = np.append(samples[:1], samples[1:] - EMPHASIS * samples[:-1])[lead:].astype(np.float64)
    frames = np.lib.stride_tricks.sliding_window_view(values, WINDOW)[::HOP]
    power = np.square(np.abs(np.fft.rfft(frames, FFT))) / FFT
    least = np.finfo(float).eps
    bands = np.log(np.maximum(power @ filters().T, least))
    cepstra = bands @ cosines().T
    cepstra[:, 0] = np.log(np.maximum(power.sum(axis=1), least))  # the energy stands for the first
    return cepstra


@cache
def filters() -> Float[np.ndarray, "26 bins"]:
    """Triangles between whole bins, evenly spaced on the mel scale from 0 to 8 kHz."""
    top = 2595 * np.log10(1 + RATE_HZ / 2 / 700)
    hz = 700 * (10 ** (np.linspace(0, top, FILTERS + 2) / 2595) - 1)
    edges = np.floor((FFT + 1) * hz / RATE_HZ)
    bins = np.arange(FFT // 2 + 1)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rise, fall = (bins - low) / (middle - low), (high - bins) / (high - middle)
    return np.where((bins >= low) & (bins < middle), rise, np.where((bins >= middle) & (bins < high), fall, 0.0))


@cache
def cosines() -> Float[np.ndarray, "13 26"]:
    """The orthonormal cosine transform, its higher rows lifted."""
    rows, columns = np.arange(KEPT)[:, None], np.arange(FILTERS)
    basis = np.cos(np.pi * rows * (2 * columns + 1) / (2 * FILTERS)) * np.sqrt(2 / FILTERS)
    basis[0] /= np.sqrt(2)
    return basis * (1 + LIFTER / 2 * np.sin(np.pi * rows / LIFTER))
