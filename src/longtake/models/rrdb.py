"""A picture twice as large: residual in residual dense blocks (ESRGAN, Wang and others 2018), as in Real-ESRGAN x2plus.

The parts have the names of the published file, so that its tensors need no translation.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

SHARE = 0.2
"""Of what a block finds, so much is added to what it was given."""
SCALE = 2


@dataclass(frozen=True)
class RrdbSizes:
    """Sizes of the network; as they stand those of the published one."""

    width: int = 64
    blocks: int = 23
    grown: int = 32  # channels that each convolution of a dense block adds


def conv(given: int, made: int) -> nn.Conv2d:
    return nn.Conv2d(given, made, 3, padding=1)


def bent(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2)


class Dense(nn.Module):
    """Five convolutions, each of which sees what all before it made."""

    def __init__(self, width: int, grown: int):
        super().__init__()
        for number in range(1, 5):
            self.add_module(f"conv{number}", conv(width + (number - 1) * grown, grown))
        self.conv5 = conv(width + 4 * grown, width)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        seen = x
        for number in range(1, 5):
            seen = torch.cat([seen, bent(self.get_submodule(f"conv{number}")(seen))], dim=1)
        return x + SHARE * self.conv5(seen)


class Block(nn.Module):
    """Three dense blocks and a way past them."""

    def __init__(self, width: int, grown: int):
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (Dense(width, grown) for _ in range(3))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return x + SHARE * self.rdb3(self.rdb2(self.rdb1(x)))


class Rrdb(nn.Module):
    """Pictures in 0..1, of even sides, to ones twice as large."""

    def __init__(self, sizes: RrdbSizes = RrdbSizes()):
        super().__init__()
        width = sizes.width
        self.conv_first = conv(3 * SCALE**2, width)  # 2 x 2 pixels are folded into channels
        self.body = nn.Sequential(*(Block(width, sizes.grown) for _ in range(sizes.blocks)))
        self.conv_body, self.conv_up1, self.conv_up2, self.conv_hr = (conv(width, width) for _ in range(4))
        self.conv_last = conv(width, 3)

    def forward(self, x: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 H W"]:
        x = self.conv_first(F.pixel_unshuffle(x, SCALE))
        x = x + self.conv_body(self.body(x))
        for up in (self.conv_up1, self.conv_up2):
            x = bent(up(F.interpolate(x, scale_factor=2, mode="nearest")))
        return self.conv_last(bent(self.conv_hr(x)))
