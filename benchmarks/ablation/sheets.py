"""Picture sheets in the manner of the paper's Figures 2, 8 and 9: rows of the ablation under each other, time to the right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from ablation.rows import PARALLEL
from ablation.speak import SHOT_PX
from longtake.evaluate.sheet import named

SHEETS = {
    "ablation-figure-9": ("none", "noise", "drop", "both"),
    "ablation-figure-8": ("noise", "patch-1", "patch-4", "both", "patch-32", "rate-0.5"),
    "ablation-figure-2": ("none", "noise", "drop", "both", "reference", PARALLEL),
}
COLUMNS = 6
"""Moments of a sheet, after the portrait: evenly from the first window to the last."""
QUALITY = 60
FEWEST = 3


def write_sheets(folder: Path, plan: dict[str, Any], out: Path) -> list[Path]:
    """The sheets, each of the first clip, with the rows that have spoken it; none for fewer than three."""
    paths, shown = [], []
    for name, rows in SHEETS.items():
        strips = {row: folder / "shots" / f"{plan['clips'][0]:02}-{row}.png" for row in rows}
        there = {row: path for row, path in strips.items() if path.exists()}
        if len(there) >= FEWEST and set(there) not in shown:
            shown.append(set(there))
            path = out / f"{name}.webp"
            Image.fromarray(sheet(list(there.values()), list(there))).save(path, quality=QUALITY, method=6)
            paths.append(path)
    return paths


def sheet(strips: Sequence[Path], names: Sequence[str]) -> UInt8[np.ndarray, "height width 3"]:
    """The strips under each other, the same moments of each, named."""
    rows = []
    for path, name in zip(strips, names, strict=True):
        strip = np.asarray(Image.open(path).convert("RGB"))
        count = strip.shape[1] // SHOT_PX
        moments = [0, *np.linspace(1, count - 1, COLUMNS).round().astype(int)]
        row = np.hstack([strip[:, k * SHOT_PX : (k + 1) * SHOT_PX] for k in moments])
        rows.append(named(row, name))
    return np.vstack(rows)
