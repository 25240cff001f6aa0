"""Training the speech encoder: name the phoneme and the viseme of each 20 ms through any room and noise."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from longtake.encoders.speech import FEATURE_HZ, SAMPLES_PER_FEATURE, WINDOW, SpeechEncoder, SpeechSizes, log_mel
from longtake.train.cost import cost
from longtake.train.recipe import Part, Recipe, make_sizes
from longtake.train.sounds import LABEL_HZ, RATE_HZ, UNLABELLED, SoundStore, Utterance
from longtake.train.spoil import spoil
from longtake.train.task import Batch, plain

SMOOTH = np.hanning(13)[1:-1] / np.hanning(13).sum()  # 110 ms: lips do not jump


class Data(Part):
    folder: Path = Path("data/sounds")
    seconds: float = 4.0  # of one window
    batch: int = 24
    unlabelled: float = 0.2  # share of windows of real speech without labels


class Aims(Part):
    """What the loss adds up; the last layer counts 1."""

    earlier: float = 0.3  # each earlier hidden layer
    openness: float = 1.0  # regression of mouth openness
    agree: float = 0.5  # the spoiled view agrees with the clean one (real speech)
    confident: float = 0.8  # where the clean view is at least so sure
    agree_from: float = 0.15  # share of the run after which this begins


class SpeechTask:
    """Phonemes, visemes and openness of synthetic speech; agreement with oneself on real speech."""

    def __init__(self, recipe: Recipe):
        torch.manual_seed(recipe.run.seed)
        self.data, self.aims = Data.checked(recipe.data), Aims.checked(recipe.task)
        self.store = SoundStore(self.data.folder)
        self.sizes = make_sizes(SpeechSizes, recipe.sizes)
        self.model = SpeechEncoder(self.sizes)
        self.labelled = Pool(self.store.split("train"))
        self.real = Pool(self.store.split("train", labelled=False))
        self.openness = self.store.alphabet.openness

    def batch(self, rng: np.random.Generator, share: float) -> Batch:
        count = round(self.data.batch * self.data.unlabelled) if self.real.utterances else 0
        rows = [self._window(self.real, rng) for _ in range(count)]
        rows += [self._window(self.labelled, rng) for _ in range(self.data.batch - count)]
        names = ("samples", "clean", "phonemes", "visemes", "openness")
        columns = zip(*rows, strict=True)
        batch = {name: np.stack(column) for name, column in zip(names, columns, strict=True)}
        batch["clean"] = batch["clean"][:count]  # only real speech needs its clean view
        return {name: torch.from_numpy(column) for name, column in batch.items()}

    def loss(self, model: nn.Module, batch: Batch, share: float) -> tuple[Tensor, dict[str, Tensor]]:
        aims, real = self.aims, len(batch["clean"])
        mel = mask_bands(log_mel(batch["samples"], self.sizes.mels))
        layers = model(mel)
        phonemes, visemes, openness = (batch[name].clone() for name in ("phonemes", "visemes", "openness"))
        agree = real and share > aims.agree_from
        if agree:
            phonemes[:real], visemes[:real], openness[:real] = self._own_view(batch["clean"])
        known = visemes != UNLABELLED
        total = torch.zeros((), device=mel.device)
        for tap in range(self.sizes.layers):
            last = tap == self.sizes.layers - 1
            p, v, o = (x.float() for x in plain(model, SpeechEncoder).classify(layers, tap))
            weight = torch.ones_like(o)
            weight[:real] = aims.agree
            losses = _entropy(p, phonemes, weight), _entropy(v, visemes, weight), _squares(o, openness, weight * known)
            total = total + (1.0 if last else aims.earlier) * (losses[0] + losses[1] + aims.openness * losses[2])
        right = (v.argmax(-1) == visemes)[real:].float().mean(), (p.argmax(-1) == phonemes)[real:].float().mean()
        logs = dict(zip(("phoneme", "viseme", "open"), losses, strict=True))
        return total, logs | {"viseme_right": right[0], "phoneme_right": right[1]}

    def frames(self, batch: Batch) -> int:
        return batch["phonemes"].numel()

    def sheet(self, model: nn.Module) -> tuple[None, dict[str, float]]:
        from longtake.train.speech_check import check

        return None, check(plain(model, SpeechEncoder), self.store)

    def header(self) -> dict[str, Any]:
        alphabet = self.store.alphabet
        return {
            "sizes": asdict(self.sizes),
            "settings": self.data.model_dump(exclude={"folder"}) | self.aims.model_dump(),
            "phonemes": list(alphabet.phonemes),
            "visemes": list(alphabet.visemes),
            "corpus_seed": "none: the recorded corpus in assets/speech and assets/librispeech",
        }

    def _window(self, pool: Pool, rng: np.random.Generator):
        features = round(self.data.seconds * FEATURE_HZ)
        wanted = features * SAMPLES_PER_FEATURE + WINDOW
        utterance = pool.draw(rng)
        speed = float(np.exp(rng.uniform(-0.16, 0.16))) if rng.random() < 0.7 else 1.0
        spare = utterance.samples - wanted * speed
        first = int(rng.uniform(min(0, spare) - RATE_HZ // 4, max(0, spare) + RATE_HZ // 4))
        clean = stretch(self.store.cut(utterance, first, int(wanted * speed) + 2), wanted, speed)
        if rng.random() < 0.5:
            clean = -clean  # polarity says nothing
        other = None
        if rng.random() < 0.5 and self.real.utterances:
            talker = self.real.draw(rng)
            other = self.store.cut(talker, int(rng.integers(max(1, talker.samples - wanted))), wanted)
        spoiled = spoil(clean, rng, other) if rng.random() < 0.85 else clean
        times = (first + (np.arange(features + 1) * SAMPLES_PER_FEATURE + WINDOW / 2) * speed) / RATE_HZ
        phonemes, visemes = self.store.labels(utterance, times)
        openness = self._open(utterance, times)
        labels = phonemes.astype(np.int64), visemes.astype(np.int64), openness
        return spoiled, clean, *labels

    def _open(self, utterance: Utterance, times: np.ndarray) -> np.ndarray:
        if not utterance.labelled:
            return np.zeros(len(times), np.float32)
        offsets = (np.arange(len(SMOOTH)) - len(SMOOTH) // 2) / LABEL_HZ
        _, around = self.store.labels(utterance, (times[:, None] + offsets).ravel())
        return (self.openness[around].reshape(len(times), -1) @ SMOOTH).astype(np.float32)

    @torch.no_grad()
    def _own_view(self, clean: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the model says of the clean recording, and nothing where it is unsure."""
        phonemes, visemes, openness = self.model.classify(self.model(log_mel(clean, self.sizes.mels)))
        sure, names = [], []
        for logits in (phonemes, visemes):
            chance, name = logits.float().softmax(-1).max(-1)
            sure.append(chance >= self.aims.confident)
            names.append(name)
        return (
            torch.where(sure[0], names[0], UNLABELLED),
            torch.where(sure[1], names[1], UNLABELLED),
            openness.float(),
        )


class Pool:
    """Utterances drawn in proportion to their length."""

    def __init__(self, utterances: list[Utterance]):
        self.utterances = utterances
        lengths = np.array([u.samples for u in utterances], np.float64)
        self.edges = np.cumsum(lengths) / max(1.0, lengths.sum())

    def draw(self, rng: np.random.Generator) -> Utterance:
        return self.utterances[min(int(np.searchsorted(self.edges, rng.random())), len(self.utterances) - 1)]


def stretch(samples: np.ndarray, wanted: int, speed: float) -> np.ndarray:
    """`wanted` samples read `speed` times as fast: shorter and higher, or longer and deeper."""
    if speed == 1.0:
        return samples[:wanted]
    return np.interp(np.arange(wanted) * speed, np.arange(len(samples)), samples).astype(np.float32)


def mask_bands(mel: Tensor) -> Tensor:
    """The log-mel picture with up to ten neighbouring bands silenced in a third of the rows."""
    rows, bands = mel.shape[:2]
    first = torch.randint(0, bands, (rows, 1), device=mel.device)
    width = torch.randint(0, 10, (rows, 1), device=mel.device) * (torch.rand(rows, 1, device=mel.device) < 0.33)
    band = torch.arange(bands, device=mel.device)
    hidden = (band >= first) & (band < first + width)
    return mel.masked_fill(hidden[..., None], 0.0)


def estimate(recipe: Recipe) -> str:
    """Parameters and work of the recipe, in words."""
    with torch.device("meta"):
        model = SpeechEncoder(make_sizes(SpeechSizes, recipe.sizes))
    operations = 2 * sum(p.numel() for p in model.parameters()) * FEATURE_HZ
    return cost("speech encoder", model, operations, "a second of sound")


def build(recipe: Recipe) -> SpeechTask:
    return SpeechTask(recipe)


def _entropy(logits: Tensor, names: Tensor, weight: Tensor) -> Tensor:
    known = (names != UNLABELLED) * weight
    losses = F.cross_entropy(logits.flatten(0, 1), names.flatten().clamp(max=logits.shape[-1] - 1), reduction="none")
    return (losses * known.flatten()).sum() / known.sum().clamp(min=1)


def _squares(values: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    return ((values - wanted).square() * weight).sum() / weight.sum().clamp(min=1) * 10
