"""What the model must beat: a still, a twin trained a tenth as long, and itself without corrupted motion frames.

    python -m longtake.evaluate.controls --twin FILE

Control weights are not shipped; what they reach is written to `benchmarks/controls.json`, with date, seed and commit.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import typer

from longtake.evaluate.cases import FIXTURES, Case, read_cases
from longtake.evaluate.command import run_command
from longtake.evaluate.comparing import Compared, compare, portrait_in
from longtake.evaluate.curves import correlations
from longtake.evaluate.minute import Lost, minute_of_speech, play_minute
from longtake.evaluate.rows import Row, row

CONTROLS = Path("benchmarks/controls.json")
NO_CORRUPTION = {"motion": {"drop_rate": 0.0, "noise_std": 0.0}, "drift": {"act": False}}
COUNT = 3


def controls_row(
    clips: Sequence[Compared], mouth: float, lost: Lost | None, stored: Mapping[str, Any], set: str
) -> Row:
    """How many of the three controls the model beats, and which it does not."""
    still = float(np.median(correlations(*_still_curves(clips), 0))) if clips else 0.0
    twin, plain = stored.get("twin"), stored.get("no_corruption")
    beaten = {
        f"still portrait ({still:.2f})": mouth > still,
        f"twin ({twin['mouth_correlation']:.2f})" if twin else "twin (not measured)": bool(
            twin and mouth > twin["mouth_correlation"]
        ),
        f"no corruption (drift {plain['worst']:.2f})" if plain else "no corruption (not measured)": bool(
            plain and lost and lost.worst < plain["worst"]
        ),
    }
    notes = [f"{'beats' if won else 'does not beat'} {name}" for name, won in beaten.items()]
    ours = f"mouth {mouth:.2f}" + (f", drift {lost.worst:.2f}" if lost else "")
    return row("controls_beaten", sum(beaten.values()), set, "; ".join([ours, *notes]))


def read_controls(path: Path) -> dict[str, Any]:
    """The stored values of the controls; empty where there are none yet."""
    return json.loads(path.read_text()) if path.is_file() else {}


def measure_twin(twin: Path, cases: Sequence[Case]) -> dict[str, Any]:
    """What a twin trained a tenth as long reaches on the clips."""
    from longtake.evaluate.summing import clip_rows, lag_of

    player = player_with(twin)
    clips = [compare(player, case) for case in cases]
    wanted = ("mouth_correlation", "identity_distance", "perceptual_distance", "motion_energy_ratio")
    rows = clip_rows(clips, lag_of(clips), "twin")
    return {r.name: round(r.value, 4) for r in rows if r.name in wanted} | {
        "clips": len(cases),
        "weights": player.networks.hashes,
    }


def measure_no_corruption(cases: Sequence[Case]) -> dict[str, Any]:
    """What a minute loses with patch drop and noise off, all else as shipped."""
    player = player_with(changes=NO_CORRUPTION)
    lost = play_minute(player, portrait_in(cases[0], player), minute_of_speech(cases), cases[0].fps)
    return lost.json() | {"weights": player.networks.hashes}


def player_with(weights: Path | None = None, changes: Mapping[str, Any] | None = None):
    """The `mini` model, with other animation weights (a file, or a folder; what it lacks is as shipped) or other settings."""
    from dataclasses import replace

    from longtake.animator import Animator
    from longtake.presets import preset

    mini = preset("mini")
    settings = mini.settings.overlay(dict(changes or {}))
    if weights is None:
        return Animator(mini, settings=settings)
    found = {path.name: path for path in mini.weights.glob("*.safetensors")}
    found |= (
        {p.name: p for p in weights.glob("*.safetensors")} if weights.is_dir() else {"animation.safetensors": weights}
    )
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, path in found.items():
            (folder / name).symlink_to(path.resolve())
        return Animator(replace(mini, weights=folder), settings=settings)


def made_now(seed: int) -> dict[str, Any]:
    """Date, seed, commit and hardware of a measurement."""
    return {"date": datetime.now(UTC).date().isoformat(), "seed": seed, "commit": commit(), "hardware": hardware()}


def commit() -> str:
    """The commit that is checked out, marked where files differ from it; empty outside a clone."""
    try:
        done = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def hardware() -> str:
    """The processor and how many of its cores are ours."""
    import platform

    import torch

    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    bf16 = "AMX bf16" if torch.cpu._is_amx_tile_supported() else "no AMX"
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{names[0] if names else platform.processor()}, {cores} cores, {bf16}{gpu}"


def _still_curves(clips: Sequence[Compared]) -> tuple[list, list, list]:
    return [c.still.mouth for c in clips], [c.truth.mouth for c in clips], [c.voiced for c in clips]


def main(
    twin: Path = typer.Option(None, help="the twin's weight file, or a folder with it; left out, its values stay"),
    no_corruption: bool = typer.Option(True, help="measure the minute without patch drop and noise too"),
    fixtures: Path = typer.Option(FIXTURES, help="folder of the held-out clips"),
    out: Path = typer.Option(CONTROLS, help="file to write"),
) -> None:
    """Measures the controls and writes what they reach."""
    from longtake.presets import preset

    cases = read_cases(fixtures)
    stored = read_controls(out) | made_now(preset("mini").settings.sampling.seed)
    if twin:
        stored["twin"] = measure_twin(twin, cases)
    if no_corruption:
        stored["no_corruption"] = measure_no_corruption(cases)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(stored, indent=1) + "\n")
    print(out.read_text())


if __name__ == "__main__":
    run_command(main)
