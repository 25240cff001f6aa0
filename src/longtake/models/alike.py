"""The mean over frames that look alike: what differs from frame to frame though nothing moves, as noise does, goes away."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

BLOCK_PX = 4
SOFT = 0.3
"""How fast a frame's weight falls as it looks less alike, for each square grey level a pixel; 3.3 apart is e times less."""
NOISY = 32.0
"""Square grey levels a pixel two frames are apart by noise alone, from which on likeness is told half as finely."""
QUIET = 0.1
"""The share of places that is taken to stand still, whose differences are the noise of a frame."""


def mean_of_alike(frames: Float[Tensor, "f c H W"]) -> Float[Tensor, "f c H W"]:
    """Each place of each frame, averaged over the frames that show the same there; `H` and `W` are multiples of 4.

    Frames are in [-1, 1]. What moves keeps only itself: it has no likeness closer than the noise allows. One frame stays,
    equal frames stay, and the order of frames says nothing. Nothing is learned here.
    """
    if len(frames) == 1:
        return frames
    height, width = (side // BLOCK_PX for side in frames.shape[2:])
    with _never_in_halves(frames.device.type):
        blocks = frames.float().view(len(frames), -1, height, BLOCK_PX, width, BLOCK_PX)
        # (h·w) × frames × width, as where the predictor aligns
        rows = blocks.permute(2, 4, 0, 1, 3, 5).reshape(height * width, len(frames), -1)
        weights = torch.exp(-SOFT * _too_far(_apart(rows, height, width)))
        mean = (weights / weights.sum(-1, keepdim=True)) @ rows
    places = mean.view(height, width, len(frames), -1, BLOCK_PX, BLOCK_PX)
    return places.permute(2, 3, 0, 4, 1, 5).reshape(frames.shape).to(frames.dtype)


def _never_in_halves(device: str) -> AbstractContextManager:
    """Halves can't tell squares that are nearly equal. Devices that know no autocast, as meta, need nothing."""
    return torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext()


def _apart(rows: Float[Tensor, "p f w"], height: int, width: int) -> Float[Tensor, "p f f"]:
    """How far apart two frames are around a place: mean squares of grey levels, over the place and its eight neighbours."""
    count = rows.shape[1]
    products = rows @ rows.mT
    square = products.diagonal(dim1=1, dim2=2)
    apart = (square[:, :, None] + square[:, None] - 2 * products) * (127.5**2 / rows.shape[2])
    places = apart.unflatten(0, (height, width)).flatten(2).permute(2, 0, 1)[None]  # pairs of frames as channels
    around = F.avg_pool2d(places, 3, stride=1, padding=1, count_include_pad=False)
    return around[0].permute(1, 2, 0).reshape(height * width, count, count)


def _too_far(apart: Float[Tensor, "p f f"]) -> Float[Tensor, "p f f"]:
    """How much further apart frames are than noise makes them; 0 of a frame to itself.

    Noise is how far the likest other frame is, where that is believable: up to twice what is seen in quiet places. The more
    of it, the more likeness wavers by chance, and the less a difference counts.
    """
    itself = torch.eye(apart.shape[1], dtype=torch.bool, device=apart.device)
    near = apart.masked_fill(itself, torch.inf).amin(-1)
    quiet = near.kthvalue(max(1, int(QUIET * len(near))), dim=0).values
    noise = torch.minimum(near, 2 * quiet)[..., None]
    return ((apart - noise).clamp_min(0) / (1 + noise / NOISY)).masked_fill(itself, 0)
