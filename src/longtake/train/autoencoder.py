"""Training the autoencoder: give the face back, the lips above all, even when the latents are a little wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from longtake.media.pixels import as_frames, as_pictures
from longtake.models.autoencoder import Autoencoder, AutoencoderSizes
from longtake.train.autoencoder_check import kept
from longtake.train.cost import cost, operations_of
from longtake.train.crops import LIPS, box, choose, take
from longtake.train.frames import FrameData, FrameStore, header
from longtake.train.recipe import Part, Recipe, make_sizes
from longtake.train.task import Batch, plain


class Data(FrameData):
    crop_px: int = 128
    batch: int = 16
    whole_from: float = 0.85  # share of the run after which whole pictures take the place of crops


class Aims(Part):
    """What the loss adds up."""

    gradient: float = 1.0  # L1 of differences between neighbouring pixels
    noise_std: float = 0.2  # most noise on the latents; each picture gets 0 to this
    spread: float = 0.1  # channels that say the same thing: mean square of their correlations
    settle: float = 1e-3  # statistics that wander: squares of each channel's mean and log spread
    frozen_from: float = 0.9  # share of the run after which the latent statistics stay


class AutoencoderTask:
    """Pictures in, pictures out, weighted to the face."""

    def __init__(self, recipe: Recipe):
        torch.manual_seed(recipe.run.seed)
        self.data, self.aims = Data.checked(recipe.data), Aims.checked(recipe.task)
        self.store = FrameStore(self.data.folder)
        self.sizes = make_sizes(AutoencoderSizes, recipe.sizes)
        self.model = Autoencoder(self.sizes)

    def batch(self, rng: np.random.Generator, share: float) -> Batch:
        side = self.store.frames.shape[1]
        whole = share >= self.data.whole_from
        size = side if whole else self.data.crop_px
        count = max(1, round(self.data.batch * self.data.crop_px**2 / size**2)) if whole else self.data.batch
        pictures, weights = [], []
        for index in rng.choice(self.store.train, count):
            picture, landmarks = self.store.frames[index], self.store.landmarks[index]
            centre = (side / 2, side / 2) if whole else choose(landmarks, side, size, rng)
            crop, weight = take(picture, landmarks, centre, size, rng)
            pictures.append(crop)
            weights.append(weight)
        return {
            "pictures": as_pictures(np.stack(pictures)),
            "weights": torch.from_numpy(np.stack(weights))[:, None],
        }

    def loss(self, model: nn.Module, batch: Batch, share: float) -> tuple[Tensor, dict[str, Tensor]]:
        pictures = batch["pictures"]
        noise_std = self.aims.noise_std * torch.rand(len(pictures), 1, 1, 1, device=pictures.device)
        found, raw = model(pictures, noise_std)
        if share < self.aims.frozen_from:
            plain(model, Autoencoder).observe(raw, 0.5 if share == 0 else 0.02)
        weights = batch["weights"] / batch["weights"].mean()
        error = found.float() - pictures
        apart = (error.abs() * weights).mean()
        across = ((error[..., 1:] - error[..., :-1]).abs() * weights[..., 1:]).mean()
        along = ((error[..., 1:, :] - error[..., :-1, :]).abs() * weights[..., 1:, :]).mean()
        alike, adrift = likeness(raw), drift(raw)
        total = apart + self.aims.gradient * (across + along) / 2
        total = total + self.aims.spread * alike + self.aims.settle * adrift
        return total, {"l1": apart, "edges": across + along, "alike": alike, "adrift": adrift}

    def frames(self, batch: Batch) -> int:
        return len(batch["pictures"])

    def sheet(self, model: nn.Module) -> tuple[np.ndarray, dict[str, float]]:
        chosen = self.store.examples(48)
        frames, landmarks = self.store.frames[chosen], self.store.landmarks[chosen]
        found = reconstruct(model, frames)
        noisy = reconstruct(model, frames[:48:6], noise_std=0.2)
        numbers = {"psnr": float(np.mean([psnr(a, b) for a, b in zip(frames, found, strict=True)]))}
        mouths = [_mouth(points, frames.shape[1]) for points in landmarks]
        numbers["psnr_mouth"] = float(
            np.mean([psnr(a[m], b[m]) for a, b, m in zip(frames, found, mouths, strict=True)])
        )
        numbers |= kept(frames, found, self.store.clip[chosen])
        return _sheet(frames[::6], found[::6], noisy, mouths[::6]), numbers

    def header(self) -> dict[str, Any]:
        return header(self.sizes, self.data, self.aims)


def likeness(raw: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    """Mean square of the correlations between different channels: 0 when each says something of its own.

    Without it most channels repeat the brightness, and the noise hides the rest.
    """
    values = raw.float().permute(1, 0, 2, 3).flatten(1)
    correlation = torch.corrcoef(values)
    channels = len(values)
    return (correlation.square().sum() - channels) / (channels * (channels - 1))


def drift(raw: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    """How far the channels are from zero mean and unit spread.

    The stored statistics take care of any; but where they run away, averaged weights meet latents they never saw.
    """
    std, mean = torch.std_mean(raw.float(), (0, 2, 3))
    return mean.square().mean() + std.clamp(min=1e-3).log().square().mean()


@torch.no_grad()
def reconstruct(model: nn.Module, frames: np.ndarray, noise_std: float = 0.0, at_once: int = 8) -> np.ndarray:
    """RGB uint8 frames through the autoencoder."""
    out = []
    for k in range(0, len(frames), at_once):
        pictures = as_pictures(frames[k : k + at_once])
        pictures = pictures.to(next(model.parameters()).device)
        found, _ = model(pictures, noise_std)
        out.append(as_frames(found))
    return np.concatenate(out)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB of two uint8 arrays."""
    return float(10 * np.log10(255**2 / max(1e-6, np.mean((a.astype(np.float32) - b.astype(np.float32)) ** 2))))


def _mouth(landmarks: np.ndarray, side: int) -> tuple[slice, slice]:
    """The lip box as slices; the lips and a fifth more, not the cheeks."""
    left, top, right, bottom = (int(np.clip(round(v), 0, side)) for v in box(landmarks, LIPS, 1.2))
    return slice(top, bottom), slice(left, right)


def _sheet(frames: np.ndarray, found: np.ndarray, noisy: np.ndarray, mouths: list[tuple[slice, slice]]) -> np.ndarray:
    """Columns of faces: true, found, found from noisy latents, and the mouths of true and found enlarged."""
    import cv2

    side = frames.shape[1]
    rows = [np.concatenate(list(x), axis=1) for x in (frames, found, noisy)]
    for pictures in (frames, found):
        zoomed = [
            cv2.resize(p[m], (side, side // 2), interpolation=cv2.INTER_NEAREST)
            for p, m in zip(pictures, mouths, strict=True)
        ]
        rows.append(np.concatenate(zoomed, axis=1))
    return np.concatenate(rows, axis=0)


def estimate(recipe: Recipe) -> str:
    """Parameters and work of the recipe, in words."""
    data = Data.checked(recipe.data)
    with torch.device("meta"):
        model = Autoencoder(make_sizes(AutoencoderSizes, recipe.sizes))
        picture = torch.zeros(1, 3, data.crop_px, data.crop_px)
    return cost("autoencoder", model, operations_of(lambda: model(picture)), f"a {data.crop_px} px crop")


def build(recipe: Recipe) -> AutoencoderTask:
    return AutoencoderTask(recipe)
