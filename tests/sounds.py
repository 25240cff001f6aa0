"""Sounds in memory, read as the encoders read them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def reader(samples: np.ndarray, asked: list[tuple[int, int]] | None = None) -> Callable[[float, float], np.ndarray]:
    """What gives the samples between two times at 16 kHz, silence around them; every stretch asked for goes into `asked`."""

    def read(start_s: float, stop_s: float) -> np.ndarray:
        first, stop = round(start_s * 16000), round(stop_s * 16000)
        if asked is not None:
            asked.append((first, stop))
        padded = np.zeros(stop - first, np.float32)
        low, high = max(first, 0), min(stop, len(samples))
        if high > low:
            padded[low - first : high - first] = samples[low:high]
        return padded

    return read
