"""The published autoencoder: pictures to latents eight times smaller, and back (the `sd-vae-ft-mse` of Stable Diffusion).

The network is diffusers' `AutoencoderKL`; here is only what the flow needs of it, under diffusers' own tensor names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

SCALE = 0.18215
"""What the published weights multiply latents by; a constant of their program, not stored with them."""


@dataclass(frozen=True)
class VaeSizes:
    """Sizes of the autoencoder: `widths` from the full picture to the latents, `layers` residual blocks at each."""

    widths: tuple[int, ...] = (128, 256, 512, 512)
    layers: int = 2
    groups: int = 32
    latent: int = 4

    @property
    def factor(self) -> int:
        """Picture side over latent side."""
        return 2 ** (len(self.widths) - 1)


class Vae(nn.Module):
    """Pictures in [-1, 1] to scaled latents (`encode`) and back (`decode`)."""

    def __init__(self, sizes: VaeSizes = VaeSizes(), scale: float = SCALE):
        from diffusers import AutoencoderKL

        super().__init__()
        self.sizes, self.scale = sizes, scale
        levels = len(sizes.widths)
        blocks: dict[str, Any] = {
            "down_block_types": ("DownEncoderBlock2D",) * levels,
            "up_block_types": ("UpDecoderBlock2D",) * levels,
            "block_out_channels": sizes.widths,
        }
        made: Any = AutoencoderKL(
            **blocks, layers_per_block=sizes.layers, latent_channels=sizes.latent, norm_num_groups=sizes.groups
        )
        self.encoder, self.quant_conv = made.encoder, made.quant_conv
        self.post_quant_conv, self.decoder = made.post_quant_conv, made.decoder

    @property
    def factor(self) -> int:
        """Picture side over latent side."""
        return self.sizes.factor

    def posterior(
        self, pictures: Float[Tensor, "n 3 H W"]
    ) -> tuple[Float[Tensor, "n c h w"], Float[Tensor, "n c h w"]]:
        """Mean and logarithm of the variance of the latents, not scaled."""
        mean, log_variance = self.quant_conv(self.encoder(pictures)).chunk(2, dim=1)
        return mean, log_variance.clamp(-30.0, 20.0)

    def encode(self, pictures: Float[Tensor, "n 3 H W"]) -> Float[Tensor, "n c h w"]:
        """Latents about unit size: the posterior's mean, never a sample, so that the same picture gives the same latents."""
        return self.posterior(pictures)[0] * self.scale

    def decode(self, latents: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 3 H W"]:
        """Pictures in about [-1, 1]; clip before showing."""
        return self.decoder(self.post_quant_conv(latents / self.scale))
