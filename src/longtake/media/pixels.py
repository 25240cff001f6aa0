"""The two forms of a picture and the way between them: RGB uint8 on the media side, [-1, 1] on the networks' side."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor


def as_pictures(frames: UInt8[np.ndarray, "f H W 3"]) -> Float32[Tensor, "f 3 H W"]:
    """RGB frames as pictures in [-1, 1]; `as_frames` gives the same frames back.

    In memory the channels stay last, as convolutions on a CPU like them.
    """
    return torch.as_tensor(frames).permute(0, 3, 1, 2).float() / 127.5 - 1


def as_frames(pictures: Float[Tensor, "f 3 H W"]) -> UInt8[np.ndarray, "f H W 3"]:
    """Pictures in [-1, 1] as RGB uint8, rounded (the released code truncates)."""
    pixels = (pictures.float().clamp(-1, 1) + 1) * 127.5
    return pixels.round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()
