"""What a measurement ran on, for the record."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from longtake import __version__
from longtake.apps.doctor import devices, installed


def machine() -> dict[str, object]:
    """Date, commit, versions, processors and how busy they are."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "longtake": __version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "torch": installed("torch"),
        "devices": devices(),
        "load": round(os.getloadavg()[0], 1),
    }


def peak_mb() -> float:
    """The most memory this process ever held, MB; without the peak of the process that started it."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if platform.system() == "Darwin" else 1024)


def _commit() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
