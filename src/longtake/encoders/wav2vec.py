"""The published speech encoder: the 12 hidden layers of wav2vec2, one row for each frame of the video.

Three things in wav2vec2 look at the whole sound: the normalisation of the samples, the normalisation of the first
convolution's channels, and attention. The published program cuts the sound into minutes, so features jump at every minute.
Here both normalisations are those of the whole sound, exactly, by one pass that keeps a few numbers; attention sees windows
of four minutes that overlap and fade into each other: a sound of up to four minutes is one pass, and memory is constant
(about 220 MB of features, twice that where two windows meet) however long it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from longtake.encoders.speech import Read
from longtake.errors import WeightsMismatch, WeightsMissing, missing

if TYPE_CHECKING:
    from transformers import Wav2Vec2Model

RATE_HZ = 16000
WINDOW_S, OVERLAP_S, FADE_S = 240.0, 20.0, 10.0
"""Attention sees so much at once; neighbouring windows share so much; the middle of that is where they fade."""
PUBLISHED_PIECE_S = 60.0
BLOCK_S = 10.0
"""Sound is read and convolved so much at a time; the numbers do not depend on it."""
SILENT = 1e-7
"""What the published normalisation adds to the variance."""

Pieces = Literal["whole", "published"]


def load_wav2vec(folder: Path | str) -> Wav2Vec2Model:
    """The network in a folder with `config.json` and `model.safetensors` (or the published `pytorch_model.bin`), float32."""
    try:
        from transformers import Wav2Vec2Model
    except ImportError as error:
        raise missing("transformers", "hallo2", "The published speech encoder") from error
    folder = Path(folder)
    if not (folder / "config.json").is_file():
        raise WeightsMissing(
            f"There is no wav2vec2 in {folder}",
            expected="config.json and model.safetensors of wav2vec2-base-960h",
            do="longtake weights fetch hallo2",
        )
    try:
        model, told = Wav2Vec2Model.from_pretrained(
            str(folder), local_files_only=True, output_loading_info=True, dtype=torch.float32
        )
    except Exception as error:  # a cut file, another network, no weights: each fails in its own way
        raise _mismatch(folder, str(error).splitlines()[0] if str(error) else type(error).__name__) from error
    lacking = [name for name in told["missing_keys"] if "masked_spec_embed" not in name]  # that one is for training
    if lacking or told["mismatched_keys"]:
        raise _mismatch(folder, f"{len(lacking) or 'some'} tensors are missing or have another shape")
    return model.eval().requires_grad_(False)


def frame_count(samples: int, fps: float) -> int:
    """How many frames a sound fills, the last perhaps in part. Exact: the published arithmetic is one too many at times."""
    return max(math.ceil(samples * Fraction(fps).limit_denominator(1001) / RATE_HZ), 1)


class Wav2VecFeatures:
    """Features of any stretch of a sound of any length, computed by windows as they are asked for.

    `pieces="published"` cuts the sound into minutes that know nothing of each other, as the published program does.
    `silence_frames` are added after the end, as zeros after the normalisation: how it fills its last clip.
    """

    def __init__(
        self,
        model: nn.Module,
        read: Read,
        seconds: float,
        fps: float = 25,
        pieces: Pieces = "whole",
        silence_frames: int = 0,
        window_s: float = WINDOW_S,
        overlap_s: float = OVERLAP_S,
        fade_s: float = FADE_S,
    ):
        assert window_s >= 2 * overlap_s >= 2 * fade_s
        self.fps = fps
        samples = round(seconds * RATE_HZ)
        length = samples if pieces == "whole" else round(PUBLISHED_PIECE_S * RATE_HZ)
        starts = range(0, max(samples, 1), max(length, 1))
        self.pieces = [
            Piece(model, read, start, min(length, samples - start), fps, silence_frames if start == starts[-1] else 0)
            for start in starts
        ]
        self.places = _windows(
            [piece.frames for piece in self.pieces], *(round(s * fps) for s in (window_s, overlap_s))
        )
        self.fade = max(round(fade_s * fps), 1)
        self.frames = sum(piece.frames for piece in self.pieces)
        self.done: dict[int, Float[Tensor, "t layers d"]] = {}

    def windows(self, first_frame: int, frames: int, fps: float, window: int) -> Float[Tensor, "f window layers d"]:
        """For each frame its feature in the middle of `window` neighbouring ones; the ends of the sound repeat."""
        assert fps == self.fps, f"features at {self.fps} frames a second were prepared, not {fps}"
        rows = first_frame + torch.arange(frames)[:, None] + torch.arange(window) - window // 2
        rows = rows.clamp(0, self.frames - 1)
        first = int(rows.min())
        return self.between(first, int(rows.max()) + 1)[rows - first]

    def between(self, first: int, stop: int) -> Float[Tensor, "f layers d"]:
        """Features of frames first..stop-1 of the sound."""
        touched, parts = {}, []
        for k, place in enumerate(self.places):
            low, high = max(first, place.shown(self.fade)[0]), min(stop, place.shown(self.fade)[1])
            if low < high:
                touched[k] = self.done[k] if k in self.done else self._compute(place)
                parts.append(
                    (low - first, high - first, place.weights(low, high, self.fade), touched[k], low - place.first)
                )
        self.done = touched  # what the next stretch may need as well
        out = torch.zeros(stop - first, *parts[0][3].shape[1:])
        for low, high, weights, features, start in parts:
            out[low:high] += weights[:, None, None] * features[start : start + high - low]
        return out

    def _compute(self, place: Place) -> Float[Tensor, "t layers d"]:
        piece = self.pieces[place.piece]
        return piece.features(place.first - place.offset, place.stop - place.offset)


@dataclass(frozen=True)
class Place:
    """Where one window of attention lies, in frames of the sound; it fades in about `rise` and out about `fall`."""

    piece: int
    offset: int  # first frame of its piece
    first: int
    stop: int
    rise: float | None  # None: nothing to fade from
    fall: float | None

    def shown(self, fade: int) -> tuple[int, int]:
        """The frames in which this window has a say."""
        first = self.first if self.rise is None else max(self.first, math.floor(self.rise - fade / 2))
        stop = self.stop if self.fall is None else min(self.stop, math.ceil(self.fall + fade / 2) + 1)
        return first, stop

    def weights(self, first: int, stop: int, fade: int) -> Float[Tensor, " f"]:
        """How much this window counts in frames first..stop-1; with its neighbours it adds up to one."""
        frames = torch.arange(first, stop, dtype=torch.float64)
        weights = torch.ones_like(frames)
        if self.rise is not None:
            weights *= ((frames - self.rise) / fade + 0.5).clamp(0, 1)
        if self.fall is not None:
            weights *= ((self.fall - frames) / fade + 0.5).clamp(0, 1)
        return weights.float()


def _windows(pieces: list[int], window: int, overlap: int) -> list[Place]:
    """The windows of all pieces in order; the last one of a piece ends with it and is as long as the others."""
    places, offset = [], 0
    for k, frames in enumerate(pieces):
        length = min(window, frames)
        starts = [min(start, frames - length) for start in range(0, max(frames - overlap, 1), window - overlap)]
        middles = [offset + (end + length + start) / 2 for end, start in pairwise(starts)]
        for start, rise, fall in zip(starts, [None, *middles], [*middles, None], strict=True):
            places.append(Place(k, offset, offset + start, offset + start + length, rise, fall))
        offset += frames
    return places


@dataclass(frozen=True)
class Level:
    """What a whole piece is normalised by: its samples, and each channel of the first convolution."""

    mean: float
    std: float
    channel_mean: Float[Tensor, "c 1"]
    channel_std: Float[Tensor, "c 1"]


class Piece:
    """One pass over a stretch of sound, of which any part can be computed by itself (attention sees that part)."""

    def __init__(self, model: Any, read: Read, start: int, samples: int, fps: float, silence_frames: int = 0):
        self.model, self.read, self.start, self.samples = model, read, start, samples
        convolutions = [layer.conv for layer in model.feature_extractor.conv_layers]
        self.hop, self.reach = 1, 1
        for convolution in convolutions:
            self.reach += (convolution.kernel_size[0] - 1) * self.hop
            self.hop *= convolution.stride[0]
        length = max(samples + silence_frames * int(RATE_HZ / fps), self.reach)
        self.silence = length - samples
        self.frames = frame_count(samples, fps) + silence_frames
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


def _mismatch(folder: Path, reason: str) -> WeightsMismatch:
    return WeightsMismatch(
        f"The wav2vec2 in {folder} can't be used: {reason}",
        expected="config.json and model.safetensors of wav2vec2-base-960h",
        do="longtake weights check tells what is wrong; longtake weights fetch hallo2 fetches it again",
    )
