"""What the denoiser learns: velocity, weighted per sample by min-SNR and per place by face and lips.

The released code configures min-SNR but averages the error to one number first, so its weights do nothing; here each
sample keeps its own (docs/paper.md, the ledger).
"""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Noised:
    """A batch on its way to the denoiser: what it sees and what it should say."""

    latents: Float[Tensor, "b c f h w"]
    velocity: Float[Tensor, "b c f h w"]
    snr: Float[Tensor, "b f"]


def noise_latents(
    clean: Float[Tensor, "b c f h w"],
    step: Int[Tensor, "b f"],
    alphas_cumprod: Float[Tensor, " steps"],
    noise: Float[Tensor, "b c f h w"],
) -> Noised:
    """`clean` at training step `step`, and the velocity v = a * noise - s * clean that belongs to it.

    The frames of a segment share their step; unrelated frames have one each.
    """
    alpha = alphas_cumprod[step]
    signal, sigma = (x[:, None, :, None, None] for x in (alpha.sqrt(), (1 - alpha).sqrt()))
    return Noised(signal * clean + sigma * noise, signal * noise - sigma * clean, alpha / (1 - alpha).clamp_min(1e-8))


def min_snr_weight(snr: Float[Tensor, "b f"], gamma: float) -> Float[Tensor, "b f"]:
    """min(snr + 1, gamma) / (snr + 1): the weight of a velocity error (Hang et al. 2023, shifted for zero SNR)."""
    return (snr + 1).clamp_max(gamma) / (snr + 1)


def place_weight(
    face: Float[Tensor, "b h w"], lip: Float[Tensor, "b h w"], face_gain: float, lip_gain: float
) -> Float[Tensor, "b h w"]:
    """1 + gains on the soft face and lip regions, scaled so that the mean of each sample is 1."""
    weight = 1 + face_gain * face + lip_gain * lip
    return weight / weight.mean((1, 2), keepdim=True)


def velocity_loss(
    predicted: Float[Tensor, "b c f h w"],
    noised: Noised,
    place: Float[Tensor, "b h w"],
    gamma: float,
) -> Float[Tensor, "b f"]:
    """The loss of each sample: its place-weighted squared error times its own min-SNR weight."""
    error = (predicted.float() - noised.velocity).square().mean(1)
    return (error * place[:, None]).mean((2, 3)) * min_snr_weight(noised.snr, gamma)
