"""Weights and inputs of the golden arrays, rebuilt from names.

Every number of the golden arrays depends on (name, shape, seed) only: each tensor is drawn by a generator of its own,
seeded by the CRC of its name, and scaled so that activations stay near unit size. So no checkpoint is needed.
"""

import math
import zlib

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


def standard(name: str, shape: tuple[int, ...], seed: int = 0) -> Tensor:
    """Unit normal numbers that belong to this name."""
    own = (zlib.crc32(name.encode()) ^ seed) % 2**31
    return torch.randn(tuple(shape), generator=torch.Generator().manual_seed(own))


def weight(name: str, shape: tuple[int, ...], seed: int = 0) -> Tensor:
    """The tensor called `name`: matrices scaled by fan-in, norm scales around 1, biases around 0."""
    if name.endswith("weight_g"):  # the gain of a weight norm is drawn as one axis, whatever its shape
        return (1 + 0.1 * 0.02 * standard(name, (math.prod(shape),), seed)).reshape(tuple(shape))
    z = standard(name, shape, seed)
    if name.endswith("running_var"):
        return 1 + 0.1 * z.abs()
    if len(shape) > 1:
        return z / math.sqrt(math.prod(shape[1:]))
    return 1 + 0.1 * z if name.endswith("weight") else 0.02 * z


def sinusoids(length: int, width: int) -> Tensor:
    """Position table (1, length, width): sine on even channels, cosine on odd ones."""
    place = torch.arange(length).unsqueeze(1)
    rate = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
    table = torch.zeros(1, length, width)
    table[0, :, 0::2], table[0, :, 1::2] = torch.sin(place * rate), torch.cos(place * rate)
    return table


def weights(shapes: dict[str, tuple[int, ...]], prefix: str = "", seed: int = 0) -> dict[str, Tensor]:
    """All tensors of a network; `prefix` counts for the drawing but is not part of the returned names."""
    return {
        name: sinusoids(shape[1], shape[2]) if name.endswith(".pe") else weight(prefix + name, shape, seed)
        for name, shape in shapes.items()
    }


def normal(name: str, shape: tuple[int, ...], seed: int = 0) -> Tensor:
    """A unit normal input of shape (1, *shape)."""
    return weight(f"input.{name}", (1, *shape), seed) * float(math.prod(shape)) ** 0.5


def masks(latent: int, seed: int = 0) -> list[Tensor]:
    """Region maps per level, (1, 3, side, side): pose, face, lip."""
    sides = [max(latent >> level, 1) for level in range(4)]
    return [
        torch.stack(
            [
                torch.sigmoid(normal(f"{kind}_mask.{level}", (side * side,), seed)).view(1, side, side)
                for kind in ("full", "face", "lip")
            ],
            dim=1,
        )
        for level, side in enumerate(sides)
    ]


def network_inputs(latent: int, frames: int, motion: int, seed: int = 0) -> dict:
    """What one forward of the five networks takes, without the guidance halves."""
    return {
        "latents": normal("latents", (4, frames, latent, latent), seed),
        "pictures": 0.9 * normal("ref_latents", (1 + motion, 4, latent, latent), seed)[0],
        "identity": normal("face_emb", (512,), seed),
        "rectangle": (normal("face_mask", (3, 8 * latent, 8 * latent), seed) > 0).float(),
        "speech": normal("audio", (frames, 5, 12, 768), seed),
        "regions": masks(latent, seed),
    }


def smooth_picture(name: str, side: int, seed: int = 0) -> Tensor:
    """A smooth random picture, (1, 3, side, side), 0 to 1."""
    return torch.sigmoid(5 * F.avg_pool2d(normal(name, (3, side, side), seed), 5, 1, 2))


def ramps(width: int, height: int) -> np.ndarray:
    """A picture of red and green ramps and a blue checker, (height, width, 3) uint8."""
    y, x = np.mgrid[:height, :width]
    red, green = x * 255 // max(width - 1, 1), y * 255 // max(height - 1, 1)
    return np.stack([red, green, (x // 7 + y // 5) % 2 * 200 + 20], -1).astype(np.uint8)


def chirp(seconds: float) -> np.ndarray:
    """A rising tone of changing loudness with a weak high one, 16 kHz float32."""
    t = np.arange(int(seconds * 16000)) / 16000
    rising = np.sin(2 * np.pi * (120 + 40 * t) * t) * (0.5 + 0.5 * np.sin(6 * np.pi * t))
    return (0.4 * rising + 0.05 * np.sin(2 * np.pi * 1900 * t)).astype(np.float32)


def thinned(flat: Tensor, limit: int) -> Tensor:
    """Every k-th value, k odd and just large enough to leave at most `limit`; all values if limit is 0."""
    flat = flat.reshape(-1)
    if limit == 0:
        return flat
    stride = -(-flat.numel() // limit)
    return flat[:: stride + (stride > 1 and stride % 2 == 0)]


def error(ours: Tensor, golden: Tensor) -> float:
    """Largest difference over the standard deviation of the golden array; NaN in ours marks what we never compute."""
    ours, golden = ours.double().reshape(-1), golden.double().reshape(-1)
    assert ours.shape == golden.shape, f"{tuple(ours.shape)} against {tuple(golden.shape)}"
    known = ~ours.isnan()
    assert known.any()
    return ((ours - golden)[known].abs().max() / (golden.std() + 1e-12)).item()
