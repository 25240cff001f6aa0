"""A recipe: everything one training run needs, read from TOML, with `section.name=value` overrides on top."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field

from longtake.errors import SettingsError
from longtake.settings import Section, did_you_mean, read_toml

Sizes = TypeVar("Sizes")


class Part(Section):
    """Base of what a recipe is made of."""

    page = "docs/training.md"


class Run(Part):
    folder: Path = Field(
        default=Path("runs/out"), description="where checkpoints, log and sheets go; never inside the package"
    )
    seed: int = Field(default=0, description="of weights, batches and noise")
    steps: int = Field(default=1000, ge=1, description="the run ends after so many optimiser steps")
    max_minutes: float | None = Field(
        default=None, gt=0, description="or after so many minutes of training in all, whichever is first"
    )
    precision: Literal["no", "bf16", "fp16"] = Field(default="bf16", description="autocast type; 'no' is float32")
    device: Literal["auto", "cpu"] = Field(default="auto", description="'auto' takes a GPU where there is one")
    threads: int | None = Field(default=None, ge=1, description="CPU threads; None leaves PyTorch's choice")
    prefetch: int = Field(default=0, ge=0, description="batches made ahead by a thread of their own")
    start: Path | None = Field(default=None, description="weights (safetensors) to begin from, e.g. the shipped ones")
    relearn: list[Literal["prediction", "lids", "beta_schedule"]] = Field(
        default_factory=list, description="settings in which the weights of `start` may differ: they learn them anew"
    )
    anew: list[str] = Field(
        default_factory=list, description="what names of tensors contain that `start` does not fill, though it has them"
    )
    weights: Path | None = Field(
        default=None, description="where the final EMA weights are written as bf16 safetensors"
    )


class Learning(Part):
    rate: float = Field(default=1e-3, gt=0, description="peak learning rate of AdamW")
    warmup_steps: int = Field(default=100, ge=0, description="linear rise from 0 to the peak")
    schedule: Literal["constant", "cosine"] = Field(default="cosine", description="after the warm-up")
    decay_from: float = Field(default=0.0, ge=0, lt=1, description="share of the run after which the cosine begins")
    floor: float = Field(default=0.0, ge=0, le=1, description="share of the peak that the cosine ends at")
    by: Literal["steps", "minutes"] = Field(
        default="steps",
        description="what the share of the run is counted in; 'minutes' follows the clock, so it can't be repeated exactly",
    )
    weight_decay: float = Field(default=0.01, ge=0)
    beta1: float = Field(default=0.9, ge=0, lt=1)
    beta2: float = Field(default=0.99, ge=0, lt=1)
    clip_norm: float = Field(default=1.0, gt=0, description="gradient norm is clipped to this")
    accumulate: int = Field(default=1, ge=1, description="batches summed into one optimiser step")
    ema_decay: float = Field(
        default=0.999, ge=0, lt=1, description="of the averaged weights; rises as (1+step)/(10+step)"
    )


class Log(Part):
    every_steps: int = Field(default=50, ge=1, description="a line in log.jsonl")
    checkpoint_minutes: float = Field(default=10.0, gt=0)
    sheet_minutes: float = Field(default=10.0, gt=0, description="a picture sheet and its numbers, with EMA weights")
    sheet_folder: Path | None = Field(default=None, description="None: inside the run's folder")
    best: str | None = Field(default=None, description="sheet number whose highest value keeps best.safetensors")


class Recipe(Part):
    """Everything one run needs. `sizes`, `data` and `task` belong to the task named by `kind`, which checks them."""

    kind: str = Field(description="which task: autoencoder, speech, stage1, stage2, ...")
    run: Run = Run()
    learning: Learning = Learning()
    log: Log = Log()
    sizes: dict[str, Any] = Field(default_factory=dict)
    data: dict[str, Any] = Field(default_factory=dict)
    task: dict[str, Any] = Field(default_factory=dict)
    text: str = Field(
        default="", description="the TOML as read and the overrides; travels in the header of the weights"
    )


def read_recipe(path: Path, overrides: list[str] | None = None) -> Recipe:
    """The recipe in a TOML file with `section.name=value` overrides applied."""
    overrides = overrides or []
    made = Recipe.checked(read_toml(path)).apply_set(*overrides)
    text = Path(path).read_text() + "".join(f"\n# --set {line}" for line in overrides if not _is_place(line))
    return made.overlay({"text": text})


def _is_place(override: str) -> bool:
    """Where things lie on one machine says nothing about the run, and has no business in its weights."""
    return "/" in override.partition("=")[2]


def make_sizes(make: Callable[..., Sizes], table: dict[str, Any]) -> Sizes:
    """The network sizes that `make` (a dataclass, or a function) gives for the [sizes] of a recipe."""
    known = inspect.signature(make).parameters
    for name in table:
        if name not in known:
            raise SettingsError(
                f"There is no setting 'sizes.{name}'{did_you_mean(name, known)}",
                expected=f"in [sizes]: {', '.join(known)}",
                do=f"see {Part.page}",
            )
    return make(**{name: tuple(value) if isinstance(value, list) else value for name, value in table.items()})
