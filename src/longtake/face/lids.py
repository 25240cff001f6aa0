"""How far the lids are open and where the eyes look, seen by the MediaPipe iris network.

The landmark network hardly moves its lids when eyes close, and knows no iris.
"""

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from longtake.face.detect import Roi, run_network
from longtake.face.framing import at_centres

SIDE = 64
EYE_SCALE = 2.3
"""Side of the network's square, in eye widths: what it was trained with."""
EYES = (((33, 133), False), ((362, 263), True))
"""Corners of both eyes from left to right in the picture, and whether the network must see a mirror image."""
CORNERS, LOWER, UPPER = (0, 8), (3, 4, 5), (11, 12, 13)
"""Places in the network's lid contour; the middle three of each lid."""


def lid_opening(
    frames: UInt8[np.ndarray, "f H W 3"], landmarks: Float[np.ndarray, "f p axes"]
) -> Float[np.ndarray, " f"]:
    """The gap between the lids in eye widths, mean of both eyes; NaN where the landmarks are."""
    return read_eyes(frames, landmarks)[:, :, 0].mean(axis=1)


def read_eyes(
    frames: UInt8[np.ndarray, "f H W 3"], landmarks: Float[np.ndarray, "f p axes"]
) -> Float[np.ndarray, "f 2 3"]:
    """Of the eyes on the picture's left and right: the gap between the lids, and how far right and down the iris is of the
    middle between the corners, in eye widths; NaN where the landmarks are."""
    return np.array(
        [
            [_read(frame, points, *eye) if np.isfinite(points).all() else (np.nan,) * 3 for eye in EYES]
            for frame, points in zip(frames, landmarks, strict=True)
        ]
    ).reshape(-1, 2, 3)


def _read(frame: np.ndarray, points: np.ndarray, corners: tuple[int, int], mirrored: bool) -> tuple[float, ...]:
    left, right = points[corners[0], :2], points[corners[1], :2]
    (x, y), (dx, dy) = (left + right) / 2, right - left
    roi = Roi(float(x), float(y), EYE_SCALE * float(np.hypot(dx, dy)), float(np.arctan2(dy, dx)))
    affine = at_centres(roi.affine(SIDE))
    crop = cv2.warpAffine(frame, affine, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    crop = (crop[:, ::-1] if mirrored else crop).astype(np.float32) / 255
    contour, iris = run_network("iris_landmark", crop)
    lids, (x, y) = contour.reshape(-1, 3)[:, :2], iris.reshape(-1, 3)[0, :2] - SIDE / 2
    gap = np.linalg.norm(lids[list(LOWER)] - lids[list(UPPER)], axis=1).mean()
    width = np.linalg.norm(lids[CORNERS[0]] - lids[CORNERS[1]])
    return float(gap / width), float((-x if mirrored else x) / width), float(y / width)
