"""Weight files: safetensors with a JSON header that says what is inside and how it was made."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from longtake.errors import WeightsMismatch, WeightsMissing

HEADER = "longtake"  # the header entry that holds our JSON
WHOLE = ("positions",)  # buffers that keep float32 whatever the file's dtype


def write(path: Path | str, tensors: Mapping[str, Tensor], about: Mapping[str, Any], dtype: torch.dtype | None = None):
    """Writes the tensors (floating ones as `dtype`, if given) with `about` as header; the file appears whole or not at all."""
    from safetensors.torch import save_file

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = {name: _stored(name, tensor, dtype) for name, tensor in tensors.items()}
    partial = path.with_name(path.name + ".partial")
    save_file(stored, partial, metadata={"format": "pt", HEADER: json.dumps(about, sort_keys=True)})
    partial.replace(path)


def read(path: Path | str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a weight file, on the CPU as stored, and its header."""
    with _opened(path) as file:
        return {name: file.get_tensor(name) for name in file.keys()}, _about(file.metadata())  # noqa: SIM118


def about(path: Path | str) -> dict[str, Any]:
    """The header alone: what the file holds and how it was made."""
    with _opened(path) as file:
        return _about(file.metadata())


def _stored(name: str, tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    if dtype is None or not tensor.is_floating_point() or name.endswith(WHOLE):
        return tensor.clone()  # shared memory can't be stored
    return tensor.to(dtype)


def _opened(path: Path | str):
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise WeightsMissing(
            f"There is no weight file at {path}",
            expected="a .safetensors file",
            do="longtake weights list shows which files each preset needs; a damaged install is mended by installing again",
        )
    try:
        return safe_open(str(path), framework="pt", device="cpu")
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsMismatch(
            f"The weight file {path} can't be read: {error}",
            expected="a complete safetensors file",
            do="the file is damaged or was cut short: fetch or install it again",
        ) from error


def _about(metadata: dict[str, str] | None) -> dict[str, Any]:
    return json.loads((metadata or {}).get(HEADER, "{}"))
