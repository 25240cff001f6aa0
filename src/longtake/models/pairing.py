"""Which row reads which: the only place where the published pairing and the correct one part ways.

The published code repeats rows by tiling where it should have repeated each one. Its weights were used (and trained) that
way, so it is kept for them; our own training and weights pair correctly. "halves" are the two guidance halves: row 0 is
told nothing of the portrait, row 1 everything.
"""

from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

Pairing = Literal["published", "correct"]


def context_rows(identity: Float[Tensor, "b t d"], rows: int, pairing: Pairing) -> Float[Tensor, "br t d"]:
    """The identity tokens for the `rows` pictures of each of b batch rows that the reference net reads, row after row."""
    if pairing == "correct":
        return identity.repeat_interleave(rows, 0)
    return identity.repeat(rows, 1, 1)


def frame_reads(b: int, frames: int, pairing: Pairing, device: torch.device | str = "cpu") -> Int[Tensor, "b f"]:
    """The reference row (0..b-1) that each frame of each batch row reads."""
    if pairing == "correct":
        return torch.arange(b, device=device)[:, None].expand(b, frames)
    return (torch.arange(b * frames, device=device) % b).view(b, frames)
