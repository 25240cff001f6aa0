"""The small parts that both U-Nets are made of: resnets, samplers, the step embedding, feed-forward, 1x1 convolutions.

Everything works on rows: frames are folded into the batch, so no statistic ever crosses a frame.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float, Num
from torch import Tensor, nn


def tokens(x: Float[Tensor, "r c h w"]) -> Float[Tensor, "r l c"]:
    """The latent grid as a row-major list of tokens."""
    return x.flatten(2).transpose(1, 2)


def grid(x: Float[Tensor, "r l c"], height: int, width: int) -> Float[Tensor, "r c h w"]:
    """The inverse of `tokens`."""
    return x.transpose(1, 2).unflatten(2, (height, width))


class Pointwise(nn.Conv2d):
    """A 1x1 convolution kept with its published shape (out, in, 1, 1) but applied to tokens, where it is a matrix."""

    bias: Tensor

    def __init__(self, width_in: int, width_out: int):
        super().__init__(width_in, width_out, 1)

    @property
    def matrix(self) -> Float[Tensor, "out in"]:
        return self.weight.flatten(1)

    def forward(self, x: Float[Tensor, "*r c"]) -> Float[Tensor, "*r out"]:
        return F.linear(x, self.matrix, self.bias)


class StepEmbedding(nn.Module):
    """The diffusion step as a vector: cosines, then sines, then two linear layers."""

    def __init__(self, width: int):
        super().__init__()
        self.width = width
        self.first = nn.Linear(width, 4 * width)
        self.second = nn.Linear(4 * width, 4 * width)

    def forward(self, step: Num[Tensor, "*b"]) -> Float[Tensor, "*b d"]:
        half = self.width // 2
        rates = torch.exp(torch.arange(half, device=step.device, dtype=torch.float32) * (-math.log(10000.0) / half))
        angles = step.float()[..., None] * rates
        waves = torch.cat([angles.cos(), angles.sin()], dim=-1).to(self.first.weight.dtype)
        return self.second(F.silu(self.first(waves)))


class Resnet(nn.Module):
    """Two normalised 3x3 convolutions with the step embedding added in between, plus the input."""

    def __init__(self, width_in: int, width_out: int, step_width: int, groups: int):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, width_in, eps=1e-5)
        self.conv1 = nn.Conv2d(width_in, width_out, 3, padding=1)
        self.step = nn.Linear(step_width, width_out)
        self.norm2 = nn.GroupNorm(groups, width_out, eps=1e-5)
        self.conv2 = nn.Conv2d(width_out, width_out, 3, padding=1)
        self.shortcut = nn.Conv2d(width_in, width_out, 1) if width_in != width_out else nn.Identity()

    def forward(self, x: Float[Tensor, "r c h w"], step: Float[Tensor, "r d"]) -> Float[Tensor, "r out h w"]:
        """`step` is the activated embedding (SiLU already applied), one for each row."""
        hidden = self.conv1(F.silu(self.norm1(x)))
        hidden = hidden + self.step(step)[:, :, None, None]
        hidden = self.conv2(F.silu(self.norm2(hidden)))
        return self.shortcut(x) + hidden


class Shrink(nn.Module):
    """Half the grid: a 3x3 convolution with stride 2."""

    def __init__(self, width: int):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, stride=2, padding=1)

    def forward(self, x: Float[Tensor, "r c h w"]) -> Float[Tensor, "r c h2 w2"]:
        return self.conv(x)


class Grow(nn.Module):
    """Twice the grid: nearest neighbour, then a 3x3 convolution.

    Both in one: each of the four output pixels of an input pixel sees only 2x2 different inputs, so its nine taps add up
    to four, and the work is done on the small grid (56 % of the multiplications).
    """

    def __init__(self, width: int):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Float[Tensor, "r c h w"]) -> Float[Tensor, "r c h2 w2"]:
        (h, w), width, bias = x.shape[2:], self.conv.out_channels, self.conv.bias
        assert bias is not None
        taps = _two_taps(_two_taps(self.conv.weight, 2), 3)  # out in 2 2 phase_y phase_x
        taps = taps.permute(0, 4, 5, 1, 2, 3).flatten(0, 2)
        phases = F.conv2d(x, taps, bias.repeat_interleave(4), padding=1).unflatten(1, (width, 2, 2))
        rows = [
            torch.stack([phases[:, :, i, j, i : i + h, j : j + w] for j in (0, 1)], dim=-1).flatten(3) for i in (0, 1)
        ]
        return torch.stack(rows, dim=3).flatten(2, 3)


def _two_taps(weight: Tensor, axis: int) -> Tensor:
    """Three taps along `axis` as two, once for the even outputs and once for the odd ones (on a new last axis)."""
    first, middle, last = weight.unbind(axis)
    even, odd = torch.stack([first, middle + last], axis), torch.stack([first + middle, last], axis)
    return torch.stack([even, odd], dim=-1)


class FeedForward(nn.Module):
    """Gated GELU: the first half of the widened features is the value, the second half the gate (exact erf form)."""

    def __init__(self, width: int, multiple: int):
        super().__init__()
        self.up = nn.Linear(width, 2 * multiple * width)
        self.down = nn.Linear(multiple * width, width)

    def forward(self, x: Float[Tensor, "*r c"]) -> Float[Tensor, "*r c"]:
        (to_value, to_gate), (value_bias, gate_bias) = self.up.weight.chunk(2), self.up.bias.chunk(2)
        value = F.linear(x, to_value, value_bias)  # two multiplications: halves of one result would not be contiguous
        return self.down(value * F.gelu(F.linear(x, to_gate, gate_bias)))
