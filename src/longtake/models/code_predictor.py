"""The code predictor: which entry of the codebook belongs at each place, judged from a window of frames (paper 3.2).

Places look at each other within a frame; then, place by place, the frames look at each other (the temporal alignment).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


@dataclass(frozen=True)
class PredictorSizes:
    """Sizes of the transformer."""

    width: int = 512
    layers: int = 9
    heads: int = 8
    ff: int = 1024  # width inside the feed-forward layers


class Attention(nn.Module):
    """Rows of tokens that look at each other; where they are enters queries and keys, not what is read."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.project = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Float[Tensor, "r t d"], positions: Float[Tensor, "#r #t d"]) -> Float[Tensor, "r t d"]:
        width = x.shape[2]
        look, read = self.project.weight.split((2 * width, width))
        look_bias, read_bias = self.project.bias.split((2 * width, width))
        query, key = F.linear(x + positions, look, look_bias).chunk(2, dim=2)
        value = F.linear(x, read, read_bias)
        query, key, value = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in (query, key, value))
        return self.out(F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    """Out to a wider layer and back."""

    def __init__(self, width: int, inside: int):
        super().__init__()
        self.up, self.down = nn.Linear(width, inside), nn.Linear(inside, width)

    def forward(self, x: Float[Tensor, "*r d"]) -> Float[Tensor, "*r d"]:
        return self.down(F.gelu(self.up(x)))


class Layer(nn.Module):
    """Attention over the places of a frame, then over the frames of a place."""

    def __init__(self, sizes: PredictorSizes):
        super().__init__()
        width = sizes.width
        self.space_norm, self.space = nn.LayerNorm(width), Attention(width, sizes.heads)
        self.ff_norm, self.ff = nn.LayerNorm(width), FeedForward(width, sizes.ff)
        self.time_norm, self.time = nn.LayerNorm(width), Attention(width, sizes.heads)
        self.time_ff_norm, self.time_ff = nn.LayerNorm(width), FeedForward(width, sizes.ff)

    def forward(
        self, x: Float[Tensor, "b f l d"], positions: Float[Tensor, "l d"], align: bool
    ) -> Float[Tensor, "b f l d"]:
        b = x.shape[0]
        x = x.flatten(0, 1)
        x = x + self.space(self.space_norm(x), positions[None])
        x = x + self.ff(self.ff_norm(x))
        x = x.unflatten(0, (b, -1))
        if not align:
            return x
        # (h·w) × frames × width: a row for each place, the frames as its tokens. They carry the place's position, as
        # published, and none of their own: the order of the frames does not matter.
        x = x.transpose(1, 2)
        rows = self.time_norm(x).flatten(0, 1)
        x = x + self.time(rows, positions[:, None].repeat(b, 1, 1)).unflatten(0, (b, -1))
        x = x + self.time_ff(self.time_ff_norm(x))
        return x.transpose(1, 2)


class CodePredictor(nn.Module):
    """Features of low-quality frames to a score for every code at every place."""

    def __init__(self, sizes: PredictorSizes, code: int, codes: int, places: int):
        super().__init__()
        self.positions = nn.Parameter(torch.zeros(places, sizes.width))
        self.embed = nn.Linear(code, sizes.width)
        self.layers = nn.ModuleList(Layer(sizes) for _ in range(sizes.layers))
        self.norm = nn.LayerNorm(sizes.width)
        self.head = nn.Linear(sizes.width, codes, bias=False)

    def forward(self, features: Float[Tensor, "b f c h w"], align: bool = True) -> Float[Tensor, "b f l k"]:
        """`align=False` leaves the temporal layers out: every frame for itself."""
        x = self.embed(features.flatten(3).transpose(2, 3))
        for layer in self.layers:
            x = layer(x, self.positions, align)
        return self.head(self.norm(x))
