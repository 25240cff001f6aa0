"""The autoencoder: pictures to latents sixteen times smaller, and back.

Every normalisation looks at one position only, so a change of the mouth can't change the background:
what a latent says reaches as far as the convolutions do and no further.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class AutoencoderSizes:
    """Sizes of the autoencoder: `widths` and `blocks` at 1/4, 1/8 and 1/16 of the picture."""

    widths: tuple[int, ...] = (96, 160, 256)
    blocks: tuple[int, ...] = (1, 2, 2)
    channels: int = 16
    stem: int = 4

    @property
    def factor(self) -> int:
        """Picture side over latent side."""
        return self.stem * 2 ** (len(self.widths) - 1)


class ChannelNorm(nn.Module):
    """Scales the channels of each position to unit mean square."""

    def __init__(self, width: int):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        power = x.float().square().mean(1, keepdim=True)
        return x * (torch.rsqrt(power + 1e-6)).to(x.dtype) * self.scale.to(x.dtype)[:, None, None]


class Block(nn.Module):
    """Two convolutions beside the identity; the second begins at zero."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = ChannelNorm(width)
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        for parameter in self.second.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return x + self.second(F.silu(self.first(self.norm(x))))


class Down(nn.Module):
    """Half the side: 2x2 positions into channels."""

    def __init__(self, width: int, wider: int, by: int = 2):
        super().__init__()
        self.by = by
        self.mix = nn.Conv2d(width * by * by, wider, 3 if by > 2 else 1, padding=1 if by > 2 else 0)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d k m"]:
        return self.mix(F.pixel_unshuffle(x, self.by))


class Up(nn.Module):
    """Twice the side: channels into 2x2 positions."""

    def __init__(self, width: int, narrower: int, by: int = 2):
        super().__init__()
        self.by = by
        self.mix = nn.Conv2d(width, narrower * by * by, 3 if by > 2 else 1, padding=1 if by > 2 else 0)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d k m"]:
        return F.pixel_shuffle(self.mix(x), self.by)


class Autoencoder(nn.Module):
    """Pictures in [-1, 1] to normalised latents (`encode`) and back (`decode`)."""

    latent_mean: Tensor
    latent_std: Tensor

    def __init__(self, sizes: AutoencoderSizes = AutoencoderSizes()):
        super().__init__()
        self.sizes = sizes
        widths, blocks = sizes.widths, sizes.blocks
        down: list[nn.Module] = [Down(3, widths[0], sizes.stem)]
        up: list[nn.Module] = [Up(widths[0], 3, sizes.stem)]
        for level, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            down += [Block(width) for _ in range(count)]
            up = [Block(width) for _ in range(count)] + up
            if level + 1 < len(widths):
                down.append(Down(width, widths[level + 1]))
                up.insert(0, Up(widths[level + 1], width))
        self.encoder = nn.Sequential(*down, ChannelNorm(widths[-1]), nn.Conv2d(widths[-1], sizes.channels, 1))
        self.decoder = nn.Sequential(nn.Conv2d(sizes.channels, widths[-1], 3, padding=1), *up)
        self.register_buffer("latent_mean", torch.zeros(sizes.channels))
        self.register_buffer("latent_std", torch.ones(sizes.channels))

    def encode(self, pictures: Float[Tensor, "b 3 H W"]) -> Float[Tensor, "b c h w"]:
        """Latents, each channel about zero mean and unit spread over the training pictures."""
        return self.normalise(self.encoder(pictures))

    def decode(self, latents: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 3 H W"]:
        """Pictures in about [-1, 1]; clip before showing."""
        return self.decoder(latents)

    def forward(
        self, pictures: Float[Tensor, "b 3 H W"], noise_std: float | Tensor = 0.0
    ) -> tuple[Float[Tensor, "b 3 H W"], Float[Tensor, "b c h w"]]:
        """The picture through the latents with noise on them, and the latents before the stored statistics."""
        raw = self.encoder(pictures)
        latents = self.normalise(raw)
        if isinstance(noise_std, Tensor) or noise_std:
            latents = latents + noise_std * torch.randn_like(latents)
        return self.decode(latents), raw

    def normalise(self, raw: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        mean, std = (x.to(raw.dtype)[:, None, None] for x in (self.latent_mean, self.latent_std))
        return (raw - mean) / std

    @torch.no_grad()
    def observe(self, raw: Float[Tensor, "b c h w"], share: float) -> None:
        """Move the stored statistics towards those of this batch by `share`."""
        raw = raw.float()
        self.latent_mean.lerp_(raw.mean((0, 2, 3)), share)
        self.latent_std.lerp_(raw.std((0, 2, 3)).clamp(min=1e-3), share)
