"""Ways to spoil a recording, so that the speech encoder learns to hear through them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from longtake.train.sounds import RATE_HZ

Samples = Float[np.ndarray, " samples"]


def spoil(samples: Samples, rng: np.random.Generator, other: Samples | None = None) -> Samples:
    """The recording in a room, through a narrow line, in noise, with other people talking, too loud or too quiet."""
    samples = _filter(samples, rng)
    if rng.random() < 0.6:
        samples = add_noise(samples, rng, snr_db=rng.uniform(3, 35))
    if other is not None and rng.random() < 0.2:
        samples = samples + other * (level(samples) / level(other) * 10 ** (-rng.uniform(8, 25) / 20))
    samples = samples * np.float32(10 ** (rng.uniform(-16, 9) / 20))
    if rng.random() < 0.1:
        samples = _quantise(samples, levels=int(rng.choice([63, 127])))
    return np.clip(samples, -1, 1).astype(np.float32)


def add_noise(samples: Samples, rng: np.random.Generator, snr_db: float) -> Samples:
    """The recording with noise of a random colour (white to brown) at a signal-to-noise ratio over its whole length."""
    noise = _coloured(len(samples), rng, slope=rng.uniform(0, 1.1))
    return samples + noise * np.float32(level(samples) / level(noise) * 10 ** (-snr_db / 20))


def level(samples: Samples) -> float:
    """Root mean square, never zero."""
    return float(np.sqrt(np.mean(np.square(samples))) + 1e-5)


def _coloured(count: int, rng: np.random.Generator, slope: float) -> Samples:
    """Noise whose amplitude falls as 1 / f^slope: 0 white, 0.5 pink, 1 brown."""
    size = _fast(count)
    spectrum = np.fft.rfft(rng.standard_normal(size, dtype=np.float32))
    hz = np.fft.rfftfreq(size, 1 / RATE_HZ)
    spectrum *= np.maximum(hz, 60.0) ** -slope
    return np.fft.irfft(spectrum, size)[:count].astype(np.float32)


def _filter(samples: Samples, rng: np.random.Generator) -> Samples:
    """Room, band limit and tone in one multiplication of spectra."""
    room, band, tone = rng.random(3) < (0.4, 0.35, 0.5)
    if not (room or band or tone):
        return samples
    size = _fast(len(samples) + RATE_HZ // 2)
    hz = np.fft.rfftfreq(size, 1 / RATE_HZ).astype(np.float32)
    gain = np.ones(len(hz), np.float32)
    if band:  # a telephone, an old codec, a small loudspeaker
        low, high = rng.uniform(30, 350), rng.uniform(2800, 8000)
        gain *= 1 / (1 + (low / np.maximum(hz, 1)) ** 6) / (1 + (hz / high) ** 12)
    if tone:
        knots = rng.uniform(-7, 7, 6)
        octave = np.log2(np.maximum(hz, 60) / 60)
        gain *= 10 ** (np.interp(octave, np.linspace(0, 7.1, 6), knots) / 20).astype(np.float32)
    spectrum = np.fft.rfft(samples, size) * gain
    if room:
        spectrum *= np.fft.rfft(_room(rng), size)
    before = level(samples)
    out = np.fft.irfft(spectrum, size)[: len(samples)].astype(np.float32)
    return out * np.float32(before / level(out))


def _room(rng: np.random.Generator) -> Samples:
    """An impulse response: the direct sound, then noise that fades by 60 dB in 0.12 to 0.7 s."""
    fade_s = rng.uniform(0.12, 0.7)
    times = np.arange(int(min(fade_s, 0.5) * RATE_HZ), dtype=np.float32) / RATE_HZ
    tail = rng.standard_normal(len(times), dtype=np.float32) * np.exp(-6.9 * times / fade_s).astype(np.float32)
    tail *= (times > rng.uniform(0.001, 0.01)) * 10 ** (-rng.uniform(-2, 14) / 20) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return tail.astype(np.float32)


def _quantise(samples: Samples, levels: int) -> Samples:
    """Mu-law at few levels, as cheap telephony does it."""
    x = np.clip(samples, -1, 1)
    y = np.sign(x) * np.log1p(255 * np.abs(x)) / np.log(256)
    y = np.round(y * levels) / levels
    return (np.sign(y) * np.expm1(np.abs(y) * np.log(256)) / 255).astype(np.float32)


def _fast(count: int) -> int:
    from scipy.fft import next_fast_len

    return next_fast_len(count, real=True)  # pyright: ignore[reportReturnType]  # its Python body is empty
