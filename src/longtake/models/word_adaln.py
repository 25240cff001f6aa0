"""The word adaptive norm: a text prompt shifts and scales the normalised features (paper 3.3).

x + gamma * LayerNorm(x) + beta, gamma and beta from a small network whose last layer starts at zero, so that an untrained
module changes nothing.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from longtake.models.blocks import grid, tokens
from longtake.models.rows import Rows


@dataclass(frozen=True)
class Shift:
    """What one prompt does in one place."""

    gamma: Float[Tensor, "b f 1 c"]
    beta: Float[Tensor, "b f 1 c"]
    rows: Rows

    def row(self, k: int) -> "Shift | None":
        """What it does to one row, if anything."""
        place = self.rows.place(k)
        if place is None:
            return None
        return Shift(self.gamma[place : place + 1], self.beta[place : place + 1], Rows((0,), 1))


class WordNorm(nn.Module):
    def __init__(self, width: int, words: int):
        super().__init__()
        self.width = width
        self.first = nn.Linear(words, width)
        self.second = nn.Linear(width, 2 * width)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def prepare(self, words: Float[Tensor, "b f d"], rows: Rows, strength: Float[Tensor, "b f"] | None = None) -> Shift:
        """Scale and shift of the rows that have a prompt; the same for every denoising step. Strength 0 makes both 0."""
        both = self.second(F.silu(self.first(rows.take(words).to(self.first.weight.dtype)))).unsqueeze(2)
        if strength is not None:
            both = both * rows.take(strength).to(both)[:, :, None, None]
        gamma, beta = both.chunk(2, dim=-1)
        return Shift(gamma, beta, rows)

    def forward(self, x: Float[Tensor, "r c h w"], shift: Shift) -> Float[Tensor, "r c h w"]:
        hidden = tokens(x).unflatten(0, (shift.rows.batch, -1))
        normed = F.layer_norm(shift.rows.take(hidden), (self.width,))
        hidden = shift.rows.add(hidden, shift.gamma.to(normed) * normed + shift.beta.to(normed))
        return grid(hidden.flatten(0, 1), *x.shape[2:])
