"""Distances between pictures: PSNR, and a perceptual distance; and the box in which motion is measured."""

import numpy as np
from jaxtyping import Float, UInt8

PSNR_CEILING_DB = 60.0
"""Equal pictures have no PSNR; they count as this."""
STAGES_COMPARED = 3
"""Of the four stages of the face-api network: the last knows who it is rather than how it looks."""


def psnr_db(a: UInt8[np.ndarray, "*f H W 3"], b: UInt8[np.ndarray, "*f H W 3"]) -> float:
    """Peak signal to noise ratio in dB."""
    error = float(np.square(a.astype(np.float32) - b.astype(np.float32)).mean())
    return min(PSNR_CEILING_DB, 10 * np.log10(255.0**2 / max(error, 1e-9)))


def box_round(landmarks: Float[np.ndarray, "*f p axes"], side: int, grow: float = 1.1) -> tuple[int, int, int, int]:
    """The box (x0, y0, x1, y1) round all known landmarks, grown about its centre, inside a picture of a side."""
    points = landmarks[..., :2].reshape(-1, 2)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return 0, 0, side, side
    low, high = points.min(axis=0), points.max(axis=0)
    centre, half = (low + high) / 2, (high - low) / 2 * grow
    x0, y0 = np.clip(np.floor(centre - half), 0, side - 2).astype(int)
    x1, y1 = np.clip(np.ceil(centre + half), 2, side).astype(int)
    return int(x0), int(y0), int(x1), int(y1)


def perceptual_distance(a: UInt8[np.ndarray, "f H W 3"], b: UInt8[np.ndarray, "f H W 3"], batch: int = 8) -> float:
    """Mean distance of the face-api network's early and middle features, each scaled to unit length; 0 = equal.

    Built like LPIPS, but with another network and no learned weights, so its numbers compare only with one another.
    """
    import torch

    from longtake.face.identity import features

    total, count = 0.0, 0
    for start in range(0, len(a), batch):
        pair = [torch.from_numpy(np.ascontiguousarray(x[start : start + batch])) for x in (a, b)]
        for left, right in zip(*(features(pictures, STAGES_COMPARED) for pictures in pair), strict=True):
            unit = [x / (x.norm(dim=1, keepdim=True) + 1e-6) for x in (left, right)]
            total += float((unit[0] - unit[1]).square().sum(1).mean((1, 2)).sum())
            count += len(left)
    return total / max(count, 1)
