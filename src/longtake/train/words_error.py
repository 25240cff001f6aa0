"""How much right words help where little but noise is seen: the error on held-out clips with none, the right and the wrong.

    python -m longtake.train.words_error WEIGHTS WINDOWS [--calm WINDOWS] [--batches 10]

WEIGHTS are word norms, WINDOWS what `longtake corpus prepare` made of held-out clips, with their calm twins.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import typer
from torch import Tensor

from longtake.evaluate.command import run_command
from longtake.train.objective import noise_latents
from longtake.train.recipe import Recipe, read_recipe
from longtake.train.stage import StageTask

RECIPE = Path(__file__).parents[3] / "recipes" / "mini" / "words.toml"
STEP = 990
"""Almost only noise: what isn't told can't be known."""
ALWAYS = {"start_rate": 0.5, "calm_rate": 1.0, "drop_all": 0.0, "drop_speech": 0.0, "drop_words": 0.0}
"""Every segment starts calm, and nothing that is told is lost."""


def told_in_full(path: Path, windows: Path, calm: Path | None, norms: Path) -> Recipe:
    """The recipe on these windows and norms, everything told."""
    folders = {"windows": [str(windows)], "calm": [str(calm)] if calm else []}
    data = [f"data.{name}={json.dumps(places)}" for name, places in folders.items()]
    data.append(f"data.norms={json.dumps(str(norms))}")
    return read_recipe(path, [*data, *(f"task.{name}={value}" for name, value in ALWAYS.items())])


@torch.inference_mode()
def errors(task: StageTask, batches: int, seed: int = 5) -> dict[str, float]:
    """Mean squared errors of the clean latents, in standard deviations: with no words, the right ones, another clip's."""
    rng, found = np.random.default_rng(seed), {"none": [], "right": [], "wrong": []}
    task.model.eval()
    for number in range(batches):
        batch = task.batch(rng, 0.0)
        words, strength = batch["words"], batch["words_strength"]
        said = {
            "none": (words, 0 * strength),
            "right": (words, strength),
            "wrong": (words.roll(1, 0), strength.roll(1, 0)),
        }
        for name, (told, how) in said.items():
            torch.manual_seed(number)  # the same noise for all three
            found[name].append(error(task, {**batch, "words": told, "words_strength": how}))
    return {name: float(torch.stack(values).mean()) for name, values in found.items()}


def error(task: StageTask, batch: dict[str, Tensor]) -> Tensor:
    """The mean squared error of one batch."""
    return (foreseen(task, batch) - task.clean(batch)).square().mean()


def foreseen(task: StageTask, batch: dict[str, Tensor]) -> Tensor:
    """The clean latents of a batch as the network foresees them at `STEP`."""
    clean = task.clean(batch)
    step = torch.full(clean.shape[:1] + clean.shape[2:3], STEP)
    noised = noise_latents(clean, step, task.alphas, task.noise(clean), task.settings.prediction)
    said = task.model(noised.latents, step, task.told(batch)).float()
    if task.settings.prediction == "clean":
        return said
    alpha = task.alphas[STEP]
    return alpha.sqrt() * noised.latents - (1 - alpha).sqrt() * said


def task_with(weights: Path, windows: Path, calm: Path | None) -> StageTask:
    """The recipe's task on held-out windows, with these word norms in the networks that they belong to."""
    from longtake.train.checkpoint import start_from

    recipe = told_in_full(RECIPE, windows, calm, weights)
    task = StageTask(recipe, split="heldout")
    start_from(task, Path(recipe.run.start or ""))
    return task


def main(
    weights: Path = typer.Argument(..., metavar="WEIGHTS", help="word norms"),
    windows: Path = typer.Argument(..., metavar="WINDOWS", help="held-out windows"),
    calm: Path = typer.Option(None, help="the windows of their calm twins"),
    batches: int = typer.Option(10, help="batches of the recipe"),
) -> None:
    """Prints the three errors."""
    for name, value in errors(task_with(weights, windows, calm), batches).items():
        print(f"{name}: {value:.3f}")


if __name__ == "__main__":
    run_command(main)
