"""The whole flow in miniature: networks with random weights, a drawn portrait, a sound without a file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from longtake.clips import Portrait
from longtake.encoders.speech import SpeechEncoder
from longtake.encoders.speech import SpeechSizes as EncoderSizes
from longtake.face.regions import regions_of_rectangles
from longtake.models.animation import Animation, mini_sizes
from longtake.models.autoencoder import Autoencoder, AutoencoderSizes
from longtake.networks import Networks
from longtake.settings import Settings

SIDE = 64
SETTINGS = Settings().overlay(
    {
        "portrait": {"size_px": SIDE},
        "sampling": {"steps": 2},
        "motion": {"patch_px": 8},
        "drift": {"every": 0},  # noise has no face to guard
    }
)


class Chirp:
    """A sound that is different at every moment."""

    def window(self, start, stop):
        times = np.arange(start, stop) / 16000
        return (0.3 * np.sin(2 * np.pi * (200 + 90 * times) * times) * (times >= 0)).astype(np.float32)


class FakeWords:
    """A word encoder that gives every text numbers of its own and does not know any word with a q."""

    width = 8

    def embed(self, texts):
        draws = (np.random.default_rng(sum(text.encode())).normal(size=self.width) for text in texts)
        return torch.from_numpy(np.stack(list(draws))).float()

    def unknown(self, text):
        return [word for word in text.split() if "q" in word]


def tiny_networks(words: FakeWords | None = None) -> Networks:
    """Networks whose every part matters: what holds for them holds for trained ones."""
    torch.manual_seed(0)
    width = words.width if words else 0
    sizes = mini_sizes((32, 32), speech_layers=2, speech_features=16, speech_hidden=16, speech_tokens=2, words=width)
    encoder = EncoderSizes(width=16, blocks=2, kernel=3, expand=1, taps=(1, 2))
    # Random weights whose decoder begins at zero would show grey whatever happens: shake everything.
    modules = [
        Animation(sizes),
        Autoencoder(AutoencoderSizes(widths=(16, 16, 16), blocks=(1, 1, 1))),
        SpeechEncoder(encoder),
    ]
    for module in modules:
        for parameter in module.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
        module.eval().requires_grad_(False)
    return Networks(*modules, 0.5, {}, {}, torch.device("cpu"), torch.float32, words)


def tiny_portrait() -> Portrait:
    """Noise with regions, as if it were a face."""
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
    regions = regions_of_rectangles((12, 10, 52, 56), (22, 36, 42, 50), SIDE, SIDE, (4, 2))
    eyes = np.zeros((SIDE, SIDE), bool)
    eyes[20:28, 18:46] = True
    landmarks = rng.uniform(10, 50, (468, 3)).astype(np.float32)
    return Portrait(
        picture, landmarks, (32.0, 32.0, 32.0), rng.normal(size=128).astype(np.float32), replace(regions, eyes=eyes)
    )
