"""What was measured on this machine (`longtake doctor --calibrate`), kept in the user's cache folder for later estimates."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from longtake.apps.outcome import say
from longtake.errors import OutputError
from longtake.presets import Preset
from longtake.settings import Settings

FORMAT = 1
CALIBRATE = "longtake doctor --calibrate"


@dataclass(frozen=True)
class Place:
    """Where something was measured; nothing is concluded from one place for another."""

    machine: str
    preset: str
    device: str  # cpu, or the name of the GPU
    dtype: str
    threads: int
    compile: bool
    offload: bool


@dataclass(frozen=True)
class Load:
    """The settings by which a segment is more or less work."""

    size_px: int
    steps: int
    deep_every: int
    branches: int
    guided: tuple[int, int | None]  # from_step, to_step
    motion_frames: int
    strategy: str


@dataclass(frozen=True)
class Calibration:
    """What one segment and one second of video took there."""

    place: Place
    load: Load
    operations: int  # floating-point, of a segment: scales the times to other settings
    load_s: float  # until the networks are ready
    first_s: float  # the first segment, with what is done once per video
    segment_s: float  # each further one
    frame_bytes: float  # of video
    crf: int
    peak_mb: float | None
    gpu_peak_mb: float | None
    date: str
    busy: float | None  # load average of the machine while it was measured


def place_of(model: Preset, settings: Settings) -> Place:
    """Where a run with these settings would take place."""
    import torch

    from longtake.networks import choose_device, choose_dtype

    device = choose_device(settings.run.device)
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    dtype = str(choose_dtype(settings.run.dtype, device)).removeprefix("torch.")
    run = settings.run
    return Place(machine_name(), model.name, card, dtype, torch.get_num_threads(), run.compile, run.offload)


def load_of(settings: Settings) -> Load:
    """How much work a segment with these settings is."""
    from longtake.telling import told_branches

    guidance, sampling = settings.guidance, settings.sampling
    return Load(
        size_px=settings.portrait.size_px,
        steps=sampling.steps,
        deep_every=sampling.deep_every,
        branches=len(told_branches(settings)),
        guided=(guidance.from_step, guidance.to_step),
        motion_frames=settings.motion.frames,
        strategy=sampling.strategy,
    )


def machine_name() -> str:
    """The processor and its cores: a host name would not survive a container, and a home folder may be shared."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores"


def cache_folder() -> Path:
    """Where this user's caches of longtake lie, as the platform has it; XDG_CACHE_HOME comes first."""
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]) / "longtake"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "longtake"
    if sys.platform == "win32" and os.environ.get("LOCALAPPDATA"):
        return Path(os.environ["LOCALAPPDATA"]) / "longtake" / "Cache"
    return Path.home() / ".cache" / "longtake"


def calibration_file() -> Path:
    """The file with all calibrations."""
    return cache_folder() / "calibration.json"


def calibrations(path: Path | None = None) -> list[Calibration]:
    """All calibrations kept; none if the file is damaged or of another version, which is said."""
    path = path or calibration_file()
    try:
        told = json.loads(path.read_bytes())
        if told["format"] != FORMAT:
            say(f"The calibrations in '{path}' are of another version and left aside. Measure again: {CALIBRATE}")
            return []
        return [_read(entry) for entry in told["calibrations"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError):
        say(f"The calibrations in '{path}' are damaged and left aside. Measure again: {CALIBRATE}")
        return []


def keep(calibration: Calibration, path: Path | None = None) -> Path:
    """Where the calibration was written, in the place of an older one of the same settings."""
    path = path or calibration_file()
    others = [one for one in calibrations(path) if (one.place, one.load) != (calibration.place, calibration.load)]
    text = json.dumps({"format": FORMAT, "calibrations": [asdict(one) for one in [*others, calibration]]}, indent=1)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text)
        part.replace(path)
    except OSError as error:
        raise OutputError(
            f"The calibration can't be kept in '{path}': {error.strerror}.",
            do="set XDG_CACHE_HOME to a folder of yours",
        ) from error
    return path


def _read(entry: dict[str, Any]) -> Calibration:
    from pydantic import TypeAdapter

    return TypeAdapter(Calibration).validate_python(entry)
