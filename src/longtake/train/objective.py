"""What the denoiser learns: velocity or the clean latents, weighted per sample by min-SNR and per place by face, lips and eyes.

The released code configures min-SNR but averages the error to one number first, so its weights do nothing; here each
sample keeps its own (docs/paper.md, the ledger).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from longtake.diffusion.schedule import Prediction


@dataclass(frozen=True)
class Noised:
    """A batch on its way to the denoiser: what it sees and what it should say."""

    latents: Float[Tensor, "b c f h w"]
    target: Float[Tensor, "b c f h w"]
    snr: Float[Tensor, "b f"]


def noise_latents(
    clean: Float[Tensor, "b c f h w"],
    step: Int[Tensor, "b f"],
    alphas_cumprod: Float[Tensor, " steps"],
    noise: Float[Tensor, "b c f h w"],
    prediction: Prediction = "v",
) -> Noised:
    """`clean` at training step `step`, and what is to be predicted: the velocity a * noise - s * clean, or `clean`.

    The frames of a segment share their step; unrelated frames have one each.
    """
    alpha = alphas_cumprod[step]
    signal, sigma = (x[:, None, :, None, None] for x in (alpha.sqrt(), (1 - alpha).sqrt()))
    target = clean if prediction == "clean" else signal * noise - sigma * clean
    return Noised(signal * clean + sigma * noise, target, alpha / (1 - alpha).clamp_min(1e-8))


def min_snr_weight(snr: Float[Tensor, "b f"], gamma: float, prediction: Prediction = "v") -> Float[Tensor, "b f"]:
    """The weight of a squared error: min(snr + 1, gamma) for clean latents, that over snr + 1 for a velocity.

    Hang et al. 2023, shifted by one for zero SNR. An error of the velocity is sqrt(snr + 1) times that of the clean
    latents it implies, so both predictions are asked for the same.
    """
    weight = (snr + 1).clamp_max(gamma)
    return weight if prediction == "clean" else weight / (snr + 1)


def place_weight(
    *gained: tuple[Float[Tensor, "b h w"], float],
) -> Float[Tensor, "b h w"]:
    """1 + each soft region times its gain, scaled so that the mean of each sample is 1."""
    weight = 1 + torch.stack([gain * region for region, gain in gained]).sum(0)
    return weight / weight.mean((1, 2), keepdim=True)


def frame_loss(error: Float[Tensor, "b c f h w"], place: Float[Tensor, "b h w"]) -> Float[Tensor, "b f"]:
    """The place-weighted mean square of the error of each frame."""
    return (error.square().mean(1) * place[:, None]).mean((2, 3))


def change_loss(
    error: Float[Tensor, "b c f h w"], place: Float[Tensor, "b h w"], border: float = 0.0
) -> Float[Tensor, "b changes"]:
    """The same for each change from frame to frame, halved: as large as `frame_loss` where errors of frames are unrelated.

    What is wrong alike in all frames costs nothing here, what flickers costs twice. With `border`, the change from the motion
    frames, in which nothing is wrong, comes first and counts so often: it is a jump between segments.
    """
    changes = frame_loss(error.diff(dim=2), place) / 2
    if not border:
        return changes
    return torch.cat([border * frame_loss(error[:, :, :1], place) / 2, changes], dim=1)
