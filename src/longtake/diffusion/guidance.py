"""Guidance with a scale for each kind of condition, and the sampling loop.

Conditions are added one after the other, each step scaled by its own number:

    v = v(nothing) + s_portrait * (v(portrait) - v(nothing)) + s_words * (v(portrait, words) - v(portrait))
                   + s_speech * (v(portrait, words, speech) - v(portrait, words))

which is a weighted sum of four branches. A branch of weight zero is never run: equal scales leave one pair, scales of 1
leave the fully told branch alone. Words stand before the speech so that at 1 they are told to every branch and cost none:
a head that words turn is then turned in all of the sum (docs/decisions.md). Motion frames and regions are told to every branch.

With a negative prompt the words are guided away from it instead of from no words, and the portrait's step is a difference:

    v = v(portrait, negative) + s_words * (v(portrait, words) - v(portrait, negative))
        + s_speech * (v(portrait, words, speech) - v(portrait, words)) + (s_portrait - 1) * (v(portrait) - v(nothing))

which is the sum above where the negative says nothing, and does not hear it where s_words is 1. It takes up to two branches more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

Denoise = Callable[[Float[Tensor, "b c f h w"], Float[Tensor, ""]], Float[Tensor, "b c f h w"]]


@dataclass(frozen=True)
class Branch:
    """One row of the denoiser's batch: what it is told, and its weight in the sum."""

    weight: float
    portrait: bool
    speech: bool
    words: bool
    negative: bool = False  # told the negative prompt in the place of the words


def branches(portrait: float, speech: float, words: float | None = None, negative: bool = False) -> list[Branch]:
    """The branches that these scales need, least told first. `words=None`: there is no prompt."""
    said = words is not None
    scale = words if said else portrait  # words that are not there lead nowhere
    told = [
        Branch(1 - portrait, False, False, False),
        Branch(portrait - scale, True, False, False),
        Branch(scale - speech, True, False, said),
        Branch(speech, True, True, said),
    ]
    if negative and said:
        told[1:2] = [Branch(portrait - 1, True, False, False), Branch(1 - scale, True, False, False, negative=True)]
    return [branch for branch in told if abs(branch.weight) > 1e-9]


def combine(predicted: Float[Tensor, "b c f h w"], told: list[Branch]) -> Float[Tensor, "1 c f h w"]:
    """The guided prediction from one row for each branch."""
    rows = predicted.float().split(1)
    # The weights stay numbers of the host: as a tensor they would be copied to the GPU, which waits for it, at every step.
    return sum((branch.weight * row for branch, row in zip(told, rows, strict=True)), torch.zeros_like(rows[0]))


def sample(
    denoise: Denoise,
    noise: Float[Tensor, "b c f h w"],
    scheduler: Any,
    watch: Callable[[int, Float[Tensor, "b c f h w"]], None] | None = None,
) -> Float[Tensor, "b c f h w"]:
    """Clean latents from `noise` by the scheduler's steps; `denoise(latents, step)` gives the (guided) prediction.

    `watch` is called with the number of each finished step and its latents.
    """
    latents = noise * scheduler.init_noise_sigma
    for done, step in enumerate(scheduler.timesteps, start=1):
        predicted = denoise(scheduler.scale_model_input(latents, step), step)
        latents = scheduler.step(predicted.float(), step, latents, return_dict=False)[0]
        if watch is not None:
            watch(done, latents)
    return latents
