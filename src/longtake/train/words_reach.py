"""How far words move the latents of the way that puppets go, expression by expression, where little but noise is seen.

    python -m longtake.train.words_reach WEIGHTS WINDOWS --calm WINDOWS

WEIGHTS are word norms; WINDOWS what `longtake corpus prepare` made of held-out clips, and of their calm twins.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import typer
from torch import Tensor

from longtake.corpus.windows import PERIOD, Example, Windows
from longtake.errors import CorpusError
from longtake.evaluate.command import run_command
from longtake.train.stage import StageTask
from longtake.train.stage_batch import collate
from longtake.train.words_error import foreseen, task_with

Held = tuple[str, Example, Example]
"""An expression, a segment that shows nothing else, and the same of the calm twin."""


def held(windows: Windows, frames: int, motion: int) -> Iterator[Held]:
    """The first segment of each state with one expression, once it is fully there; it begins a video from the calm twin."""
    for clip in windows.clips:
        calm = windows.calm.get(clip["id"])
        if calm is None:
            continue
        for start, stop, state in clip.get("states", ()):
            first = start + (clip["ease"] if start else 0)
            first += (PERIOD // 2 - first) % PERIOD  # only there patches are dropped
            if len(state) != 1 or first + frames > stop:
                continue
            targets, led = np.arange(first, first + frames), np.full(motion, first)
            asked, twin = (windows.example(who, calm, first, targets, led, "motion") for who in (clip, calm))
            yield next(iter(state)), asked, twin


@torch.inference_mode()
def reached(task: StageTask, seed: int = 5) -> dict[str, tuple[int, float]]:
    """Of each expression: how many segments, and the share of the true change of the face that its words foresee.

    1 is the change that puppets make from their calm twins, 0 none of it. What goes across it doesn't count, what goes against it
    takes away.
    """
    rng, settings = np.random.default_rng(seed), task.settings
    sums = defaultdict(list)
    task.model.eval()
    assert task.sayings is not None
    for name, asked, twin in held(task.windows, settings.frames, settings.motion):
        batch = collate([asked], task.levels) | task.sayings([asked], rng)
        batch |= {"has_portrait": torch.tensor([True]), "has_speech": torch.tensor([True])}
        true = torch.tensor(asked.target - twin.target).transpose(0, 1)[None] / task.anchor_std
        moved = _foreseen(task, batch, 1.0) - _foreseen(task, batch, 0.0)
        face = batch["regions_0"][:, 1][:, None, None]
        sums[name].append([float((moved * true * face).sum()), float((true.square() * face).sum())])
    totals = {name: np.sum(rows, axis=0) for name, rows in sums.items()}
    return {name: (len(sums[name]), float(along / whole)) for name, (along, whole) in sorted(totals.items())}


def _foreseen(task: StageTask, batch: dict[str, Tensor], strength: float) -> Tensor:
    """The clean latents as foreseen with words of that strength, from the same noise each time."""
    torch.manual_seed(0)
    return foreseen(task, {**batch, "words_strength": strength * batch["words_strength"]})


def main(
    weights: Path = typer.Argument(..., metavar="WEIGHTS", help="word norms"),
    windows: Path = typer.Argument(..., metavar="WINDOWS", help="held-out windows"),
    calm: Path = typer.Option(..., help="the windows of their calm twins"),
) -> None:
    """Prints a line for each expression, and the mean."""
    rows = reached(task_with(weights, windows, calm))
    if not rows:
        raise CorpusError(
            f"No held-out clip of {windows} with a twin in {calm} holds one expression long enough.",
            expected="clips of the split heldout, and their calm twins",
            do="longtake corpus make --split heldout, once more with --calm, and longtake corpus prepare",
        )
    for name, (count, share) in rows.items():
        print(f"{name:12} {share:5.2f}  of {count}")
    print(f"{'mean':12} {np.mean([share for _, share in rows.values()]):5.2f}")


if __name__ == "__main__":
    run_command(main)
