"""Step 5 of the flow: latents become frames, a few at a time."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from longtake.media.pixels import as_frames
from longtake.networks import Networks


@torch.inference_mode()
def decode_frames(
    latents: Float[Tensor, "f c h w"], networks: Networks, at_a_time: int, tail: int
) -> tuple[UInt8[np.ndarray, "f H W 3"], Float[np.ndarray, "n 3 H W"]]:
    """RGB frames of the latents, and the last `tail` of them unrounded; only `at_a_time` are in the decoder at once."""
    frames, last = [], []
    for part in latents.split(at_a_time):
        pictures = networks.autoencoder.decode(part).float().clamp(-1, 1)
        frames.append(as_frames(pictures))
        last = [*last, *pictures.cpu()][-tail:]
    return np.concatenate(frames), torch.stack(last).numpy()
