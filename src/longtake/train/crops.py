"""Crops of faces for the autoencoder: where to look, how to vary it, and how much each pixel counts."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from longtake.face.regions import LEFT_EYE, LIP, RIGHT_EYE

INNER_LIP = [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191]
LIPS = np.array([*LIP, *INNER_LIP])
EYES = (np.array(RIGHT_EYE), np.array(LEFT_EYE))
FACE = np.arange(468)

Box = tuple[float, float, float, float]  # left, top, right, bottom


def box(landmarks: Float[np.ndarray, "468 2"], points: np.ndarray, scale: float) -> Box:
    """The bounding box of some landmarks, its sides multiplied by `scale`."""
    chosen = np.asarray(landmarks, np.float32)[points]
    low, high = chosen.min(0), chosen.max(0)
    centre, half = (low + high) / 2, (high - low) / 2 * scale
    (left, top), (right, bottom) = centre - half, centre + half
    return float(left), float(top), float(right), float(bottom)


def choose(
    landmarks: Float[np.ndarray, "468 2"], side: int, size: int, rng: np.random.Generator
) -> tuple[float, float]:
    """The centre of a crop: the mouth, an eye, somewhere on the face, or anywhere."""
    kind = rng.choice(4, p=(0.45, 0.12, 0.23, 0.2))
    if kind == 3:
        x, y = rng.uniform(0, side, 2)
    else:
        left, top, right, bottom = box(landmarks, (LIPS, EYES[int(rng.integers(2))], FACE)[kind], 1.0)
        spread = 0.5 if kind == 2 else 0.0
        x = (left + right) / 2 + rng.normal(0, size / 6) + spread * rng.uniform(-1, 1) * (right - left)
        y = (top + bottom) / 2 + rng.normal(0, size / 6) + spread * rng.uniform(-1, 1) * (bottom - top)
    return float(x), float(y)


def take(
    picture: UInt8[np.ndarray, "H W 3"],
    landmarks: Float[np.ndarray, "468 2"],
    centre: tuple[float, float],
    size: int,
    rng: np.random.Generator,
    vary: bool = True,
) -> tuple[UInt8[np.ndarray, "size size 3"], Float[np.ndarray, "size size"]]:
    """One crop of `size` pixels and its weights, scaled by 0.8-1.25, mirrored half the time, with its colours moved."""
    side = picture.shape[0]
    zoom = float(np.exp(rng.uniform(-0.22, 0.22))) if vary else 1.0
    mirror = bool(vary and rng.random() < 0.5)
    half = size / 2 / zoom
    low, high = (half, side - half) if half < side / 2 else (side / 2, side / 2)
    x, y = (float(np.clip(v, low, high)) for v in centre)
    if not vary:
        x, y = round(x), round(y)
    along = -zoom if mirror else zoom
    matrix = np.array([[along, 0, size / 2 - along * x], [0, zoom, size / 2 - zoom * y]], np.float32)
    if mirror:
        matrix[0, 2] -= 1  # pixel centres
    crop = cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    moved = np.asarray(landmarks, np.float32) @ matrix[:, :2].T + matrix[:, 2]
    return recolour(crop, rng) if vary else crop, weigh(moved, size)


def weigh(landmarks: Float[np.ndarray, "468 2"], size: int) -> Float[np.ndarray, "size size"]:
    """How much each pixel counts: background 1, face 2, eyes 5, lips 8."""
    weights = np.ones((size, size), np.float32)
    for points, scale, weight in ((FACE, 1.05, 2.0), (EYES[0], 1.4, 5.0), (EYES[1], 1.4, 5.0), (LIPS, 1.25, 8.0)):
        left, top, right, bottom = (int(np.clip(round(v), 0, size)) for v in box(landmarks, points, scale))
        weights[top:bottom, left:right] = weight
    return weights


def recolour(picture: UInt8[np.ndarray, "H W 3"], rng: np.random.Generator) -> UInt8[np.ndarray, "H W 3"]:
    """The picture under another light: gamma and gain for each channel, by one table look-up."""
    return in_light(picture, light_table(rng))


def light_table(rng: np.random.Generator) -> UInt8[np.ndarray, "256 3"] | None:
    """A light, as a table from old values to new ones; None leaves a picture as it is."""
    if rng.random() < 0.3:
        return None
    gamma = np.exp(rng.normal(0, 0.18) + rng.normal(0, 0.05, 3))
    gain = np.exp(rng.normal(0, 0.1) + rng.normal(0, 0.05, 3))
    levels = np.arange(256)[:, None] / 255
    return np.clip(levels**gamma * gain * 255 + 0.5, 0, 255).astype(np.uint8)


def in_light(
    picture: UInt8[np.ndarray, "H W 3"], table: UInt8[np.ndarray, "256 3"] | None
) -> UInt8[np.ndarray, "H W 3"]:
    """The picture with its values looked up in the table."""
    return picture if table is None else cv2.LUT(picture, table[None])
