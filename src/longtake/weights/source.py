"""A weight file of any origin, read a little at a time: names, shapes and number types first, tensors in small groups.

Pickled files (.pth, .ckpt, .bin) are opened with `weights_only`, so that code inside them is refused and never run, and
mapped into memory, so that looking costs nothing. A mapped file is opened anew for every group of tensors: closing it
gives its pages back.
"""

from __future__ import annotations

import json
import pickle
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from longtake.errors import WeightsMismatch, WeightsMissing
from longtake.weights.files import DTYPES

TYPES = {name: dtype for dtype, name in DTYPES.items()}

GROUP_BYTES = 256 * 2**20
"""Tensors are taken together up to this size."""
INNER = ("params_ema", "params", "state_dict")  # where files keep their tensors, the first that is there
PICKLE = b"\x80"  # how a bare pickle starts: what torch wrote before it wrote zip archives


class Unreadable(WeightsMismatch):
    """A file that can't be read; `reason` is one word: truncated, unsafe or foreign."""

    def __init__(self, reason: str, seen: str, *, expected: str = "", do: str = ""):
        super().__init__(seen, expected=expected, do=do)
        self.reason = reason


@dataclass(frozen=True)
class Facts:
    """What is known of a tensor without its numbers."""

    shape: tuple[int, ...]
    dtype: torch.dtype

    @property
    def bytes(self) -> int:
        return torch.Size(self.shape).numel() * self.dtype.itemsize


@dataclass(frozen=True)
class Source:
    """The tensors of a file by name."""

    path: Path
    facts: dict[str, Facts]

    def tensors(self, names: Iterable[str], group_bytes: int = GROUP_BYTES) -> Iterator[tuple[str, Tensor]]:
        """The named tensors in this order; each is good until the next is asked for."""
        if _is_pickle(self.path):
            group_bytes = sum(fact.bytes for fact in self.facts.values())  # can't be mapped: read once
        for group in groups({name: self.facts[name] for name in names}, group_bytes):
            opened = _open(self.path)
            yield from ((name, opened[name]) for name in group)


def source(path: Path | str) -> Source:
    """The file's tensors, described."""
    path = Path(path)
    if not path.is_file():
        raise WeightsMissing(
            f"There is no weight file at {path}", do="longtake weights list shows which files there are"
        )
    facts = _header(path) if path.suffix == ".safetensors" else _facts(_open(path))
    return Source(path, facts)


def groups(facts: Mapping[str, Facts], group_bytes: int) -> Iterator[list[str]]:
    """The names in order, cut where a group would exceed `group_bytes`; a larger tensor is a group of its own."""
    group, size = [], 0
    for name, fact in facts.items():
        if group and size + fact.bytes > group_bytes:
            yield group
            group, size = [], 0
        group.append(name)
        size += fact.bytes
    if group:
        yield group


def _facts(tensors: Mapping[str, Tensor]) -> dict[str, Facts]:
    return {name: Facts(tuple(tensor.shape), tensor.dtype) for name, tensor in tensors.items()}


def _open(path: Path) -> Mapping[str, Tensor]:
    """The file's tensors, mapped, under names without wrappers."""
    if path.suffix == ".safetensors":
        return _Mapped(path)
    return _plain(path, _unpickle(path))


class _Mapped(Mapping[str, Tensor]):
    """A safetensors file, each tensor read when it is asked for."""

    def __init__(self, path: Path):
        self.file = _safe_open(path)

    def __getitem__(self, name: str) -> Tensor:
        return self.file.get_tensor(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.file.keys())

    def __len__(self) -> int:
        return len(self.file.keys())


def _safe_open(path: Path) -> Any:
    from safetensors import SafetensorError, safe_open

    try:
        return safe_open(str(path), framework="pt", device="cpu")
    except (SafetensorError, OSError, ValueError) as error:
        raise _broken(path, "a complete safetensors file", error) from error


def _header(path: Path) -> dict[str, Facts]:
    """Names, shapes and types from the header of a safetensors file, in the order of the file's numbers."""
    _safe_open(path)  # says whether header and size agree
    with open(path, "rb") as file:
        rows = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    rows.pop("__metadata__", None)
    ordered = sorted(rows.items(), key=lambda row: row[1]["data_offsets"])
    return {name: Facts(tuple(row["shape"]), TYPES[row["dtype"]]) for name, row in ordered}


def _unpickle(path: Path) -> Any:
    try:
        if _is_pickle(path):
            return torch.load(path, map_location="cpu", weights_only=True)
        if not zipfile.is_zipfile(path) or _is_script(path):
            raise _broken(path, "a file that torch.save wrote")
        return torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except pickle.UnpicklingError as error:
        raise _unsafe(path, error) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise _broken(path, "a complete file that torch.save wrote", error) from error


def _start(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(64)


def _is_pickle(path: Path) -> bool:
    return _start(path).startswith(PICKLE)


def _is_script(path: Path) -> bool:
    """Whether this zip archive holds a program (TorchScript), not tensors."""
    return any(name.endswith("/constants.pkl") for name in zipfile.ZipFile(path).namelist())


def _unsafe(path: Path, error: Exception) -> Unreadable:
    """The refusal, with the name of what would have been called."""
    named = re.search(r"GLOBAL ([\w.]+)", str(error)) or re.search(r"global ([\w.]+)", str(error))
    what = f" ({named[1]})" if named else ""
    return Unreadable(
        "unsafe",
        f"{path} holds more than tensors{what}; loading it could run code, so it is refused.",
        expected="a file of tensors alone, as published",
        do="fetch the published file: longtake weights fetch hallo2",
    )


def _broken(path: Path, expected: str, error: Exception | None = None) -> Unreadable:
    """The error for a file that is cut short or something else, as its first bytes tell."""
    start = _start(path)
    if start.startswith(b"version https://git-lfs"):
        return Unreadable("truncated", f"{path} is the address of a large file, not the file itself.",
                          expected=expected, do="fetch the file: git lfs pull, or longtake weights fetch hallo2")  # fmt: skip
    whole = zipfile.is_zipfile(path)
    cut = not whole and (not start or start.startswith((b"PK\x03\x04", PICKLE)) or path.suffix == ".safetensors")
    why = f" ({str(error).splitlines()[0][:200]})" if error and str(error) else ""
    return Unreadable(
        "truncated" if cut else "foreign",
        f"{path} is damaged or was cut short{why}."
        if cut
        else f"{path} is not a file of weights; it starts with {start[:12]!r}.",
        expected=expected,
        do="delete it and fetch it again: longtake weights fetch hallo2",
    )


def _plain(path: Path, loaded: Any) -> dict[str, Tensor]:
    """The tensors by name, out of the dictionaries that training code puts round them."""
    for key in INNER:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
    tensors = {name: x for name, x in loaded.items() if isinstance(x, Tensor)} if isinstance(loaded, Mapping) else {}
    if not tensors:
        raise Unreadable(
            "foreign", f"{path} holds no tensors by name.", expected="a dictionary from names to tensors",
            do="check which file this is: longtake weights list",
        )  # fmt: skip
    wrapped = all(name.startswith("module.") for name in tensors)
    return {name.removeprefix("module.") if wrapped else name: tensor for name, tensor in tensors.items()}
