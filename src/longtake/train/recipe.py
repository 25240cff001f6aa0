"""A recipe: everything one training run needs, read from TOML, with `section.name=value` overrides on top."""

from __future__ import annotations

import difflib
import json
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from longtake.errors import SettingsError


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Run(Section):
    folder: Path = Field(Path("runs/out"), description="where checkpoints, log and sheets go; never inside the package")
    seed: int = Field(0, description="of weights, batches and noise")
    steps: int = Field(1000, ge=1, description="the run ends after so many optimiser steps")
    max_minutes: float | None = Field(
        None, gt=0, description="or after so many minutes of training in all, whichever is first"
    )
    precision: Literal["no", "bf16", "fp16"] = Field("bf16", description="autocast type; 'no' is float32")
    device: Literal["auto", "cpu"] = Field("auto", description="'auto' takes a GPU where there is one")
    threads: int | None = Field(None, ge=1, description="CPU threads; None leaves PyTorch's choice")
    prefetch: int = Field(0, ge=0, description="batches made ahead by a thread of their own")
    start: Path | None = Field(None, description="weights (safetensors) to begin from, e.g. the shipped ones")
    weights: Path | None = Field(None, description="where the final EMA weights are written as bf16 safetensors")


class Learning(Section):
    rate: float = Field(1e-3, gt=0, description="peak learning rate of AdamW")
    warmup_steps: int = Field(100, ge=0, description="linear rise from 0 to the peak")
    schedule: Literal["constant", "cosine"] = Field("cosine", description="after the warm-up")
    decay_from: float = Field(0.0, ge=0, lt=1, description="share of the run after which the cosine begins")
    floor: float = Field(0.0, ge=0, le=1, description="share of the peak that the cosine ends at")
    by: Literal["steps", "minutes"] = Field(
        "steps",
        description="what the share of the run is counted in; 'minutes' follows the clock, so it can't be repeated exactly",
    )
    weight_decay: float = Field(0.01, ge=0)
    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.99, ge=0, lt=1)
    clip_norm: float = Field(1.0, gt=0, description="gradient norm is clipped to this")
    accumulate: int = Field(1, ge=1, description="batches summed into one optimiser step")
    ema_decay: float = Field(0.999, ge=0, lt=1, description="of the averaged weights; rises as (1+step)/(10+step)")


class Log(Section):
    every_steps: int = Field(50, ge=1, description="a line in log.jsonl")
    checkpoint_minutes: float = Field(10.0, gt=0)
    sheet_minutes: float = Field(10.0, gt=0, description="a picture sheet and its numbers, with EMA weights")
    sheet_folder: Path | None = Field(None, description="None: inside the run's folder")
    best: str | None = Field(None, description="sheet number whose highest value keeps best.safetensors")


class Recipe(Section):
    """Everything one run needs. `sizes`, `data` and `task` belong to the task named by `kind`, which checks them."""

    kind: str = Field(description="which task: autoencoder, speech, stage1, stage2, ...")
    run: Run = Run()
    learning: Learning = Learning()
    log: Log = Log()
    sizes: dict[str, Any] = Field(default_factory=dict)
    data: dict[str, Any] = Field(default_factory=dict)
    task: dict[str, Any] = Field(default_factory=dict)
    text: str = Field("", description="the TOML as read and the overrides; travels in the header of the weights")


def read_recipe(path: Path, overrides: list[str] | None = None) -> Recipe:
    """The recipe in a TOML file with `section.name=value` overrides applied."""
    path = Path(path)
    try:
        text = path.read_text()
        values = tomllib.loads(text)
    except FileNotFoundError as error:
        raise SettingsError(f"There is no recipe {path}.", do="Pass the path of a .toml file, see recipes/.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from error
    for override in overrides or []:
        _override(values, override)
    text += "".join(f"\n# --set {override}" for override in overrides or [] if not _is_place(override))
    return make_recipe(values | {"text": text})


def make_recipe(values: dict[str, Any]) -> Recipe:
    """A checked recipe, or a SettingsError that names the first wrong setting."""
    try:
        return Recipe(**values)
    except ValidationError as error:
        raise SettingsError(explain(error, Recipe)) from error


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """One line for the first problem of a validation, with the nearest known name for an unknown one."""
    first = error.errors()[0]
    place = [str(part) for part in first["loc"]]
    name = ".".join(place)
    if first["type"] != "extra_forbidden":
        return f"{name}: {first['msg']}."
    for part in place[:-1]:
        model = model.model_fields[part].annotation
    near = difflib.get_close_matches(place[-1], list(model.model_fields), n=1)
    return f"Unknown setting {name}." + (f" Did you mean {near[0]}?" if near else "")


def _is_place(override: str) -> bool:
    """Where things lie on one machine says nothing about the run, and has no business in its weights."""
    return "/" in override.partition("=")[2]


def _override(values: dict[str, Any], override: str) -> None:
    name, equals, text = override.partition("=")
    if not equals or not name.strip():
        raise SettingsError(f"Can't read {override!r}.", expected="section.name=value, for example run.steps=200")
    *sections, last = name.strip().split(".")
    for section in sections:
        values = values.setdefault(section, {})
    values[last] = _value(text.strip())


def _value(text: str) -> Any:
    """A TOML value where it reads as one, else the text itself."""
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        pass
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None if text == "none" else text
