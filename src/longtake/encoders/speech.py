"""The speech encoder: sound in, several hidden layers out, 50 times a second; a bounded view of about one second each way.

No normalisation looks along time, so a feature depends on its own second or two of sound and nothing else:
features of a window equal features of the whole.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

RATE_HZ = 16000
HOP = 160  # 10 ms between mel frames
WINDOW = 400  # 25 ms
FFT = 512
FEATURE_HZ = 50
SAMPLES_PER_FEATURE = RATE_HZ // FEATURE_HZ
WINDOW_STRIDE = 2  # the animation hears windows of features 25 times a second


@dataclass(frozen=True)
class SpeechSizes:
    """Sizes of the speech encoder; `taps` are the blocks (counted from 1) whose outputs are the hidden layers."""

    mels: int = 80
    width: int = 192
    blocks: int = 8
    kernel: int = 13
    expand: int = 4
    taps: tuple[int, ...] = (2, 4, 6, 8)
    phonemes: int = 55
    visemes: int = 15

    @property
    def reach(self) -> int:
        """How many features to each side one feature sees."""
        return self.blocks * (self.kernel // 2) + 2

    @property
    def layers(self) -> int:
        return len(self.taps)


@lru_cache
def mel_filters(mels: int) -> Float[Tensor, "mels bins"]:
    """Triangles evenly spaced on the mel scale (2595 log10(1 + f/700)) from 40 Hz to 7.6 kHz, each of unit area."""

    def to_mel(hz: float) -> float:
        return 2595 * math.log10(1 + hz / 700)

    points = 700 * (10 ** (np.linspace(to_mel(40.0), to_mel(7600.0), mels + 2) / 2595) - 1)
    bins = np.arange(FFT // 2 + 1) * RATE_HZ / FFT
    low, middle, high = points[:-2, None], points[1:-1, None], points[2:, None]
    rise, fall = (bins - low) / (middle - low), (high - bins) / (high - middle)
    weights = np.maximum(0, np.minimum(rise, fall))
    return torch.tensor(weights / np.maximum(weights.sum(1, keepdims=True), 1e-6), dtype=torch.float32)


def log_mel(samples: Float[Tensor, "b samples"], mels: int = 80) -> Float[Tensor, "b mels m"]:
    """Log-mel energies, about zero mean and unit scale for speech; frame m is centred on sample m * 160.

    The caller pads: `samples` begin WINDOW / 2 before the centre of frame 0.
    """
    with torch.autocast(samples.device.type, enabled=False):
        frames = samples.float().unfold(-1, WINDOW, HOP) * torch.hann_window(WINDOW, device=samples.device)
        power = torch.fft.rfft(frames, n=FFT).abs().square()
        energy = power @ mel_filters(mels).to(samples.device).T
    return ((energy + 1e-5).log() / 3 + 1).transpose(1, 2)


class RMSNorm(nn.Module):
    """Scales the channels of each position to unit mean square: nothing crosses positions."""

    def __init__(self, width: int):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        return F.rms_norm(x, (x.shape[-1],), self.scale.to(x.dtype), eps=1e-6)


class Block(nn.Module):
    """ConvNeXt in one dimension: a wide depthwise convolution, then a small network at each position."""

    def __init__(self, width: int, kernel: int, expand: int):
        super().__init__()
        self.mix = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = RMSNorm(width)
        self.up = nn.Linear(width, width * expand)
        self.down = nn.Linear(width * expand, width)
        self.gain = nn.Parameter(torch.full((width,), 0.3))

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        y = self.mix(x.transpose(1, 2)).transpose(1, 2)
        y = self.down(F.relu(self.up(self.norm(y))).square())
        return x + self.gain * y


class SpeechEncoder(nn.Module):
    """Log-mel frames at 100 Hz in, hidden layers at 50 Hz out; the heads are for training and tests."""

    def __init__(self, sizes: SpeechSizes = SpeechSizes()):
        super().__init__()
        self.sizes = sizes
        self.stem = nn.Conv1d(sizes.mels, sizes.width, 5, stride=2, padding=2)
        self.blocks = nn.ModuleList(Block(sizes.width, sizes.kernel, sizes.expand) for _ in range(sizes.blocks))
        self.norms = nn.ModuleList(RMSNorm(sizes.width) for _ in sizes.taps)
        self.heads = nn.ModuleList(nn.Linear(sizes.width, sizes.phonemes + sizes.visemes + 1) for _ in sizes.taps)

    def forward(self, mel: Float[Tensor, "b mels m"]) -> Float[Tensor, "b t layers d"]:
        """Hidden layers, each normalised per position; feature k is centred on mel frame 2k."""
        x = self.stem(mel).transpose(1, 2)
        layers = []
        for k, block in enumerate(self.blocks, start=1):
            x = block(x)
            if k in self.sizes.taps:
                layers.append(self.norms[len(layers)](x))
        return torch.stack(layers, dim=2)

    def classify(self, layers: Float[Tensor, "b t layers d"], tap: int = -1) -> tuple[Tensor, Tensor, Tensor]:
        """Phoneme logits, viseme logits and mouth openness (about 0..1) by the head of one hidden layer."""
        sizes = self.sizes
        out = self.heads[tap](layers[:, :, tap])
        phonemes, visemes, openness = out.split([sizes.phonemes, sizes.visemes, 1], dim=-1)
        return phonemes, visemes, openness[..., 0]


Read = Callable[[float, float], np.ndarray]


class SpeechFeatures:
    """Features of any stretch of a sound of any length, read in windows; memory does not grow with duration.

    Work goes by blocks on a fixed grid, each with its own margin, so the same feature comes out bit for bit
    whatever stretch was asked for.
    """

    block = 128  # features computed together: 2.56 s

    def __init__(self, encoder: SpeechEncoder, read: Read, keep: int = 4):
        self.encoder, self.read, self.keep = encoder, read, keep
        self.done: OrderedDict[int, Float[Tensor, "t layers d"]] = OrderedDict()
        self.held, self.held_first = np.zeros(0, np.float32), 0

    def between(self, first: int, stop: int) -> Float[Tensor, "t layers d"]:
        """Features first..stop-1 on the 50 Hz grid (feature k at k/50 s); they may begin before 0 or end after the sound."""
        blocks = range(first // self.block, (stop - 1) // self.block + 1)
        start = blocks[0] * self.block
        return torch.cat([self._block(k) for k in blocks])[first - start : stop - start]

    def at_frames(self, first: int, frames: int, fps: float, context: int = 0) -> Float[Tensor, "f t layers d"]:
        """For each frame its feature at i/fps, between two neighbours on the grid, and `context` more to each side."""
        times = (first + torch.arange(frames, dtype=torch.float64)) / fps * FEATURE_HZ
        low = times.floor().long()
        share = (times - low).to(torch.float32)[:, None, None, None]
        begin = int(low[0]) - context
        features = self.between(begin, int(low[-1]) + context + 2)
        rows = (low - begin)[:, None] + torch.arange(-context, context + 1)
        return torch.lerp(features[rows], features[rows + 1], share)

    def windows(self, first_frame: int, frames: int, fps: float, window: int) -> Float[Tensor, "f window layers d"]:
        """For each frame its feature in the middle of `window` neighbouring ones, 25 a second: every other one of the grid."""
        return self.at_frames(first_frame, frames, fps, context=window // 2 * WINDOW_STRIDE)[:, ::WINDOW_STRIDE]

    def _block(self, k: int) -> Float[Tensor, "t layers d"]:
        if k not in self.done:
            self.done[k] = self._compute(k)
            while len(self.done) > self.keep:
                self.done.popitem(last=False)
        return self.done[k]

    @torch.inference_mode()
    def _compute(self, k: int) -> Float[Tensor, "t layers d"]:
        reach = self.encoder.sizes.reach
        first, stop = k * self.block - reach, (k + 1) * self.block + reach
        margin = WINDOW // 2
        samples = self._samples(first * SAMPLES_PER_FEATURE - margin, stop * SAMPLES_PER_FEATURE + margin)
        weight = self.encoder.stem.weight
        mel = log_mel(torch.as_tensor(samples, dtype=torch.float32)[None].to(weight.device), self.encoder.sizes.mels)
        return self.encoder(mel.to(weight.dtype))[0, reach : reach + self.block].float()

    def _samples(self, first: int, stop: int) -> Float[np.ndarray, " samples"]:
        """Samples first..stop-1; what the last block read is kept, because reading a file backwards decodes it again."""
        end = self.held_first + len(self.held)
        if not self.held_first <= first <= end or stop < end:
            self.held, self.held_first, end = np.zeros(0, np.float32), first, first
        new = np.asarray(self.read(end / RATE_HZ, stop / RATE_HZ), np.float32)
        self.held = np.concatenate([self.held[first - self.held_first :], new])
        self.held_first = first
        return self.held
