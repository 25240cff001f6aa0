"""What a measurement ran on, for the record."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from longtake import __version__, pace
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
    """The most main memory this process ever held, MB; NaN where the system does not tell."""
    return pace.peak_mb() or float("nan")


def _commit() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
