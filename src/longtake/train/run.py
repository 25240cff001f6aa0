"""`longtake train RECIPE`: read the recipe, build its task, train or only count."""

from __future__ import annotations

import importlib
from pathlib import Path

from longtake.errors import SettingsError
from longtake.train.recipe import Recipe, read_recipe

TASKS = {
    "autoencoder": "longtake.train.autoencoder",
    "syncnet": "longtake.train.syncnet",
    "facenet": "longtake.train.facenet",
    "enhancer_align": "longtake.train.enhancer",
    "enhancer_codes": "longtake.train.enhancer_codes",
    "enhancer_predict": "longtake.train.enhancer",
    "speech": "longtake.train.speech",
    "stage1": "longtake.train.stage",
    "stage2": "longtake.train.stage",
    "words": "longtake.train.stage",
    "words_encoder": "longtake.train.words",
}


def main(recipe_path: str | Path, overrides: list[str] | None = None, dry_run: bool = False) -> None:
    """Train the recipe to its end; with `dry_run` build it on the meta device and print what it would cost."""
    recipe = read_recipe(Path(recipe_path), overrides)
    module = task_module(recipe)
    if dry_run:
        print(module.estimate(recipe))
        return
    from longtake.train.loop import Trainer

    Trainer(module.build(recipe), recipe).run()


def task_module(recipe: Recipe):
    """The module of the recipe's kind: it has `build(recipe) -> Task` and `estimate(recipe) -> str`."""
    if recipe.kind not in TASKS:
        raise SettingsError(f"Unknown kind of training {recipe.kind!r}.", expected="one of " + ", ".join(TASKS))
    return importlib.import_module(TASKS[recipe.kind])
