"""What one frame looks like: how sharp, where background stays, how its colours differ from another's."""

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from longtake.face.person import person_mask

SKIN = (50, 280, 151)
"""Middles of both cheeks and of the forehead: what neither mouth nor eyes move."""
SKIN_RADIUS = 0.05
"""Of the discs of skin, in face heights."""
COARSE = 64
"""Side at which backgrounds are compared: texture and the noise of decoding are averaged away, colours stay."""


def sharpness(frame: UInt8[np.ndarray, "H W 3"], landmarks: Float[np.ndarray, "468 3"] | None = None) -> float:
    """The variance of the Laplacian of the grey frame, within the face's box where landmarks are given."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    edges = cv2.Laplacian(grey, cv2.CV_32F)
    if landmarks is not None and np.isfinite(landmarks).all():
        (x0, y0), (x1, y1) = np.floor(landmarks[:, :2].min(0)), np.ceil(landmarks[:, :2].max(0))
        inside = edges[max(0, int(y0)) : max(0, int(y1)), max(0, int(x0)) : max(0, int(x1))]
        edges = inside if inside.size else edges
    return float(edges.var())


def background_mask(portrait: UInt8[np.ndarray, "H W 3"], margin: float = 0.06) -> Bool[np.ndarray, "H W"]:
    """The pixels that stay background while the head moves: no person in the portrait, and a margin round it."""
    person = (person_mask(portrait) > 0.3).astype(np.uint8)
    reach = 2 * round(margin * max(portrait.shape[:2])) + 1
    return cv2.dilate(person, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))) == 0


def skin_colour(frame: UInt8[np.ndarray, "H W 3"], landmarks: Float[np.ndarray, "468 axes"]) -> Float[np.ndarray, " 3"]:
    """The colour of cheeks and forehead as L, a, b (L from 0 to 100); NaN where they lie outside the frame."""
    radius = max(1, round(SKIN_RADIUS * float(np.ptp(landmarks[:, 1]))))
    discs = np.zeros(frame.shape[:2], np.uint8)
    for x, y in landmarks[list(SKIN), :2]:
        cv2.circle(discs, (round(float(x)), round(float(y))), radius, 1, -1)
    if not discs.any():
        return np.full(3, np.nan)
    return np.median(_lab(frame[discs > 0][None])[0], axis=0).astype(np.float64)


def background_distance(
    frame: UInt8[np.ndarray, "H W 3"], other: UInt8[np.ndarray, "H W 3"], mask: Bool[np.ndarray, "H W"]
) -> float:
    """The mean distance of the colours of two backgrounds, place by place, in Lab; NaN if the mask is empty.

    About 2 is just seen beside each other; 10 is another shade.
    """
    inside = cv2.resize(mask.astype(np.uint8) * 255, (COARSE, COARSE), interpolation=cv2.INTER_AREA) == 255
    if not inside.any():
        return float("nan")
    a, b = (_lab(cv2.resize(x, (COARSE, COARSE), interpolation=cv2.INTER_AREA)) for x in (frame, other))
    return float(np.linalg.norm(a - b, axis=-1)[inside].mean())


def _lab(pixels: UInt8[np.ndarray, "H W 3"]) -> np.ndarray:
    return cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
