"""What training costs: operations counted on networks without memory, and told in words."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn


def operations_of(work: Callable[[], object]) -> int:
    """Floating-point operations (2 x multiply-add) that `work` takes."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        work()
    return counter.get_total_flops()


def cost(name: str, model: nn.Module, operations: float, one: str) -> str:
    """Parameters of the model and the operations of `one` example, as a line; training takes three times a forward pass."""
    parameters = sum(p.numel() for p in model.parameters()) / 1e6
    each = operations / 1e9
    return f"{name}: {parameters:.2f} M parameters, {each:.2f} GFLOP {one}, about {3 * each:.2f} to train on it"
