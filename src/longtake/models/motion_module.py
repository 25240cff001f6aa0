"""The motion module: at each place of the grid, the frames of a segment attend to each other and to the motion frames.

Motion frames come first on the time axis, so positions 0..n-1 are theirs. Only the segment's frames leave the module.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from longtake.models.attention import Attention, Heads, attend
from longtake.models.blocks import FeedForward, grid, tokens


@dataclass(frozen=True)
class Lead:
    """The motion frames of one place, projected once per segment; None stands for no motion frames."""

    hidden: Float[Tensor, "p n c"] | None  # p = b * l places
    rows: int

    def row(self, k: int) -> "Lead":
        """The motion frames of one row."""
        return Lead(None if self.hidden is None else self.hidden.unflatten(0, (self.rows, -1))[k], 1)


def positions(count: int, width: int) -> Float[Tensor, "1 count width"]:
    """Sines on even channels, cosines on odd ones, base 10000."""
    angles = torch.arange(count)[:, None] * torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[None]


class TemporalAttention(Attention):
    """Self-attention over frames. Query, key and value all see the position."""

    positions: Tensor

    def __init__(self, width: int, heads: int, length: int):
        super().__init__(width, heads)
        self.register_buffer("positions", positions(length, width))

    def placed(self, x: Float[Tensor, "p f c"]) -> Float[Tensor, "p f c"]:
        return x + self.positions[:, : x.shape[1]].to(x)


class MotionModule(nn.Module):
    def __init__(self, width: int, heads: Heads, groups: int, ff: int, length: int):
        super().__init__()
        self.norm = nn.GroupNorm(groups, width, eps=1e-6)
        self.proj_in = nn.Linear(width, width)
        self.norm1 = nn.LayerNorm(width)
        self.attention1 = TemporalAttention(width, heads(width), length)
        self.norm2 = nn.LayerNorm(width)
        self.attention2 = TemporalAttention(width, heads(width), length)
        self.norm3 = nn.LayerNorm(width)
        self.ff = FeedForward(width, ff)
        self.proj_out = nn.Linear(width, width)

    def prepare(self, motion: Float[Tensor, "b n l c"]) -> Lead:
        """The motion frames' features, normalised and projected: they are the same at every denoising step."""
        b, n = motion.shape[:2]
        if n == 0:
            return Lead(None, b)
        normed = self.norm(motion.flatten(0, 1).transpose(1, 2)).transpose(1, 2)
        return Lead(over_time(self.proj_in(normed), b), b)

    def forward(self, x: Float[Tensor, "r c h w"], lead: Lead) -> Float[Tensor, "r c h w"]:
        hidden = over_time(self.proj_in(tokens(self.norm(x))), lead.rows)
        frames = hidden.shape[1]
        if lead.hidden is not None:
            hidden = torch.cat([lead.hidden.to(hidden), hidden], dim=1)
        hidden = hidden + self.attention1.itself(self.attention1.placed(self.norm1(hidden)))
        hidden = self._second(hidden, frames)
        hidden = hidden + self.ff(self.norm3(hidden))
        return x + grid(self.proj_out(over_space(hidden, lead.rows)), *x.shape[2:])

    def _second(self, hidden: Float[Tensor, "p s c"], frames: int) -> Float[Tensor, "p f c"]:
        """The second attention, for the segment's frames only: nothing reads the motion frames afterwards."""
        attention = self.attention2
        query, key, value = attention.qkv(attention.placed(self.norm2(hidden)))
        found = attend(query[:, -frames:], key, value, attention.heads)
        return hidden[:, -frames:] + attention.out(found)


def over_time(x: Float[Tensor, "r l c"], rows: int) -> Float[Tensor, "p f c"]:
    """Frames of one place together: (b f) l c -> (b l) f c."""
    return x.unflatten(0, (rows, -1)).transpose(1, 2).flatten(0, 1)


def over_space(x: Float[Tensor, "p f c"], rows: int) -> Float[Tensor, "r l c"]:
    """Places of one frame together: (b l) f c -> (b f) l c."""
    return x.unflatten(0, (rows, -1)).transpose(1, 2).flatten(0, 1)
