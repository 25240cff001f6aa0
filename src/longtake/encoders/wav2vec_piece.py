"""One pass of wav2vec2 over a sound that is never in memory as a whole.

What normalises the samples and the first convolution's channels are statistics of all of it. Both follow from a few sums
gathered in one reading, so every stretch that is computed later gets the numbers that the whole would have got.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from longtake.encoders.speech import RATE_HZ, Read

BLOCK_S = 10.0
"""Sound is read and convolved so much at a time; the numbers do not depend on it."""
SILENT = 1e-7
"""What the published normalisation adds to the variance."""


@dataclass(frozen=True)
class Level:
    """What a whole piece is normalised by: its samples, and each channel of the first convolution."""

    mean: float
    std: float
    channel_mean: Float[Tensor, "c 1"]
    channel_std: Float[Tensor, "c 1"]


class Piece:
    """One pass over a stretch of sound, of which any part can be computed by itself (attention sees that part).

    `silence` zeros follow it, after the normalisation.
    """

    def __init__(self, model: Any, read: Read, start: int, samples: int, frames: int, silence: int = 0):
        self.model, self.read, self.start, self.samples, self.frames = model, read, start, samples, frames
        convolutions = [layer.conv for layer in model.feature_extractor.conv_layers]
        self.hop, self.reach = 1, 1
        for convolution in convolutions:
            self.reach += (convolution.kernel_size[0] - 1) * self.hop
            self.hop *= convolution.stride[0]
        length = max(samples + silence, self.reach)
        self.silence = length - samples
        self.convolved_frames = (length - self.reach) // self.hop + 1
        self._level: Level | None = None

    @torch.inference_mode()
    def features(self, first: int, stop: int) -> Float[Tensor, "f layers d"]:
        """Hidden layers of frames first..stop-1, which see each other and no others."""
        model, device = self.model, next(self.model.parameters()).device
        # Both ends fall on both ends; in float32, as the published interpolation counts (it is 1e-4 of the features off).
        stride = torch.tensor(self.convolved_frames - 1.0) / max(self.frames - 1, 1)
        places = torch.arange(first, stop, dtype=torch.float32) * stride
        low = places.floor().long().clamp(max=self.convolved_frames - 1)
        heard = self.convolved(int(low[0]), min(int(low[-1]) + 2, self.convolved_frames))
        rows = low - low[0]
        after = (rows + 1).clamp(max=len(heard) - 1)
        share = (places - low).clamp(0, 1)[:, None].to(device)
        x = torch.lerp(heard[rows], heard[after], share)[None]
        layers = model.encoder.layers
        out = torch.empty(stop - first, len(layers), model.config.hidden_size)
        hooks = [layer.register_forward_hook(_keep(out, k)) for k, layer in enumerate(layers)]
        try:  # transformers gives hidden states from the top call only, and what is interpolated lies below it
            model.encoder(model.feature_projection(x)[0])
        finally:
            for hook in hooks:
                hook.remove()
        return out

    @torch.inference_mode()
    def convolved(self, first: int, stop: int) -> Float[Tensor, "t c"]:
        """What the convolutions hear, about 50 times a second, first..stop-1 on their own grid."""
        block = max(round(BLOCK_S * RATE_HZ) // self.hop, 1)
        return torch.cat([self._convolve(at, min(at + block, stop)) for at in range(first, stop, block)])

    def _convolve(self, first: int, stop: int) -> Float[Tensor, "t c"]:
        level, layers = self.level, self.model.feature_extractor.conv_layers
        x = self._normalised(first * self.hop, (stop - 1) * self.hop + self.reach, level)
        x = torch.from_numpy(x)[None].to(layers[0].conv.weight.device)
        norm = getattr(layers[0], "layer_norm", None)
        if isinstance(norm, nn.GroupNorm):  # over time, so over the whole piece
            x = (layers[0].conv(x) - level.channel_mean) / level.channel_std
            x = layers[0].activation(x * norm.weight[:, None] + norm.bias[:, None])[None]
        else:
            x = layers[0](x[None])
        for layer in layers[1:]:
            x = layer(x)
        return x[0].T

    def _normalised(self, first: int, stop: int, level: Level) -> Float[np.ndarray, " samples"]:
        last = min(stop, self.samples)
        x = np.zeros(stop - first, np.float32)
        if first < last:
            x[: last - first] = (self._read(first, last).astype(np.float64) - level.mean) / level.std
        return x

    def _read(self, first: int, stop: int) -> Float[np.ndarray, " samples"]:
        return np.asarray(self.read((self.start + first) / RATE_HZ, (self.start + stop) / RATE_HZ), np.float32)

    @property
    def level(self) -> Level:
        """The piece's own statistics: one pass over its sound, once."""
        if self._level is None:
            self._level = self._measure()
        return self._level

    def _measure(self) -> Level:
        """The channels' mean and spread follow from those of the patches that the first convolution sees."""
        convolution = self.model.feature_extractor.conv_layers[0].conv
        kernel, stride = convolution.kernel_size[0], convolution.stride[0]
        total, squares = 0.0, 0.0
        patches = Patches(kernel, stride)
        for first in range(0, self.samples, round(BLOCK_S * RATE_HZ)):
            x = self._read(first, min(first + round(BLOCK_S * RATE_HZ), self.samples)).astype(np.float64)
            total, squares = total + x.sum(), squares + np.square(x).sum()
            patches.add(x)
        mean = total / max(self.samples, 1)
        std = math.sqrt(max(squares / max(self.samples, 1) - mean**2, 0.0) + SILENT)
        centre, spread = patches.normalised(mean, std, self.silence)
        weight = convolution.weight[:, 0].double().cpu().numpy()
        channel_mean = weight @ centre + (0 if convolution.bias is None else convolution.bias.double().cpu().numpy())
        variance = np.einsum("ck,kj,cj->c", weight, spread, weight).clip(min=0)
        eps = getattr(getattr(self.model.feature_extractor.conv_layers[0], "layer_norm", None), "eps", 0.0)
        columns = (torch.as_tensor(x, dtype=torch.float32)[:, None] for x in (channel_mean, np.sqrt(variance + eps)))
        return Level(mean, std, *(column.to(convolution.weight.device) for column in columns))


class Patches:
    """Mean and covariance of a sound's patches of `kernel` samples, every `stride`, gathered block by block."""

    def __init__(self, kernel: int, stride: int):
        self.kernel, self.stride = kernel, stride
        self.count, self.sum, self.products = 0, np.zeros(kernel), np.zeros((kernel, kernel))
        self.rest = np.zeros(0)  # samples that belong to patches not yet whole

    def add(self, x: Float[np.ndarray, " samples"]) -> None:
        """Takes the next samples."""
        x = np.concatenate([self.rest, x])
        seen = self._cut(x)
        self.count, self.sum, self.products = (
            self.count + len(seen),
            self.sum + seen.sum(0),
            self.products + seen.T @ seen,
        )
        self.rest = x[len(seen) * self.stride :]

    def normalised(self, mean: float, std: float, silence: int) -> tuple[np.ndarray, np.ndarray]:
        """Mean (k) and covariance (k k) of the patches of (x - mean) / std with `silence` zeros behind."""
        tail = self._cut(np.concatenate([(self.rest - mean) / std, np.zeros(silence)]))
        shift = mean * (self.sum[:, None] + self.sum[None])
        total = (self.sum - self.count * mean) / std + tail.sum(0)
        products = (self.products - shift + self.count * mean**2) / std**2 + tail.T @ tail
        count = max(self.count + len(tail), 1)
        return total / count, products / count - np.outer(total, total) / count**2

    def _cut(self, x: np.ndarray) -> np.ndarray:
        if len(x) < self.kernel:
            return np.zeros((0, self.kernel))
        return np.lib.stride_tricks.sliding_window_view(x, self.kernel)[:: self.stride]


def _keep(out: Float[Tensor, "f layers d"], k: int):
    """A hook that copies a layer's output to its place."""

    def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
        out[:, k] = (output[0] if isinstance(output, tuple) else output)[0].float().cpu()

    return hook
