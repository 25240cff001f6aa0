"""The autoencoder with a codebook: pictures to a small grid of codes, and sharp pictures out of codes (paper 3.2).

Everything works on rows: frames are folded into the batch, so no statistic ever crosses a frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from longtake.models.autoencoder import ChannelNorm
from longtake.models.blocks import Grow

EPS = 1e-6


@dataclass(frozen=True)
class VqganSizes:
    """Sizes of the autoencoder with a codebook; `widths` and levels go from the picture down to the codes."""

    side_px: int = 512
    stem: int = 1  # pixels a side that are folded into channels before anything else
    widths: tuple[int, ...] = (64, 128, 128, 256, 256, 512)
    layers: int = 2
    groups: int = 32
    norm: Literal["group", "place"] = "group"  # "place": each place by itself, so that a mouth can't move a background
    attend: bool = True  # places of the code grid look at each other, in encoder and decoder
    code: int = 256  # numbers in an entry of the codebook
    codes: int = 1024

    @property
    def grid(self) -> int:
        """Codes a side."""
        return self.sides[-1]

    @property
    def sides(self) -> tuple[int, ...]:
        """The side of the features at each level."""
        return tuple((self.side_px // self.stem) >> level for level in range(len(self.widths)))


def normalise(sizes: VqganSizes, width: int) -> nn.Module:
    """The norm inside a block."""
    return nn.GroupNorm(sizes.groups, width, eps=EPS) if sizes.norm == "group" else ChannelNorm(width)


def normalise_last(sizes: VqganSizes, width: int) -> nn.Module:
    """The norm before the last convolution; with norms of single places there is none, or brightness would be lost."""
    return nn.GroupNorm(sizes.groups, width, eps=EPS) if sizes.norm == "group" else nn.Identity()


class Residual(nn.Module):
    """Two normalised 3x3 convolutions, plus the input."""

    def __init__(self, width_in: int, width: int, sizes: VqganSizes):
        super().__init__()
        self.norm1 = normalise(sizes, width_in)
        self.conv1 = nn.Conv2d(width_in, width, 3, padding=1)
        self.norm2 = normalise(sizes, width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.shortcut = nn.Conv2d(width_in, width, 1) if width_in != width else nn.Identity()

    def forward(self, x: Float[Tensor, "r c h w"]) -> Float[Tensor, "r out h w"]:
        hidden = self.conv1(F.silu(self.norm1(x)))
        return self.shortcut(x) + self.conv2(F.silu(self.norm2(hidden)))


class GridAttention(nn.Module):
    """Every place of the grid looks at every other, with one head; plus the input."""

    def __init__(self, width: int, sizes: VqganSizes):
        super().__init__()
        self.norm = normalise(sizes, width)
        self.query, self.key, self.value, self.out = (nn.Conv2d(width, width, 1) for _ in range(4))

    def forward(self, x: Float[Tensor, "r c h w"]) -> Float[Tensor, "r c h w"]:
        normed = self.norm(x)
        query, key, value = (part(normed).flatten(2).transpose(1, 2) for part in (self.query, self.key, self.value))
        read = F.scaled_dot_product_attention(query, key, value)
        return x + self.out(read.transpose(1, 2).reshape(x.shape))


class Halve(nn.Module):
    """Half the grid: a 3x3 convolution with stride 2 that sees zeros right of and below the picture only."""

    def __init__(self, width: int):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, stride=2)

    def forward(self, x: Float[Tensor, "r c h w"]) -> Float[Tensor, "r c h2 w2"]:
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Encoder(nn.Module):
    """Pictures to features of the code grid; what it saw on the way is kept where asked for."""

    def __init__(self, sizes: VqganSizes):
        super().__init__()
        self.stem = sizes.stem
        widths = sizes.widths
        blocks: list[nn.Module] = [nn.Conv2d(3 * sizes.stem**2, widths[0], 3, padding=1)]
        self.last_at: dict[int, int] = {}  # side → the last block at that side before it is halved
        before = widths[0]
        for level, (side, width) in enumerate(zip(sizes.sides, widths, strict=True)):
            lowest = level + 1 == len(widths)
            for _ in range(sizes.layers):
                blocks.append(Residual(before, width, sizes))
                before = width
                blocks += [GridAttention(width, sizes)] if lowest and sizes.attend else []
            self.last_at[side] = len(blocks) - 1
            blocks += [] if lowest else [Halve(width)]
        blocks += middle(sizes)
        blocks += [normalise_last(sizes, widths[-1]), nn.Conv2d(widths[-1], sizes.code, 3, padding=1)]
        self.blocks = nn.ModuleList(blocks)

    def forward(
        self, pictures: Float[Tensor, "r 3 H W"], keep: tuple[int, ...] = ()
    ) -> tuple[Float[Tensor, "r c h w"], dict[int, Tensor]]:
        """The features, and those on the way at the sides `keep`."""
        wanted, kept = {self.last_at[side]: side for side in keep}, {}
        x = F.pixel_unshuffle(pictures, self.stem)
        for place, block in enumerate(self.blocks):
            x = block(x)
            if place in wanted:
                kept[wanted[place]] = x
        return x, kept


class Decoder(nn.Module):
    """Features out of the codebook to pictures."""

    def __init__(self, sizes: VqganSizes):
        super().__init__()
        self.stem = sizes.stem
        widths = sizes.widths
        blocks: list[nn.Module] = [nn.Conv2d(sizes.code, widths[-1], 3, padding=1), *middle(sizes)]
        self.first_at: dict[int, int] = {}  # side → the first block at that side
        before = widths[-1]
        for level in reversed(range(len(widths))):
            self.first_at[sizes.sides[level]] = len(blocks)
            for _ in range(sizes.layers):
                blocks.append(Residual(before, widths[level], sizes))
                before = widths[level]
                blocks += [GridAttention(before, sizes)] if level + 1 == len(widths) and sizes.attend else []
            blocks += [Grow(before)] if level else []
        blocks += [normalise_last(sizes, before), nn.Conv2d(before, 3 * sizes.stem**2, 3, padding=1)]
        self.blocks = nn.ModuleList(blocks)

    def forward(
        self, features: Float[Tensor, "r c h w"], change: dict[int, nn.Module] | None = None
    ) -> Float[Tensor, "r 3 H W"]:
        """Pictures in about [-1, 1]; `change` maps a side to what is done to the features when it is reached."""
        wanted = {self.first_at[side]: act for side, act in (change or {}).items()}
        x = features
        for place, block in enumerate(self.blocks):
            x = block(x)
            if place in wanted:
                x = wanted[place](x)
        return F.pixel_shuffle(x, self.stem)


class Codebook(nn.Embedding):
    """The entries that every picture is put together from."""

    def nearest(self, features: Float[Tensor, "r c h w"]) -> Int[Tensor, "r h w"]:
        """The code of the entry closest to each place."""
        with torch.autocast(features.device.type, enabled=False):  # in half precision near entries would be mixed up
            flat = features.permute(0, 2, 3, 1).float()
            entries = self.weight.float()
            distance = entries.square().sum(1) - 2 * flat @ entries.T  # the feature's own square changes no order
        return distance.argmin(-1)

    def entries(self, codes: Int[Tensor, "r h w"]) -> Float[Tensor, "r c h w"]:
        """The entries of a grid of codes."""
        return self(codes).permute(0, 3, 1, 2)


class Vqgan(nn.Module):
    """Encoder, codebook and decoder alone: what the first stage of training learns."""

    def __init__(self, sizes: VqganSizes = VqganSizes()):
        super().__init__()
        self.sizes = sizes
        self.encoder, self.decoder = Encoder(sizes), Decoder(sizes)
        self.codebook = Codebook(sizes.codes, sizes.code)
        nn.init.uniform_(self.codebook.weight, -1 / sizes.codes, 1 / sizes.codes)

    def forward(
        self, pictures: Float[Tensor, "r 3 H W"]
    ) -> tuple[Float[Tensor, "r 3 H W"], Float[Tensor, "r c h w"], Float[Tensor, "r c h w"], Int[Tensor, "r h w"]]:
        """The pictures through the codebook, the features before and after it, the codes; gradients pass straight through."""
        features, _ = self.encoder(pictures)
        codes = self.codebook.nearest(features)
        entries = self.codebook.entries(codes)
        return self.decoder(features + (entries - features).detach()), features, entries, codes


def middle(sizes: VqganSizes) -> list[nn.Module]:
    """The blocks at the code grid between the way down and the way up."""
    width = sizes.widths[-1]
    attention = [GridAttention(width, sizes)] if sizes.attend else []
    return [Residual(width, width, sizes), *attention, Residual(width, width, sizes)]
