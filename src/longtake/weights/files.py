"""Weight files: safetensors with a JSON header that says what is inside and how it was made."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from longtake.errors import OutputError, WeightsMismatch, WeightsMissing
from longtake.weights.rounded import restored

Sizes = TypeVar("Sizes")

HEADER = "longtake"  # the header entry that holds our JSON
Row = tuple[tuple[int, ...], torch.dtype]  # what the header says of a tensor
Progress = Callable[[int, int], None]  # done, in all
DTYPES = {  # as safetensors spells them
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
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


def write_stream(
    path: Path | str, rows: Mapping[str, Row], tensors: Iterable[Tensor], about: Mapping[str, Any], progress: Progress
) -> None:
    """Writes tensors one by one as they come, in the order of `rows` (name → shape and type), taking no memory for the rest.

    The library's own writer wants all of them at once. `progress` is told bytes done and bytes in all.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    sizes = {name: torch.Size(shape).numel() * dtype.itemsize for name, (shape, dtype) in rows.items()}
    with open(partial, "wb") as file:
        file.write(_header(rows, sizes, about))
        done, total = 0, sum(sizes.values())
        for (name, (shape, dtype)), tensor in zip(rows.items(), tensors, strict=True):
            assert tensor.shape.numel() == torch.Size(shape).numel(), name
            raw = tensor.detach().to(dtype).contiguous().reshape(-1).view(torch.uint8)
            file.write(raw.numpy().data)
            progress(done := done + sizes[name], total)
    partial.replace(path)


def read(path: Path | str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a weight file and of the parts that its header names, on the CPU as stored, and its header.

    What was stored in eight bits (`rounded.py`) comes as float32.
    """
    with _opened(path) as file:
        tensors = restored({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        header = _about(file.metadata())
    for part in header.get("parts", []):
        tensors |= read(Path(path).with_name(part))[0]
    return tensors, header


def write_parts(
    path: Path | str, tensors: Mapping[str, Tensor], about: Mapping[str, Any], parts: Mapping[str, str]
) -> None:
    """Writes a weight file with some of its tensors in files beside it: `parts` maps a name's beginning to a file.

    Files in a repository stay small that way; `read` puts them together again.
    """
    rest = dict(tensors)
    for start, part in parts.items():
        chosen = {name: rest.pop(name) for name in tensors if name.startswith(start)}
        write(Path(path).with_name(part), chosen, {"part_of": Path(path).name, "kind": about.get("kind")})
    write(path, rest, {**about, "parts": list(parts.values())})


def about(path: Path | str) -> dict[str, Any]:
    """The header alone: what the file holds and how it was made."""
    with _opened(path) as file:
        return _about(file.metadata())


def sizes(path: Path | str, header: Mapping[str, Any], kind: type[Sizes]) -> Sizes:
    """The sizes of its networks that a header tells; raises WeightsMismatch if they are not of this kind."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_python(header.get("sizes"))
    except ValidationError as error:
        raise WeightsMismatch(
            f"The header of {path} holds no {kind.__name__}.",
            expected="a weight file that longtake train or longtake weights convert wrote",
            do="check which file lies there: longtake weights check FOLDER; or install, convert or train it again",
        ) from error


def short_hash(path: Path) -> str:
    """The first 16 hex digits of a file's SHA-256."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def expect_room(folder: Path, needed: int, otherwise: str) -> None:
    """Refuses what would fill the disk: raises OutputError if `needed` bytes have no room where the folder is or will be."""
    place = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(place).free
    if needed and free < needed * 1.02:
        raise OutputError(
            f"{needed / 1e9:.2f} GB are to be written, and {place} has {free / 1e9:.2f} GB free.",
            do=f"make room, or {otherwise}",
        )


def _header(rows: Mapping[str, Row], sizes: Mapping[str, int], about: Mapping[str, Any]) -> bytes:
    """The beginning of a safetensors file: its length in eight bytes, then JSON, padded so that numbers start aligned."""
    entries: dict[str, Any] = {"__metadata__": {"format": "pt", HEADER: json.dumps(about, sort_keys=True)}}
    end = 0
    for name, (shape, dtype) in rows.items():
        start, end = end, end + sizes[name]
        entries[name] = {"dtype": DTYPES[dtype], "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


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
            do="longtake doctor shows which weights are here; a damaged install is mended by installing again",
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
