"""What a stopped run leaves, and what a finished one gives: atomic checkpoints, and weights with a header."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from longtake.errors import SettingsError, WeightsMismatch
from longtake.train.task import Task

MEANING = {"prediction": "v", "lids": False, "beta_schedule": "linear", "motion_read": "whole"}
"""Settings that say what a denoiser's numbers mean, and what they were in files that don't tell."""


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write the state so that a crash leaves the old file or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    torch.save(state, part)
    part.replace(path)


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """The state in `path`, or None where there is none yet."""
    if not path.exists():
        return None
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise WeightsMismatch(
            f"The checkpoint {path} can't be read: {error}.", do="Delete it to begin again, or restore a copy."
        ) from error


def export_weights(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write tensors as bf16 safetensors (integers as they are) with a header that says what they are."""
    from longtake.weights.files import write

    write(path, tensors, header, torch.bfloat16)


def start_from(task: Task, path: Path, relearn: Sequence[str] = (), anew: Sequence[str] = ()) -> dict[str, Any]:
    """Load weights into the task's model, every name and shape agreeing; gives what their header tells of their run.

    They must have learned the same thing, but for the settings in `relearn`. Tensors whose names contain one of `anew` stay
    as the task made them.
    """
    from longtake.weights.files import read, short_hash
    from longtake.weights.load import load
    from longtake.weights.names import OURS_ONLY

    tensors, header = read(path)
    _expect_alike(path, header.get("settings", {}), task.header().get("settings", {}), relearn)
    left = [name for name in tensors if any(part in name for part in anew)]
    if anew and not left:
        raise SettingsError(f"Nothing in {path} has a name with {' or '.join(map(repr, anew))}.", do="mend run.anew")
    may_lack = re.compile("|".join([OURS_ONLY.pattern, *(re.escape(name) + "$" for name in left)]))
    kept = {name: tensor for name, tensor in tensors.items() if name not in set(left)}
    load(task.model, kept, may_lack)  # word norms that the file lacks begin as no-ops
    if started := getattr(task, "started", None):
        started()
    told = ("kind", "recipe", "frames_seen", "steps", "hours", "commit", "corpus_seed", "started_from")
    said = {name: header[name] for name in told if name in header}
    return {"weights": short_hash(path), **said, **({"anew": list(anew)} if anew else {})}


def _expect_alike(path: Path, theirs: Mapping[str, Any], ours: Mapping[str, Any], relearn: Sequence[str]) -> None:
    """Refuses weights whose numbers mean something else: nothing else would show it, for they fit all the same."""
    differ = {name: theirs.get(name, unsaid) for name, unsaid in MEANING.items() if name in ours}
    differ = {name: value for name, value in differ.items() if value != ours[name] and name not in relearn}
    if differ:
        raise SettingsError(
            f"The weights in {path} were trained with {_said(differ)}.",
            expected=f"{_said({name: ours[name] for name in differ})}, as in this recipe",
            do="start from other weights, change the recipe's [task], or let them learn it anew: "
            f"run.relearn = {json.dumps(list(differ))}",
        )


def _said(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {json.dumps(value)}" for name, value in settings.items())


def commit() -> str:
    """The commit of the code that runs, with a plus sign if the tree has changes; 'unknown' outside a clone."""
    here = Path(__file__).parent
    try:
        name = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True)
        dirty = subprocess.run(["git", "status", "--porcelain", "-uno"], cwd=here, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return name.stdout.strip() + ("+" if dirty.stdout.strip() else "")
