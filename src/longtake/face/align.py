"""The square that the enhancer sees: a face turned level and sized so that eyes, nose and mouth lie where they were trained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8

from longtake.face.detect import Roi
from longtake.face.framing import at_centres
from longtake.face.regions import LEFT_EYE, RIGHT_EYE, SILHOUETTE

SIDE = 512
TEMPLATE = np.array([[192.98, 239.95], [318.90, 240.19], [256.63, 314.02], [201.26, 371.41], [313.09, 371.15]])
"""Eyes, nose tip and corners of the mouth in a square of 512 (the FFHQ alignment)."""
NOSE_TIP, MOUTH_CORNERS = 4, (61, 291)

Outline = Float[np.ndarray, "p 2"]


def five_points(landmarks: Float[np.ndarray, "468 axes"]) -> Float[np.ndarray, "5 2"]:
    """Eyes, nose tip and corners of the mouth, the person's right first (left in the picture)."""
    points = np.asarray(landmarks, np.float64)[:, :2]
    eyes = [  # corners and lids, without the brow
        points[list(eye[:4])].mean(axis=0) for eye in (RIGHT_EYE, LEFT_EYE)
    ]
    return np.stack([*eyes, points[NOSE_TIP], *points[list(MOUTH_CORNERS)]])


def aligned_square(landmarks: Float[np.ndarray, "468 axes"]) -> Roi:
    """The square of the picture that lays the five points on the template as nearly as shift, turn and scale can."""
    points = five_points(landmarks)
    found, wanted = (xy[:, 0] + 1j * xy[:, 1] for xy in (points, TEMPLATE))
    away = wanted - wanted.mean()
    turn = (away.conj() * (found - found.mean())).sum() / (np.abs(away) ** 2).sum()
    centre = found.mean() + turn * (complex(SIDE / 2, SIDE / 2) - wanted.mean())
    return Roi(float(centre.real), float(centre.imag), float(SIDE * abs(turn)), float(np.angle(turn)))


def outline(landmarks: Float[np.ndarray, "468 axes"], square: Roi) -> Outline:
    """The silhouette of the face in the square's own pixels."""
    affine = square.affine(SIDE)
    return np.asarray(landmarks, np.float64)[list(SILHOUETTE), :2] @ affine[:, :2].T + affine[:, 2]


def mean_square(squares: Sequence[Roi], weights: Sequence[float]) -> Roi:
    """One square for several, each as much as its weight; sizes and angles are averaged as such."""
    angles = np.unwrap([square.angle for square in squares])
    rows = np.array([(s.x, s.y, np.log(s.side)) for s in squares])
    x, y, size = np.average(rows, axis=0, weights=weights)
    return Roi(float(x), float(y), float(np.exp(size)), float(np.average(angles, weights=weights)))


def cut_square(picture: UInt8[np.ndarray, "H W 3"], square: Roi, side: int = SIDE) -> UInt8[np.ndarray, "side side 3"]:
    """What the picture shows in the square; where that shrinks it is averaged, outside the picture its border repeats."""
    import cv2

    factor = max(1, int(np.ceil(square.side / side)))
    size = side * factor
    affine = at_centres(square.affine(size))
    crop = cv2.warpAffine(picture, affine, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return crop if factor == 1 else cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
