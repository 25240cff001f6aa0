"""Batches of the stages: examples from prepared windows, with the region masks that belong to them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from longtake.corpus.windows import Example, Windows
from longtake.face.regions import face_picture, regions_of
from longtake.train.stage_settings import StageSettings


def draw(settings: StageSettings, windows: Windows, rng: np.random.Generator) -> Example:
    """One example as the stage shows it: unrelated frames, or a segment with the motion frames before it."""
    if settings.motion == 0:
        return windows.single(rng, settings.frames)
    shown = (settings.frames, settings.motion, settings.start_rate, settings.blink_rate)
    return windows.segment(rng, *shown, settings.corrupted, settings.turn_rate, settings.calm_rate)


def collate(examples: list[Example], levels: int) -> dict[str, Tensor]:
    """Examples as a batch of tensors, with the region masks and the locator's rectangle made from the landmarks."""
    batch = {
        name: torch.tensor(np.stack([getattr(example, name) for example in examples]))
        for name in ("reference", "read", "target", "motion", "speech", "identity", "truth", "lids")
    }
    side = examples[0].reference.shape[-1]
    sides = [side >> level for level in range(levels)]
    regions = [regions_of(example.landmarks, 16 * side, 16 * side, sides) for example in examples]
    for level in range(levels):
        maps = [np.stack([r.pose[level], r.face[level], r.lip[level]]) for r in regions]
        batch[f"regions_{level}"] = torch.tensor(np.stack(maps))
    batch["eyes"] = torch.tensor(np.stack([face_picture(r.eyes, 4 * side) for r in regions if r.eyes is not None]))
    rectangles = np.stack([face_picture(r.face_box, 4 * side) for r in regions])
    batch["rectangle"] = torch.tensor(rectangles)[:, None].expand(-1, 3, -1, -1).contiguous()
    return batch


def measure_anchor(windows: Windows, draws: int = 64) -> float:
    """Root mean square of the difference between a frame's latents and its portrait's, over the whole picture."""
    rng = np.random.default_rng(0)
    examples = [windows.single(rng, 4) for _ in range(draws)]
    return float(np.sqrt(np.mean([np.square(e.target - e.reference).mean() for e in examples])))
