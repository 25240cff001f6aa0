"""The command `doctor`: what is installed, which weights are here, how fast this machine is."""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from longtake import __version__
from longtake.apps.outcome import EXTRAS
from longtake.apps.predict import predict
from longtake.presets import PRESETS
from longtake.presets import preset as preset_named

BUSY = 1.5  # load average for each core; the measurement itself makes one
PACKAGES = ("torch", "diffusers", "safetensors", "numpy", "opencv-python-headless", "pillow", "av", "soxr", "pydantic")


def examine(preset: str | None = None) -> dict[str, Any]:
    """Everything that `show` prints, as plain values; with a preset, what it would take here."""
    prediction = predict(preset_named(preset)) if preset else None
    return {
        "longtake": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": {name: installed(name) for name in PACKAGES},
        "optional": {name: installed(name) for name in EXTRAS},
        "problems": problems(),
        "devices": devices(),
        "weights": {name: weights(make().weights) for name, make in PRESETS.items()},
        "speed": speed(),
        "prediction": prediction,
    }


def show(report: dict[str, Any], as_json: bool = False) -> None:
    """Prints the report, as a page or as JSON."""
    if as_json:
        print(json.dumps(report, indent=2))
        return
    print(f"longtake {report['longtake']}, Python {report['python']}, {report['system']}")
    _block("installed", {name: version or "missing" for name, version in report["packages"].items()})
    absent = "not installed; pip install 'longtake[{}]'"
    _block("optional", {name: v or absent.format(EXTRAS[name]) for name, v in report["optional"].items()})
    _block("devices", report["devices"])
    for preset, files in report["weights"].items():
        lines = {name: f"{file['mb']:.1f} MB  sha256 {file['sha256'][:16]}" for name, file in files.items()}
        _block(f"weights of {preset}", lines or {"none": "not here"})
    _block("speed", {name: f"{value:g}" for name, value in report["speed"].items()})
    told = report["prediction"] or {"advice": []}
    if report["prediction"]:
        _block(
            f"prediction for {told['preset']}", {k: str(v) for k, v in told.items() if k not in ("preset", "advice")}
        )
    for problem in [*report["problems"], *told["advice"]]:
        print(f"! {problem}")


def show_calibration(preset: str, assignments: list[str], folder: Path | None, as_json: bool = False) -> None:
    """Measures a preset, keeps what was found and prints it."""
    from longtake.apps.calibrate import calibrate, told
    from longtake.apps.calibration import keep
    from longtake.apps.progress import progress_bar
    from longtake.parallel import step_of

    model = preset_named(preset)
    model = model if folder is None else replace(model, weights=folder)
    settings = model.settings.apply_set(*assignments)
    with progress_bar(quiet=as_json) as tell:
        found = calibrate(model, settings, tell)
    path = keep(found)
    if as_json:
        print(json.dumps({"kept": str(path), **asdict(found)}, indent=2))
        return
    print(f"{preset}, {found.load.size_px} px, {found.load.steps} steps")
    _block("measured", told(found, settings.video.fps, step_of(settings)))
    print(f"\nkept in {path}; longtake animate --dry-run uses it")
    if found.busy is not None and found.busy > BUSY * (os.cpu_count() or 1):
        print(
            f"! The machine was busy (load {found.busy:.1f}): measure again when it is idle, or take the times as they are."
        )


def installed(package: str) -> str | None:
    """The version of an installed package."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def problems() -> list[str]:
    """What is known to break things, each with its cure."""
    found = [f"{name} is missing: pip install longtake" for name in PACKAGES if not installed(name)]
    if installed("torchvision"):
        try:
            importlib.import_module("torchvision")
        except Exception as error:
            reason = str(error).splitlines()[0]
            found.append(
                f"torchvision is here but broken ({reason}); diffusers fails with it: pip uninstall torchvision"
            )
    return found


def devices() -> dict[str, str]:
    """The processors that networks can run on."""
    import torch

    flags = _cpu_flags()
    fast = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags]
    found = {
        "cpu": f"{os.cpu_count()} cores, {torch.get_num_threads()} threads, {' '.join(fast) or platform.machine()}"
    }
    for index in range(torch.cuda.device_count()):
        card = torch.cuda.get_device_properties(index)
        found[f"cuda:{index}"] = f"{card.name}, {card.total_memory / 2**30:.0f} GiB"
    return found


def weights(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and hash of each weight file in a preset's folder."""
    files = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    return {file.name: {"mb": file.stat().st_size / 1e6, "sha256": _sha256(file), "path": str(file)} for file in files}


def speed() -> dict[str, float]:
    """A short measurement: what the networks and the video encoder would get here."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    found = {}
    for dtype in (torch.float32, torch.bfloat16):
        layer = torch.nn.Conv2d(128, 128, 3, padding=1, device=device, dtype=dtype)
        picture = torch.zeros(16, 128, 16, 16, device=device, dtype=dtype)
        flops = 2 * 128 * 128 * 9 * picture.shape[0] * 16 * 16
        with torch.inference_mode():
            seconds = _fastest(lambda layer=layer, picture=picture: layer(picture).sum().item())
        found[f"convolution in {str(dtype).removeprefix('torch.')} on {device}, GFLOP/s"] = round(
            flops / seconds / 1e9, 1
        )
    found["H.264 at 256x256, frames/s"] = round(_encoding_fps())
    return found


def _encoding_fps() -> float:
    import tempfile

    import numpy as np

    from longtake.media.video import VideoWriter

    frames = np.random.default_rng(0).integers(0, 255, (50, 256, 256, 3), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with VideoWriter(Path(folder) / "a.mp4") as writer:
            writer.write(frames)
        return len(frames) / (time.perf_counter() - started)


def _fastest(work: Callable[[], object], budget_s: float = 0.5) -> float:
    """The least time of as many runs as fit into the budget."""
    work()
    times, started = [], time.perf_counter()
    while not times or time.perf_counter() - started < budget_s:
        before = time.perf_counter()
        work()
        times.append(time.perf_counter() - before)
    return min(times)


def _cpu_flags() -> set[str]:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return set()
    lines = [line for line in text.splitlines() if line.startswith(("flags", "Features"))]
    return set(lines[0].partition(":")[2].split()) if lines else set()


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _block(title: str, lines: dict[str, str]) -> None:
    print(f"\n{title}")
    width = max(map(len, lines), default=0)
    for name, value in lines.items():
        print(f"  {name:<{width}}  {value}")
