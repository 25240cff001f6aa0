"""Which published files are in a folder, whole and right. Names, shapes and number types are read; numbers are not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from longtake.errors import LongtakeError, WeightsMissing
from longtake.weights import kinds, onnx
from longtake.weights.published import MODELS, PublishedFile, find
from longtake.weights.source import Unreadable, source

Status = Literal["whole", "float32", "missing", "renamed", "truncated", "wrong", "unsafe"]
TENSOR_FILES = (".pth", ".pt", ".ckpt", ".bin", ".safetensors")
FETCH = "longtake weights fetch hallo2"
UNFINISHED = (".incomplete", ".part", ".partial", ".crdownload", ".aria2")
AT_MOST = 200  # files looked at in search of a renamed one


@dataclass(frozen=True)
class FileReport:
    """What is known of one file."""

    path: str
    status: Status
    needed: bool
    seen: str = ""
    do: str = ""
    place: Path | None = None  # where it is

    @property
    def ok(self) -> bool:
        """Whether it does not stand in the way."""
        return self.status in ("whole", "float32") or (self.status == "missing" and not self.needed)


def check(folder: Path | str) -> list[FileReport]:
    """A report for each file: of the published layout, or of ours if that is what lies there."""
    folder = Path(folder)
    if not folder.is_dir():
        raise WeightsMissing(f"There is no folder {folder}.", do=FETCH)
    is_ours = (folder / "animation.safetensors").exists()
    table = [_as_ours(file) for file in MODELS["hallo2"].files if file.becomes] if is_ours else MODELS["hallo2"].files
    taken = {path for file in table if (path := find(folder, file))}
    strays = [path for path in _weight_files(folder) if path not in taken]
    return [_report(folder, file, strays) for file in table]


def identify(path: Path) -> str:
    """The kind of a weight file; empty if it is none we know or can't be read."""
    try:
        if path.suffix == ".onnx":
            return _onnx_kind(path)
        return kinds.kind_of(source(path).facts)
    except (LongtakeError, OSError):
        return ""


def _as_ours(file: PublishedFile) -> PublishedFile:
    """The row of a file in our own folder."""
    kind = {"net": "animation", "net_g": "enhancer"}.get(file.kind, file.kind)
    return replace(file, path=file.becomes, kind=kind, spellings=())


def _report(folder: Path, file: PublishedFile, strays: list[Path]) -> FileReport:
    report = FileReport(file.path, "whole", file.need == "always", place=find(folder, file))
    if report.place is None:
        return _missing(folder, file, strays, report)
    try:
        return replace(report, **_look(report.place, file))
    except Unreadable as error:
        status: Status = {"unsafe": "unsafe", "foreign": "wrong"}.get(error.reason, "truncated")  # type: ignore[assignment]
        return replace(report, status=status, seen=error.seen, do=error.do)
    except LongtakeError as error:
        return replace(report, status="wrong", seen=error.seen, do=error.do)


def _look(path: Path, file: PublishedFile) -> dict:
    """What changes in the report of a file that is there."""
    if file.kind == "config":
        return _config(path)
    if path.suffix == ".onnx":
        return _network(path, file.kind)
    if path.suffix not in TENSOR_FILES:
        return {"seen": f"{path.stat().st_size / 1e6:.1f} MB, not looked into"}
    return _tensors(path, file.kind)


def _config(path: Path) -> dict:
    try:
        json.loads(path.read_text())
    except (OSError, ValueError) as error:
        return {"status": "truncated", "seen": f"{path} is not valid JSON: {error}", "do": FETCH}
    return {}


def _network(path: Path, kind: str) -> dict:
    seen, graph = _onnx_kind(path), onnx.graph(path)
    told = f"{len(graph.inputs)} inputs, {len(graph.outputs)} outputs"
    if kind in ("scrfd", "arcface", "mdx") and seen != kind:
        return {"status": "wrong", "seen": f"{path} is another network: {told}", "do": FETCH}
    return {"seen": told}


def _onnx_kind(path: Path) -> str:
    """Which of the published networks this is, by its inputs and outputs."""
    graph = onnx.graph(path)
    shape = next(iter(graph.inputs.values()), ())
    if len(graph.outputs) == 9:
        return "scrfd"
    if shape[2:] == (112, 112):
        return "arcface"
    return "mdx" if shape[1:2] == (4,) else ""


def _tensors(path: Path, kind: str) -> dict:
    found = source(path)
    seen = kinds.kind_of(found.facts)
    if seen != kind:
        told = kinds.ABOUT.get(seen, "tensors of no model known here")
        return {"status": "wrong", "seen": f"{path} holds {told}, not {kinds.ABOUT[kind]}", "do": FETCH}
    skipped = kinds.must_be(found)
    sizes = f"{len(found.facts):,} tensors" + (f", {skipped} of them never used" if skipped else "")
    halves = {fact.dtype for fact in found.facts.values() if fact.dtype.is_floating_point}
    if kind == "net" and halves == {torch.float32}:
        do = "it works; longtake weights convert --dtype float16 halves it"
        return {"status": "float32", "seen": f"{sizes}; float32, published is float16: twice the size", "do": do}
    return {"seen": f"{sizes}, {' and '.join(sorted(str(x).removeprefix('torch.') for x in halves))}"}


def _missing(folder: Path, file: PublishedFile, strays: list[Path], report: FileReport) -> FileReport:
    """The report of a file that is not where it should be: perhaps it lies elsewhere, or did not come whole."""
    name = Path(file.path).name
    for path in folder.rglob(f"{name}*"):
        if path.name.removeprefix(name) in UNFINISHED:
            return replace(report, status="truncated", seen=f"{path} is an unfinished download", do=FETCH, place=path)
    if file.kind not in ("config", "task", "onnx"):
        for path in strays:
            if path.suffix in (Path(file.path).suffix, *TENSOR_FILES) and identify(path) == file.kind:
                do = f"mkdir -p {(folder / file.path).parent} && mv {path} {folder / file.path}"
                return replace(report, status="renamed", seen=f"it lies at {path}", do=do, place=path)
    return replace(report, status="missing", seen="not there", do=FETCH if report.needed else "")


def _weight_files(folder: Path) -> list[Path]:
    def all_of() -> Iterator[Path]:
        for path in sorted(folder.rglob("*")):
            if path.suffix in (*TENSOR_FILES, ".onnx") and path.is_file():
                yield path

    return [path for path, _ in zip(all_of(), range(AT_MOST), strict=False)]
