"""What the small judges look at: the mouth with its chin in grey, and the face in colour, cut level by landmarks."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from longtake.face.framing import at_centres

MOUTH_PX, FACE_PX = 48, 64
MOUTH_SCALE, FACE_SCALE = 1.1, 2.1
"""Side of the square, in distances of the outer eye corners."""
EYES, LIPS, NOSE = (33, 263), (61, 291, 0, 17), 4


def mouth_crop(
    picture: UInt8[np.ndarray, "H W 3"], landmarks: Float[np.ndarray, "p axes"]
) -> UInt8[np.ndarray, "48 48"]:
    """The mouth, level, a third of the way down its square so that the jaw is seen; black without a face."""
    if not np.isfinite(landmarks).all():
        return np.zeros((MOUTH_PX, MOUTH_PX), np.uint8)
    crop = _cut(picture, landmarks, landmarks[list(LIPS), :2].mean(axis=0), MOUTH_SCALE, MOUTH_PX, 0.4)
    return cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)


def face_crop(
    picture: UInt8[np.ndarray, "H W 3"], landmarks: Float[np.ndarray, "p axes"]
) -> UInt8[np.ndarray, "64 64 3"]:
    """The face with some hair and neck, level; black without a face."""
    if not np.isfinite(landmarks).all():
        return np.zeros((FACE_PX, FACE_PX, 3), np.uint8)
    return _cut(picture, landmarks, landmarks[NOSE, :2], FACE_SCALE, FACE_PX, 0.5)


def _cut(
    picture: np.ndarray, landmarks: np.ndarray, centre: np.ndarray, scale: float, side: int, height: float
) -> np.ndarray:
    """A turned square with `centre` at its middle and so far down, averaged where it shrinks."""
    right, left = landmarks[EYES[0], :2], landmarks[EYES[1], :2]
    across = left - right
    size = scale * max(float(np.hypot(*across)), 1.0)
    factor = max(1, int(np.ceil(size / side)))
    cut = side * factor
    c, s = across / max(float(np.hypot(*across)), 1e-6) * cut / size
    turn = np.array([[c, s], [-s, c]])
    affine = at_centres(np.column_stack([turn, np.array([cut / 2, cut * height]) - turn @ centre]))
    crop = cv2.warpAffine(picture, affine, (cut, cut), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return crop if factor == 1 else cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
