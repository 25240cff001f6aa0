"""Our weights in the published layout, under the published names: what the released code loads as net.pth."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from longtake.errors import WeightsMismatch
from longtake.models.animation import AnimationSizes, hallo2_sizes
from longtake.models.motion_module import positions
from longtake.weights import files, kinds, names
from longtake.weights.kinds import Shapes
from longtake.weights.source import Source, source


@dataclass(frozen=True)
class Exported:
    """What was written: tensors taken over, tensors that never act filled in, and ours that the published layout can't hold."""

    path: Path
    taken: int
    filled: int
    left_out: tuple[str, ...]


def export(
    trained: Path | str, out: Path | str, base: Path | str | None = None, dtype: torch.dtype | None = None
) -> Exported:
    """Writes net.pth from our animation networks (a file, or a folder with animation.safetensors).

    The released code wants every name, also those of parts that never act: they are taken from `base`, a published net.pth, or
    filled so that they would change nothing. By default every tensor keeps its number type.
    """
    trained, out = Path(trained), Path(out)
    path = trained / "animation.safetensors" if trained.is_dir() else trained
    tensors, header = files.read(path)  # mapped: read when they are written
    published = {names.published(name): tensor for name, tensor in tensors.items() if not names.OURS_ONLY.match(name)}
    shapes = _published_shapes(path, header)
    given = source(base) if base else None
    kept = {name for name in shapes if name in published}
    _must_fit(
        path, {name: x for name, x in shapes.items() if name in kept or not names.NEVER_RUN.match(name)}, published
    )
    filled = _filled({name: x for name, x in shapes.items() if name not in kept}, given, _type(published))
    whole = OrderedDict((name, _cast(published.get(name, filled.get(name)), dtype)) for name in shapes)
    _save(whole, out)
    return Exported(out, len(kept), len(filled), tuple(name for name in tensors if names.OURS_ONLY.match(name)))


def _published_shapes(path: Path, header: dict) -> Shapes:
    """What net.pth must hold for networks of these sizes; raises WeightsMismatch if the released code can't build them."""
    sizes = files.sizes(path, header, AnimationSizes)
    widths = sizes.denoiser.unet.channels
    like = hallo2_sizes(widths) if len(widths) == 4 else hallo2_sizes()
    same = replace(sizes.denoiser, words=0, positions=like.denoiser.positions)
    if same != like.denoiser or sizes.locator != like.locator or sizes.identity != like.identity:
        raise WeightsMismatch(
            f"The networks in {path} are built in another way than the published ones, so net.pth can't hold them.",
            expected="networks trained with recipes/paper (the published layout, at any width)",
        )
    return kinds.net_shapes(replace(sizes, denoiser=replace(sizes.denoiser, words=0)))


def _must_fit(path: Path, shapes: Shapes, tensors: dict[str, Tensor]) -> None:
    facts = {name: kinds.Facts(tuple(x.shape), x.dtype) for name, x in tensors.items()}
    if wrong := kinds.fit(shapes, facts):
        raise WeightsMismatch(f"{path} does not fit its own sizes: {'; '.join(wrong)}", do="train or convert it again")


def _filled(shapes: Shapes, base: Source | None, dtype: torch.dtype) -> dict[str, Tensor]:
    """Tensors for parts that never act. Without a base they are zeros, with which such a part would add nothing."""
    if base is None:
        return {name: _blank(name, shape, dtype) for name, shape in shapes.items()}
    if wrong := kinds.fit(shapes, {name: fact for name, fact in base.facts.items() if name in shapes}):
        raise WeightsMismatch(
            f"The base {base.path} does not fit: {'; '.join(wrong)}", expected="net.pth of the same widths"
        )
    return {name: tensor.to(dtype) for name, tensor in base.tensors(shapes)}


def _blank(name: str, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    return positions(shape[1], shape[2]).to(dtype) if name.endswith(".pe") else torch.zeros(shape, dtype=dtype)


def _type(tensors: dict[str, Tensor]) -> torch.dtype:
    return next(iter(tensors.values())).dtype


def _cast(tensor: Tensor | None, dtype: torch.dtype | None) -> Tensor:
    assert tensor is not None
    return tensor.to(dtype) if dtype is not None else tensor


def _save(tensors: OrderedDict[str, Tensor], out: Path) -> None:
    """torch.save, whole or not at all; every tensor with its own numbers only."""
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(out.name + ".partial")
    torch.save(OrderedDict((name, x.clone() if _shares(x) else x) for name, x in tensors.items()), partial)
    partial.replace(out)


def _shares(tensor: Tensor) -> bool:
    """Whether a tensor is a view of a larger storage, all of which torch.save would write."""
    return tensor.untyped_storage().nbytes() > tensor.nbytes
