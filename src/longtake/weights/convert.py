"""Published files become ours: renamed, checked tensor by tensor, and never wholly in memory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from longtake.errors import WeightsMissing
from longtake.weights import files
from longtake.weights.files import Progress, Row
from longtake.weights.kinds import Plan, plan
from longtake.weights.published import MODELS, PublishedFile, find
from longtake.weights.source import GROUP_BYTES, Source, source

OUTPUTS = {  # kind of plan → file name
    "animation": "animation.safetensors",
    "vae": "vae.safetensors",
    "enhancer": "enhancer.safetensors",
    "rrdb": "background.safetensors",
    "unet": "unet.safetensors",
    "motion": "motion_modules.safetensors",
}
SILENT: Progress = lambda done, total: None  # noqa: E731


def convert(
    published: Path | str, out: Path | str, progress: Progress | None = None, dtype: torch.dtype | None = None
) -> list[Path]:
    """The files written to the folder `out`, from a folder in the published layout or from one published file.

    Of a folder, everything that is needed must be there; what is optional is taken if it is. `dtype` changes the number
    type of the animation networks (a float32 net.pth can be halved); by default every bit stays.
    """
    published, out = Path(published), Path(out)
    progress = progress or SILENT
    if published.is_file():
        return [_one(published, out, progress, dtype)]
    found = _present(published)
    room = sum(path.stat().st_size for _, path in found)
    files.expect_room(out, room, "give another folder with --out")
    written, done = [], 0
    for file, path in found:
        written.append(_one(path, out, lambda now, _, before=done: progress(before + now, room), dtype, file.becomes))
        done += path.stat().st_size
        progress(done, room)
    return written


def convert_file(
    path: Path, out: Path, progress: Progress = SILENT, dtype: torch.dtype | None = None, group_bytes: int = GROUP_BYTES
) -> Path:
    """One file of tensors in our form, in the folder `out`. Memory: one group of tensors."""
    published = source(path)
    made = plan(published)
    target = out / OUTPUTS[made.kind]
    rows = _rows(published, made, dtype)
    order = {ours: name for name, ours in made.moves.items()}
    tensors = published.tensors([order[ours] for ours in rows], group_bytes)
    files.write_stream(target, rows, _reshaped(tensors, rows), made.about, progress)
    return target


def _reshaped(tensors: Iterator[tuple[str, Tensor]], rows: dict[str, Row]) -> Iterator[Tensor]:
    for (_, tensor), (shape, _) in zip(tensors, rows.values(), strict=True):
        yield tensor.reshape(shape)


def _rows(published: Source, made: Plan, dtype: torch.dtype | None) -> dict[str, Row]:
    """Our name → shape and type, in the order of the file to write."""
    halve = dtype if made.kind == "animation" else None
    rows = {ours: (made.shapes[ours], halve or published.facts[name].dtype) for name, ours in made.moves.items()}
    return _aligned(rows)


def _aligned(rows: dict[str, Row]) -> dict[str, Row]:
    """The same, wide types first: then every number lies where its type wants it."""
    return dict(sorted(rows.items(), key=lambda row: -row[1][1].itemsize))


def _one(path: Path, out: Path, progress: Progress, dtype: torch.dtype | None, becomes: str = "") -> Path:
    """One file converted, or copied where it is used as published."""
    copied = path.suffix in (".onnx", ".json") or becomes.startswith("wav2vec2/")
    if not copied:
        return convert_file(path, out, progress, dtype)
    target = out / (becomes or path.name)
    if path.suffix == ".bin":
        return _as_safetensors(path, target, progress)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    shutil.copyfile(path, partial)
    partial.replace(target)
    return target


def _as_safetensors(path: Path, target: Path, progress: Progress) -> Path:
    """The same tensors under the same names, without the pickle."""
    published = source(path)
    rows = _aligned({name: (fact.shape, fact.dtype) for name, fact in published.facts.items()})
    files.write_stream(target, rows, _reshaped(published.tensors(rows), rows), {"source": path.name}, progress)
    return target


def _present(folder: Path) -> list[tuple[PublishedFile, Path]]:
    """The files to take; raises WeightsMissing with all that lack."""
    if not folder.is_dir():
        raise WeightsMissing(
            f"There is no folder {folder}", do="longtake weights fetch hallo2 brings the published files"
        )
    table = MODELS["hallo2"].files
    found = [(file, find(folder, file)) for file in table if file.becomes]
    lacking = [file.path for file, path in found if path is None and file.need == "always"]
    if lacking:
        raise WeightsMissing(
            f"Not all published files are in {folder}. Missing: {', '.join(lacking)}",
            expected="the layout of the published repository (docs/weights.md)",
            do="longtake weights fetch hallo2, or convert a single file by its path",
        )
    return [(file, path) for file, path in found if path is not None]
