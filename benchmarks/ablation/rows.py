"""The rows of the paper's ablation: what is done to the frames that guide, in training and in speaking alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """One way to corrupt what guides. Rows that several tables show are trained once."""

    name: str
    says: str
    patch_px: int = 8
    drop_rate: float = 0.25
    noise_std: float = 0.4
    corrupted: str = "motion"

    @property
    def windows(self) -> str:
        """The prepared windows it learns from: rows that drop the same patches share them."""
        return f"p{self.patch_px}-r{self.drop_rate:g}" if self.drop_rate else "whole"

    @property
    def task(self) -> list[str]:
        """What the recipe is told."""
        return [f"task.motion_noise_std={self.noise_std}", f"task.corrupted={self.corrupted}"]

    @property
    def motion(self) -> dict[str, Any]:
        """The motion settings with which it speaks: as it was trained."""
        if self.corrupted == "reference":
            return {"drop_rate": 0.0, "noise_std": 0.0}
        return {"patch_px": self.patch_px, "drop_rate": self.drop_rate, "noise_std": self.noise_std}


ROWS = {
    row.name: row
    for row in (
        Row("both", "patches of 8, rate 0.25, noise 0.4: as shipped"),
        Row("none", "nothing corrupted", drop_rate=0.0, noise_std=0.0),
        Row("drop", "patch drop alone", noise_std=0.0),
        Row("noise", "noise alone (rate 0)", drop_rate=0.0),
        Row("patch-32", "patches of 32", patch_px=32),
        Row("patch-1", "patches of 1", patch_px=1),
        Row("reference", "the portrait corrupted instead", corrupted="reference"),
        Row("rate-0.5", "rate 0.5", drop_rate=0.5),
        Row("patch-4", "patches of 4", patch_px=4),
    )
}
"""In the order in which they are made: if time runs out, what is missed most is there."""

TABLES = {
    "Table 3, patch size (rate 0.25, noise 0.4)": ("patch-1", "patch-4", "both", "patch-32"),
    "Table 3, drop rate (patches of 8, noise 0.4)": ("noise", "both", "rate-0.5"),
    "Table 4, noise and drop": ("none", "noise", "drop", "both"),
    "Table 5, what is corrupted": ("none", "reference", "both"),
    "Figure 2, the strategy (weights of `both`)": ("both", "parallel"),
}
PARALLEL = "parallel"
"""Not a training: the weights of `both`, every segment from the portrait alone."""
