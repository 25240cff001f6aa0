"""How well the speech encoder hears: frame accuracies on held-out voices and texts, and a linear probe to openness."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from longtake.encoders.speech import FEATURE_HZ, WINDOW, SpeechEncoder, log_mel
from longtake.train.sounds import LABEL_HZ, SoundStore, Utterance
from longtake.train.spoil import add_noise

SMOOTH = np.hanning(13)[1:-1] / np.hanning(13).sum()


def check(model: SpeechEncoder, store: SoundStore, limit: int = 40) -> dict[str, float]:
    """Share of 20 ms frames named right (silence included), clean and at 10 dB, by split; and the probe's correlation."""
    numbers = {}
    for split in ("test_voice", "test_text", "test_both"):
        for name, snr_db in (("clean", None), ("10db", 10.0)):
            right = [_right(model, store, u, snr_db) for u in store.split(split)[:limit]]
            phoneme, viseme, frames = np.sum(right, axis=0)
            numbers[f"{split}_{name}_phoneme"] = phoneme / frames
            numbers[f"{split}_{name}_viseme"] = viseme / frames
    numbers["probe_openness"] = probe(model, store)
    return numbers


def probe(model: SpeechEncoder, store: SoundStore, learn: int = 60, test: int = 40) -> float:
    """Correlation of a ridge regression from the hidden layers to openness, on utterances by voices it never heard."""
    train = store.split("train")
    x, y = _pairs(model, store, train[:: max(1, len(train) // learn)])
    ridge = x.T @ x + 10.0 * np.eye(x.shape[1])
    weights = np.linalg.solve(ridge, x.T @ y)
    x, y = _pairs(model, store, (store.split("test_both") + store.split("test_voice"))[:test])
    return float(np.corrcoef(x @ weights, y)[0, 1])


def _right(model: SpeechEncoder, store: SoundStore, utterance: Utterance, snr_db: float | None) -> tuple[float, ...]:
    layers, times = _hear(model, store, utterance, snr_db)
    phonemes, visemes, _ = model.classify(layers)
    names = store.labels(utterance, times)
    found = [x[0].argmax(-1).numpy() for x in (phonemes, visemes)]
    return float((found[0] == names[0]).sum()), float((found[1] == names[1]).sum()), float(len(times))


def _pairs(model: SpeechEncoder, store: SoundStore, utterances: list[Utterance]) -> tuple[np.ndarray, np.ndarray]:
    """Features with a constant column, and smoothed openness by the labels."""
    rows, wanted = [], []
    for utterance in utterances:
        layers, times = _hear(model, store, utterance, None)
        rows.append(layers[0].flatten(1).numpy())
        offsets = (np.arange(len(SMOOTH)) - len(SMOOTH) // 2) / LABEL_HZ
        _, around = store.labels(utterance, (times[:, None] + offsets).ravel())
        wanted.append(store.alphabet.openness[around].reshape(len(times), -1) @ SMOOTH)
    x = np.concatenate(rows).astype(np.float64)
    return np.concatenate([x, np.ones((len(x), 1))], axis=1), np.concatenate(wanted)


@torch.no_grad()
def _hear(
    model: SpeechEncoder, store: SoundStore, utterance: Utterance, snr_db: float | None
) -> tuple[Tensor, np.ndarray]:
    samples = store.cut(utterance, 0, utterance.samples)
    if snr_db is not None:
        samples = add_noise(samples, np.random.default_rng(utterance.first_sample), snr_db)
    padded = np.pad(samples, WINDOW // 2)
    weight = model.stem.weight
    layers = model(log_mel(torch.from_numpy(padded)[None].to(weight.device), model.sizes.mels)).float().cpu()
    return layers, np.arange(layers.shape[1]) / FEATURE_HZ
