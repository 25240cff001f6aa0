"""The average of a model over its last steps: parameters by diffusers' EMAModel, float buffers in step with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from diffusers.training_utils import EMAModel


class Average:
    """`with average:` the model holds its averages. Statistics kept in buffers must go with the weights they describe."""

    def __init__(self, ema: EMAModel, parameters: list[nn.Parameter], buffers: list[Tensor]):
        self.ema, self.parameters, self.buffers = ema, parameters, buffers
        self.means = [b.detach().clone() for b in buffers]

    @property
    def shadow_params(self) -> list[Tensor]:
        return self.ema.shadow_params

    @torch.no_grad()
    def step(self) -> None:
        """Move the averages a little towards the model."""
        self.ema.step(self.parameters)
        decay = self.ema.cur_decay_value
        assert decay is not None  # a step sets it
        for mean, buffer in zip(self.means, self.buffers, strict=True):
            mean.lerp_(buffer, 1 - decay)

    def state_dict(self) -> dict[str, Any]:
        return {**self.ema.state_dict(), "buffers": [mean.clone() for mean in self.means]}

    def load_state_dict(self, state: dict[str, Any], device: torch.device) -> None:
        state = dict(state)
        for mean, stored in zip(self.means, state.pop("buffers", self.buffers), strict=True):
            mean.copy_(stored)
        self.ema.load_state_dict(state)
        self.ema.to(device)

    @torch.no_grad()
    def __enter__(self) -> None:
        self.ema.store(self.parameters)
        self.ema.copy_to(self.parameters)
        self.held = [b.clone() for b in self.buffers]
        for buffer, mean in zip(self.buffers, self.means, strict=True):
            buffer.copy_(mean)

    @torch.no_grad()
    def __exit__(self, *_) -> None:
        self.ema.restore(self.parameters)
        for buffer, held in zip(self.buffers, self.held, strict=True):
            buffer.copy_(held)
