"""`longtake corpus make`: a corpus from assets and a seed; stopped and started again, it goes on where it was."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from longtake.corpus.expressions import NAMES
from longtake.corpus.manifest import NAME, Clip, append, read_manifest
from longtake.corpus.render import SPLIT_CODES, Studio, make_clip
from longtake.corpus.states import ALIKE
from longtake.errors import CorpusError

SOURCES = ("puppet", "grid")
_studio: Studio | None = None
"""The studio of a worker process."""


def make(
    assets: Path,
    out: Path,
    clips: int,
    seed: int = 0,
    split: str = "train",
    workers: int = 1,
    *,
    source: str = "puppet",
    frames: int = 100,
    fps: float = 25.0,
    size: int = 256,
    drawn_size: int = 384,
    calm: bool = False,
    often: Mapping[str, float] = ALIKE,
    cache: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Clip]:
    """The clips of the corpus in `out`, made from the assets where they are missing.

    `source` is "puppet", or "grid" for recordings of a real speaker (their own length; seed and workers don't matter).
    Each clip depends on seed, split and its index alone, so neither workers nor interruptions change it.
    `calm` gives the twins of these clips: the same people, heads and words, without an expression.
    `often` shows expressions so many times as often as others; twins must be made with the same ones.
    Fits of portraits are kept in `cache` (by default `.fits` beside `out`).
    """
    if split not in SPLIT_CODES:
        raise CorpusError(f"There is no split {split!r}.", expected=f"one of {', '.join(SPLIT_CODES)}")
    if source not in SOURCES:
        raise CorpusError(f"There is no source {source!r}.", expected=f"one of {', '.join(SOURCES)}")
    often = _known(often)
    if source == "grid":
        from longtake.corpus.face_model import FaceModel
        from longtake.corpus.grid import make_grid

        return make_grid(assets, out, clips, split, names=FaceModel(assets).names, size=size, progress=progress)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    made = {"seed": seed, "split": split, "frames": frames, "fps": fps, "size": size, "calm": calm, "often": often}
    have = _done(out, made)
    cache = Path(cache) if cache else out.parent / ".fits"
    order = (Path(assets), cache, split, seed, frames, fps, size, drawn_size, calm, often)
    missing = list(range(len(have), clips))
    for clip in _made(order, out, missing, workers):
        append(out, clip)
        have.append(clip)
        progress(len(have), clips)
    return have


def _known(often: Mapping[str, float]) -> dict[str, float]:
    """The expressions in the order of `NAMES`."""
    if unknown := sorted(set(often) - set(NAMES)):
        raise CorpusError(f"No expression is called {unknown[0]!r}.", expected=f"one of {', '.join(NAMES)}")
    if bad := [name for name, times in often.items() if not 0 < times < float("inf")]:
        raise CorpusError(f"{bad[0]} can't be shown {often[bad[0]]:g} times as often.", expected="a number above 0")
    return {name: float(often[name]) for name in NAMES if name in often}


def _done(out: Path, made: dict[str, Any]) -> list[Clip]:
    """What an earlier run left; a corpus made otherwise is not mixed with this one."""
    if not (out / NAME).exists():
        return []
    have = read_manifest(out)
    for i, clip in enumerate(have):
        found = {name: getattr(clip, name) for name in made}
        if found != made or clip.index != i:
            raise CorpusError(
                f"{out} holds another corpus: {clip.id} has {_told(found)}.",
                expected=_told(made),
                do="choose another folder",
            )
    return have


def _told(made: dict[str, Any]) -> str:
    """What a corpus is made of, in words."""
    often = "".join(f", {name} {times:g} times as often" for name, times in made["often"].items())
    calm = ", calm twins" if made["calm"] else ""
    shape = f"{made['frames']} frames of {made['size']} pixels, {made['fps']:g} fps"
    return f"seed {made['seed']}, split {made['split']}, {shape}{calm}{often}"


def _made(order: tuple, out: Path, indices: list[int], workers: int) -> Iterator[Clip]:
    if not indices:
        return
    if workers <= 1:
        _open_studio(order)
        yield from (_one((out, index)) for index in indices)
        return
    with multiprocessing.get_context("spawn").Pool(workers, _open_studio, (order,)) as pool:
        yield from pool.imap(_one, [(out, index) for index in indices])


def _open_studio(order: tuple) -> None:
    global _studio
    os.environ["OMP_NUM_THREADS"] = "1"
    import cv2
    import torch

    cv2.setNumThreads(1)  # several threads would add in another order, and fight over the cores
    torch.set_num_threads(1)
    from longtake.corpus.people import People
    from longtake.corpus.rig import make_rig
    from longtake.corpus.voices import Voices

    assets, cache, split, seed, frames, fps, size, drawn_size, calm, often = order
    rig = make_rig(assets)
    _studio = Studio(
        rig,
        People(assets, cache, rig.model),
        Voices(assets, split),
        split,
        seed,
        frames,
        fps,
        size,
        drawn_size,
        calm=calm,
        often=often,
    )


def _one(job: tuple[Path, int]) -> Clip:
    assert _studio is not None
    return make_clip(_studio, job[1], job[0])
