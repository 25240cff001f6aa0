"""Weights in eight bits: each row of a matrix or kernel as whole numbers from -127 to 127 and one step.

Half of the size of bfloat16, for files that stay in a repository for ever. Rounding errs by at most half a step, 1/254 of the
row's largest weight; what that changes in a video is in dev/LOG.md.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

STEP = "::step"  # behind the name of a rounded tensor: the name of its steps


def rounded(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors with each floating one of two or more axes as int8 and its steps beside it; the others as they are."""
    stored: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if tensor.ndim < 2 or not tensor.is_floating_point():
            stored[name] = tensor
            continue
        rows = tensor.float().flatten(1)
        step = (rows.abs().amax(1, keepdim=True) / 127).clamp_min(1e-12).to(torch.float32)
        stored[name] = (rows / step).round().to(torch.int8).view(tensor.shape)
        stored[name + STEP] = step.squeeze(1)
    return stored


def restored(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors that `rounded` stored, as float32; tensors that were not rounded as they are."""
    tensors = {name: tensor for name, tensor in stored.items() if not name.endswith(STEP)}
    for name, step in ((name.removesuffix(STEP), x) for name, x in stored.items() if name.endswith(STEP)):
        whole = tensors[name].float()
        tensors[name] = whole * step.view(-1, *[1] * (whole.ndim - 1))
    return tensors
