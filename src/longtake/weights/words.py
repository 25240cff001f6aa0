"""The word norms in a file of their own, beside the animation networks that they were trained in.

They are small, and everything else may be used without them. The file says which animation weights and which word encoder
it belongs to, by hashes: with others its numbers would mean nothing, and nothing else would show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from longtake.errors import WeightsMismatch, WeightsMissing
from longtake.weights import files
from longtake.weights.names import OURS_ONLY

NORMS, ENCODER = "words.safetensors", "words_encoder.safetensors"
MODEL = "model_id"  # a word encoder that is no file of the preset
OTHERWISE = (
    "install longtake again; or train the norms anew (longtake train recipes/mini/words.toml); or take the file away"
)


def is_norm(name: str) -> bool:
    """Whether a tensor belongs to a word norm."""
    return bool(OURS_ONLY.match(name))


def only_norms(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The word norms among the tensors of the animation networks."""
    return {name: tensor for name, tensor in tensors.items() if is_norm(name)}


def hashes_of(path: Path) -> dict[str, str]:
    """What tells one weight file, with its parts, from others: hashes by name. Of a folder: those of all that lie in it."""
    if path.is_dir():
        found = sorted(path.rglob("*.safetensors"))
    else:
        found = [path, *(path.with_name(part) for part in files.about(path).get("parts", []))]
    if not found:
        raise WeightsMissing(
            f"There are no weights in {path}.", expected="*.safetensors", do="fetch or convert them first"
        )
    return {_name(file, path): files.short_hash(file) for file in found}


def _name(file: Path, of: Path) -> str:
    """A file's name without its ending; within a folder with the folders between, for names come twice there."""
    return file.relative_to(of).with_suffix("").as_posix() if of.is_dir() else file.stem


def encoder_hashes(name: str) -> dict[str, str]:
    """The same of a word encoder: a file, a folder, or the id of one that others keep."""
    return hashes_of(Path(name)) if Path(name).exists() else {MODEL: name}


def with_norms(
    tensors: Mapping[str, Tensor], animation: Path, encoder: Path
) -> tuple[dict[str, Tensor], dict[str, Any] | None]:
    """The tensors of the animation networks with the norms that lie beside them, and these norms' header.

    Where no such file lies, the tensors as they are, and None. Raises WeightsMismatch if the norms belong to others.
    """
    path = animation.with_name(NORMS)
    if not path.exists():
        return dict(tensors), None
    norms, header = read_norms(path, hashes_of(animation), hashes_of(encoder) if encoder.exists() else None)
    if strange := [name for name in norms if not is_norm(name)]:
        raise WeightsMismatch(f"{path} holds other things than word norms: {', '.join(strange[:5])}", do=OTHERWISE)
    return {name: tensor for name, tensor in tensors.items() if not is_norm(name)} | norms, header


def read_norms(
    path: Path, animation: Mapping[str, str], encoder: Mapping[str, str] | None
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and header of a file of word norms, which must belong to these networks, told by their hashes.

    An `encoder` of None may be any. Raises WeightsMismatch.
    """
    norms, header = files.read(path)
    _expect(path, "animation weights", header.get("animation"), animation)
    if encoder is not None and MODEL not in header.get("encoder", {}):
        _expect(path, "word encoder", header.get("encoder"), encoder)
    return norms, header


def _expect(path: Path, what: str, named: Mapping[str, str] | None, found: Mapping[str, str]) -> None:
    if named != found:
        raise WeightsMismatch(
            f"The word norms in {path} were trained with another {what} ({_said(named or {})}).",
            expected=f"norms trained with what lies here ({_said(found)})",
            do=OTHERWISE,
        )


def _said(hashes: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in hashes.items()) or "not named"
