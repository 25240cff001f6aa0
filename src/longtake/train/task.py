"""What the loop needs to know of a task, and how far a run is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from torch import Tensor, nn

from longtake.train.recipe import Learning, Recipe

Batch = dict[str, Tensor]
Kind = TypeVar("Kind", bound=nn.Module)


class Task(Protocol):
    """What the loop needs to know. `share` is how much of the run is over, 0 to 1."""

    @property
    def model(self) -> nn.Module:
        """What learns: parameters with requires_grad; buffers are saved but not averaged."""
        ...

    def batch(self, rng: np.random.Generator, share: float) -> Batch:
        """One batch of CPU tensors, made from `rng` alone."""
        ...

    def loss(self, model: nn.Module, batch: Batch, share: float) -> tuple[Tensor, Mapping[str, float | Tensor]]:
        """The scalar to minimise, and numbers for the log; torch's generators are already seeded for this step."""
        ...

    def frames(self, batch: Batch) -> int:
        """How many frames the batch shows, for the log's 'frames seen'."""
        ...

    def sheet(self, model: nn.Module) -> tuple[np.ndarray | None, dict[str, float]]:
        """A picture (H W 3, RGB uint8) to look at, or None, and numbers; the model has its EMA weights here."""
        ...

    def header(self) -> dict[str, Any]:
        """What the weights file says about itself: at least `sizes` and `corpus_seed`."""
        ...


def plain(model: nn.Module, kind: type[Kind]) -> Kind:
    """The model itself, without what data parallelism wraps around it."""
    inside = getattr(model, "module", model)
    assert isinstance(inside, kind)
    return inside


@dataclass(frozen=True)
class Progress:
    """How far a run is: steps done, frames seen, seconds trained."""

    step: int = 0
    frames: int = 0
    seconds: float = 0.0
    best: float = -math.inf

    def share(self, recipe: Recipe) -> float:
        """How much of the run is over, 0 to 1, counted as the recipe says."""
        minutes = recipe.run.max_minutes
        if recipe.learning.by == "minutes" and minutes:
            return min(1.0, self.seconds / (60 * minutes))
        return min(1.0, self.step / recipe.run.steps)

    def over(self, recipe: Recipe) -> bool:
        minutes = recipe.run.max_minutes
        return self.step >= recipe.run.steps or (minutes is not None and self.seconds >= 60 * minutes)


def learning_rate(learning: Learning, step: int, share: float) -> float:
    """The rate at one step: linear warm-up, then constant, or a cosine from `decay_from` to the end."""
    rate = learning.rate * min(1.0, (step + 1) / max(1, learning.warmup_steps))
    if learning.schedule == "constant" or share <= learning.decay_from:
        return rate
    over = min(1.0, (share - learning.decay_from) / (1 - learning.decay_from))
    return rate * (learning.floor + (1 - learning.floor) * 0.5 * (1 + math.cos(math.pi * over)))
