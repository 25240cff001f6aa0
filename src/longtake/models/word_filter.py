"""The word filter: a prompt opens channels of a narrow path beside each layer, so that features move where the face is.

x + strength * up(gamma * SiLU(down(norm(x)) + beta)), gamma and beta of the narrow channels from the prompt. `up` starts at zero,
gamma doesn't: what is learned is about these words from the first step on. A word norm says the same to all places; networks that
are frozen turn that into little motion (docs/decisions.md).
"""

from dataclasses import dataclass

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from longtake.models.rows import Rows


@dataclass(frozen=True)
class Opening:
    """What one prompt does in one place."""

    gamma: Float[Tensor, "b f c 1 1"]
    beta: Float[Tensor, "b f c 1 1"]
    strength: Float[Tensor, "b f 1 1 1"]
    rows: Rows

    def row(self, k: int) -> "Opening | None":
        """What it does to one row, if anything."""
        place = self.rows.place(k)
        if place is None:
            return None
        gamma, beta, strength = (x[place : place + 1] for x in (self.gamma, self.beta, self.strength))
        return Opening(gamma, beta, strength, Rows((0,), 1))


class WordFilter(nn.Module):
    def __init__(self, width: int, words: int, narrow: int, groups: int):
        super().__init__()
        self.norm = nn.GroupNorm(groups, width, eps=1e-5)
        self.down = nn.Conv2d(width, narrow, 3, padding=1)
        self.first = nn.Linear(words, narrow)
        self.second = nn.Linear(narrow, 2 * narrow)
        self.up = nn.Conv2d(narrow, width, 3, padding=1)
        nn.init.normal_(self.first.weight, std=words**-0.5)
        nn.init.normal_(
            self.second.weight, std=(0.36 * narrow) ** -0.5
        )  # SiLU leaves 0.36 of a normal variable's square
        for parameter in (self.first.bias, self.second.bias, *self.up.parameters()):
            nn.init.zeros_(parameter)

    def prepare(
        self, words: Float[Tensor, "b f d"], rows: Rows, strength: Float[Tensor, "b f"] | None = None
    ) -> Opening:
        """How far the channels open for the rows that have a prompt; the same for every denoising step."""
        both = self.second(F.silu(self.first(rows.take(words).to(self.first.weight.dtype))))[..., None, None]
        gamma, beta = both.chunk(2, dim=2)
        said = both.new_ones(both.shape[:2]) if strength is None else rows.take(strength).to(both)
        return Opening(gamma, beta, said[..., None, None, None], rows)

    def forward(self, x: Float[Tensor, "r c h w"], opening: Opening) -> Float[Tensor, "r c h w"]:
        frames = x.unflatten(0, (opening.rows.batch, -1))
        told = opening.rows.take(frames)
        narrow = self.down(self.norm(told.flatten(0, 1))).unflatten(0, told.shape[:2])
        opened = opening.gamma.to(narrow) * F.silu(narrow + opening.beta.to(narrow))
        moved = self.up(opened.flatten(0, 1)).unflatten(0, told.shape[:2])
        return opening.rows.add(frames, opening.strength.to(moved) * moved).flatten(0, 1)
