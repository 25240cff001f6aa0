"""Step 3 of the flow: the last frames of a segment, corrupted so that they hand on motion and never appearance.

Paper 3.1: square patches of the decoded motion frames are dropped, then Gaussian noise is added to their latents. What is
left tells how the head moves but not what the skin looks like, so errors of appearance can't pile up over hours.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor


def drop_patches(
    frames: Float[Tensor, "n c H W"],
    generator: torch.Generator,
    patch_px: int,
    drop_rate: float,
    share_mask: bool = False,
    keep: Bool[Tensor, "H W"] | None = None,
) -> Float[Tensor, "n c H W"]:
    """Frames in [-1, 1] with a share `drop_rate` of their `patch_px` squares set to mid grey (paper 3.1, equation 3).

    One mask for all frames if `share_mask`, else one each. `keep` marks pixels that are never dropped (the released code
    exempts the face). With `patch_px=1`, a shared mask and one running generator this draws what the released code draws.
    """
    n, _, height, width = frames.shape
    masks = 1 if share_mask else n
    rows, columns = math.ceil(height / patch_px), math.ceil(width / patch_px)
    draw = torch.rand(masks, rows, columns, generator=generator)
    kept = (draw > drop_rate).repeat_interleave(patch_px, 1).repeat_interleave(patch_px, 2)[:, :height, :width]
    if keep is not None:
        kept = kept | keep
    return frames * kept[:, None].to(frames)


def whole_patches(mask: Bool[np.ndarray, "H W"], patch_px: int) -> Bool[np.ndarray, "H W"]:
    """All pixels of the patches that a mask touches: what is dropped on purpose looks like what is dropped by chance."""
    height, width = mask.shape
    padded = np.pad(mask, ((0, -height % patch_px), (0, -width % patch_px)))
    touched = padded.reshape(padded.shape[0] // patch_px, patch_px, -1, patch_px).any(axis=(1, 3))
    return touched.repeat(patch_px, 0).repeat(patch_px, 1)[:height, :width]


def add_noise(
    latents: Float[Tensor, "n c h w"], generator: torch.Generator, noise_std: float
) -> Float[Tensor, "n c h w"]:
    """Latents with Gaussian noise of standard deviation `noise_std` added (paper 3.1, equation 4: sigma)."""
    if noise_std == 0:
        return latents
    return latents + noise_std * torch.randn(latents.shape, generator=generator).to(latents)


def motion_frames(
    tail: Float[Tensor, "n c H W"] | None, portrait: Float[Tensor, "c H W"], count: int
) -> Float[Tensor, "n c H W"]:
    """The frames that guide the next segment: the tail, or `count` copies of the portrait before the first segment."""
    if tail is None:
        return portrait.expand(count, *portrait.shape)
    return tail[-count:]
