"""What a stopped run leaves, and what a finished one gives: atomic checkpoints, and weights with a header."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from longtake.errors import WeightsMismatch, WeightsMissing


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write the state so that a crash leaves the old file or the new one, never half of one."""
    _atomic(path, lambda part: torch.save(state, part))


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """The state in `path`, or None where there is none yet."""
    if not path.exists():
        return None
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise WeightsMismatch(
            f"The checkpoint {path} can't be read: {error}.", do="Delete it to begin again, or restore a copy."
        ) from error


def export_weights(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write tensors as bf16 safetensors (integers as they are) with a header of strings, each JSON unless it is text."""
    from safetensors.torch import save_file

    stored = {name: _stored(tensor) for name, tensor in tensors.items()}
    metadata = {key: value if isinstance(value, str) else json.dumps(value) for key, value in header.items()}
    _atomic(path, lambda part: save_file(stored, part, metadata=metadata))


def start_from(model: nn.Module, path: Path) -> None:
    """Load weights into the model; every name and shape must agree."""
    from safetensors.torch import load_file

    if not path.exists():
        raise WeightsMissing(
            f"There are no weights at {path}.", do="Set run.start to a .safetensors file, or leave it out."
        )
    missing, unexpected = model.load_state_dict(load_file(path), strict=False)
    if missing or unexpected:
        raise WeightsMismatch(
            f"{path} does not fit: {len(missing)} tensors missing {missing[:3]}, {len(unexpected)} unknown {unexpected[:3]}.",
            expected="weights made with the same sizes",
        )


def commit() -> str:
    """The commit of the code that runs, with a plus sign if the tree has changes; 'unknown' outside a clone."""
    here = Path(__file__).parent
    try:
        name = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True)
        dirty = subprocess.run(["git", "status", "--porcelain", "-uno"], cwd=here, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return name.stdout.strip() + ("+" if dirty.stdout.strip() else "")


def _stored(tensor: Tensor) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    return tensor.to(torch.bfloat16) if tensor.is_floating_point() else tensor


def _atomic(path: Path, write) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    write(part)
    os.replace(part, path)
