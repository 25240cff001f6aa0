"""A few steps of training, for tests of what learns."""

from __future__ import annotations

import numpy as np
import torch


def losses(task, steps: int, rate: float, number: str | None = None) -> list[float]:
    """The loss (or a number of the log) before each of a few steps on one batch, with the same noise each time."""
    optimizer = torch.optim.AdamW([p for p in task.model.parameters() if p.requires_grad], lr=rate)
    batch, found = task.batch(np.random.default_rng(0), 0.0), []
    for _ in range(steps):
        torch.manual_seed(0)
        loss, told = task.loss(task.model, batch, 0.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append((told[number] if number else loss).item())
    return found
