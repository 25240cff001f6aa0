"""Packed clips of faces that are noise with landmarks in the right places, and an autoencoder to match: tiny."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from longtake.face.align import TEMPLATE
from longtake.models.autoencoder import Autoencoder, AutoencoderSizes
from longtake.train.frames import pack_frames
from longtake.train.own import make_own

ROWS = ((33, 133, 159, 145), (362, 263, 386, 374), (4,), (61,), (291,))
AUTOENCODER = AutoencoderSizes(widths=(8, 8), blocks=(1, 1), channels=4)


def packed_faces(folder: Path, clips: int = 8, frames: int = 4, own: bool = False) -> Path:
    """The folder of `clips` clips of smooth noise that drifts, 64 pixels a side; with the pictures of a random autoencoder."""
    import cv2

    rng = np.random.default_rng(0)
    points = rng.uniform(16, 48, (frames, 468, 2))
    for rows, place in zip(ROWS, TEMPLATE / 8, strict=True):
        points[:, list(rows)] = place
    source = folder / "source"
    source.mkdir(parents=True)
    for k in range(clips):
        large = cv2.resize(rng.integers(0, 255, (14, 14, 3), np.uint8), (72, 72), interpolation=cv2.INTER_CUBIC)
        pictures = np.stack([large[f : f + 64, :64] for f in range(frames)])
        np.savez(source / f"{k:05d}.npz", frames=pictures, landmarks=points.astype(np.float16))
    pack_frames([source], folder / "packed")
    if own:
        torch.manual_seed(0)
        make_own(folder / "packed", Autoencoder(AUTOENCODER).eval().requires_grad_(False), side=16)
    return folder / "packed"
