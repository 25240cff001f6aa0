"""What judges pictures in training: a small network that tells true patches from made ones, and features to compare by."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from longtake.models.autoencoder import Autoencoder, Block


class Judge(nn.Module):
    """Scores of overlapping patches: high for true pictures."""

    def __init__(self, width: int = 32):
        super().__init__()
        self.layers = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(12, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(4 * width, 1, 3, padding=1),
        )

    def forward(self, pictures: Float[Tensor, "r 3 H W"]) -> Float[Tensor, "r 1 h w"]:
        return self.layers(pictures)

    def contest(
        self, true: Float[Tensor, "r 3 H W"], made: Float[Tensor, "r 3 H W"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """What the judge learns from (hinge), and what the maker learns from; neither gives the other's weights a gradient.

        So both can be added up and learned by one optimiser.
        """
        learn = F.relu(1 - self(true.detach())).mean() + F.relu(1 + self(made.detach())).mean()
        held = {name: x.detach() for name, x in self.named_parameters()}
        return learn, -torch.func.functional_call(self, held, (made,)).mean()


class Features(nn.Module):
    """The perceptual distance: between features of a frozen encoder, each place scaled to length 1.

    The encoder is that of the package's own autoencoder. The usual one, of VGG-16, was trained on pictures whose licences
    are unknown.
    """

    def __init__(self, autoencoder: Autoencoder, levels: int = 2):
        super().__init__()
        self.blocks, last = [], 0  # a plain list: its weights are not this module's
        for place, block in enumerate(autoencoder.encoder):
            if isinstance(block, Block) and not isinstance(autoencoder.encoder[place + 1], Block):
                last += 1
            self.blocks.append(block.requires_grad_(False))
            if last == levels:
                break

    def forward(self, made: Float[Tensor, "r 3 H W"], true: Float[Tensor, "r 3 H W"]) -> Float[Tensor, ""]:
        pairs = zip(self.seen(made), self.seen(true.detach()), strict=True)
        apart = [(F.normalize(a, dim=1) - F.normalize(b, dim=1)).square().sum(1).mean() for a, b in pairs]
        return torch.stack(apart).mean()

    def seen(self, pictures: Float[Tensor, "r 3 H W"]) -> Iterator[Float[Tensor, "r c h w"]]:
        """The features behind each block."""
        x = pictures
        for block in self.blocks:
            x = block.to(x.device)(x)
            if isinstance(block, Block):
                yield x.float()


def shipped_features(path: Path | None = None) -> Features:
    """Features of the autoencoder in `path`, by default the one in the package."""
    from longtake.networks import load_autoencoder
    from longtake.presets import mini

    return Features(load_autoencoder(path or mini().weights / "autoencoder.safetensors"))


def same_patch(size: int, *pictures: Float[Tensor, "r 3 H W"]) -> tuple[Tensor, ...]:
    """One patch of each batch, at the same place; the pictures themselves where they are no larger."""
    height, width = pictures[0].shape[2:]
    top = int(torch.randint(max(1, height - size + 1), ()))
    left = int(torch.randint(max(1, width - size + 1), ()))
    return tuple(x[:, :, top : top + size, left : left + size] for x in pictures)
