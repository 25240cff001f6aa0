"""The three small networks beside the U-Nets: where the face is, who it is, what is said."""

from dataclasses import dataclass

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


@dataclass(frozen=True)
class LocatorSizes:
    """Each width but the first comes with half the picture, so `2 ** (len(widths) - 1)` is the total factor."""

    widths: tuple[int, ...]
    out: int

    @property
    def factor(self) -> int:
        """Picture side / latent side."""
        return 2 ** (len(self.widths) - 1)


class Locator(nn.Module):
    """A face rectangle in [0, 1], `factor` times the latent side, as a feature added after the denoiser's first layer."""

    def __init__(self, sizes: LocatorSizes):
        super().__init__()
        self.sizes = sizes
        self.conv_in = nn.Conv2d(3, sizes.widths[0], 3, padding=1)
        pairs = list(zip(sizes.widths[:-1], sizes.widths[1:], strict=True))
        self.blocks = nn.ModuleList(
            nn.Conv2d(width, wide, 3, padding=1, stride=stride)
            for width, next_width in pairs
            for wide, stride in ((width, 1), (next_width, 2))
        )
        self.conv_out = nn.Conv2d(sizes.widths[-1], sizes.out, 3, padding=1)

    def forward(self, rectangle: Float[Tensor, "b 3 H W"]) -> Float[Tensor, "b c h w"]:
        hidden = F.silu(self.conv_in(rectangle.to(self.conv_in.weight.dtype)))
        for block in self.blocks:
            hidden = F.silu(block(hidden))
        return self.conv_out(hidden)


def with_lids(
    rectangle: Float[Tensor, "b 3 H W"], eyes: Float[Tensor, "b H W"], lids: Float[Tensor, "b f"]
) -> Float[Tensor, "b f 3 H W"]:
    """The rectangle for each frame, the eyes cut out of its last channel as far as they are closed (0 to 1)."""
    frames = rectangle[:, None].repeat(1, lids.shape[1], 1, 1, 1)
    frames[:, :, 2] *= 1 - eyes[:, None] * lids[:, :, None, None]
    return frames


@dataclass(frozen=True)
class IdentitySizes:
    embedding: int
    tokens: int
    width: int


class IdentityProjection(nn.Module):
    """A face embedding as a few tokens. No identity is the projection of zeros."""

    def __init__(self, sizes: IdentitySizes):
        super().__init__()
        self.sizes = sizes
        self.proj = nn.Linear(sizes.embedding, sizes.tokens * sizes.width)
        self.norm = nn.LayerNorm(sizes.width)

    def forward(self, embedding: Float[Tensor, "b d"]) -> Float[Tensor, "b t c"]:
        return self.norm(self.proj(embedding.to(self.proj.weight.dtype)).unflatten(1, (self.sizes.tokens, -1)))


@dataclass(frozen=True)
class SpeechSizes:
    window: int  # frames around the one that is spoken: 5 = two before, two after
    layers: int  # hidden layers of the speech encoder
    features: int  # width of each
    hidden: int
    tokens: int
    width: int


class SpeechProjection(nn.Module):
    """A window of speech features around each frame as that frame's speech tokens. Silence by choice is zero tokens."""

    def __init__(self, sizes: SpeechSizes):
        super().__init__()
        self.sizes = sizes
        self.first = nn.Linear(sizes.window * sizes.layers * sizes.features, sizes.hidden)
        self.second = nn.Linear(sizes.hidden, sizes.hidden)
        self.third = nn.Linear(sizes.hidden, sizes.tokens * sizes.width)
        self.norm = nn.LayerNorm(sizes.width)

    def forward(self, windows: Float[Tensor, "b f window layers d"]) -> Float[Tensor, "b f t c"]:
        windows = windows.flatten(2).to(self.first.weight.dtype)
        hidden = F.relu(self.second(F.relu(self.first(windows))))
        return self.norm(self.third(hidden).unflatten(2, (self.sizes.tokens, -1)))
