"""Which parts of the picture are lip, face and pose, at every latent level (paper: hierarchical audio attention)."""

import math
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8
from PIL import Image

from longtake.clips import Regions

Rectangle = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels, end-exclusive."""

# fmt: off
LIP = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 146, 91, 181, 84, 17, 314, 405, 321, 375)
SILHOUETTE = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
              152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)
# fmt: on
RIGHT_EYE, LEFT_EYE = (33, 133, 159, 145, 105), (362, 263, 386, 374, 334)
"""Corners, lids and brow: the place that a blink changes."""
LIP_GROWTH, FACE_GROWTH, EYE_GROWTH = 2.0, 1.2, 1.4
MASK_SIDE = 64
LIP_BLUR, FACE_BLUR = 31, 51
"""Gaussian kernels in pixels of the 64 x 64 mask."""


def regions_of(landmarks: Float[np.ndarray, "*f p axes"], height: int, width: int, levels: Sequence[int]) -> Regions:
    """The regions of a face at each latent level, given as its sides from fine to coarse.

    Landmarks of several frames give the regions of all the places where the face has been.
    """
    points = np.asarray(landmarks, dtype=np.float64)[..., :2].reshape(-1, np.shape(landmarks)[-2], 2)
    face = rectangle(_box(points[:, SILHOUETTE]), FACE_GROWTH, height, width)
    lip = rectangle(_box(points[:, LIP]), LIP_GROWTH, height, width)
    return replace(regions_of_rectangles(face, lip, height, width, levels), eyes=eyes_of(points, height, width))


def eyes_of(landmarks: Float[np.ndarray, "*f p axes"], height: int, width: int) -> Bool[np.ndarray, "height width"]:
    """Where the eyes are with lids and brows: all that a blink changes."""
    points = np.asarray(landmarks, dtype=np.float64)[..., :2].reshape(-1, np.shape(landmarks)[-2], 2)
    right, left = (rectangle(_box(points[:, eye]), EYE_GROWTH, height, width) for eye in (RIGHT_EYE, LEFT_EYE))
    return (_filled(right, height, width) | _filled(left, height, width)) > 0


def regions_of_rectangles(face: Rectangle, lip: Rectangle, height: int, width: int, levels: Sequence[int]) -> Regions:
    """The regions that grown face and lip rectangles give, by the published arithmetic grey level by grey level.

    It matters to the official weights: blurred at 64 x 64, stretched, inverted with truncation, shrunk by Pillow.
    """
    face_blur = _blurred(_filled(face, height, width), FACE_BLUR)
    lip_mask = _blurred(_filled(lip, height, width), LIP_BLUR)
    face_mask = cv2.subtract(face_blur, lip_mask)
    pose_mask = ((1.0 - face_blur / 255.0) * 255.0).astype(np.uint8)
    return Regions(
        lip=_pyramid(lip_mask, levels),
        face=_pyramid(face_mask, levels),
        pose=_pyramid(pose_mask, levels),
        face_box=_filled(face, height, width) > 0,
    )


def rectangle(box: Sequence[float], growth: float, height: int, width: int) -> Rectangle:
    """A box grown about its middle; one that crosses a border is moved inside, as published.

    One that is larger than the picture is cut to it. (The released code lets it collapse to a sliver in a corner.)
    """
    x0, y0, x1, y1 = (round(value) for value in box)
    left, right = _grown(x0, x1, growth, width)
    top, bottom = _grown(y0, y1, growth, height)
    return left, top, right, bottom


def face_picture(box: Bool[np.ndarray, "H W"], size: int) -> Float32[np.ndarray, "size size"]:
    """What the face locator reads: the hard face rectangle at the size of the network's picture, 0 to 1."""
    filled = Image.fromarray(box.astype(np.uint8) * 255)
    return np.asarray(filled.resize((size, size), Image.Resampling.BILINEAR), np.float32) / 255.0


def _grown(low: int, high: int, growth: float, length: int) -> tuple[int, int]:
    middle, half = (low + high) // 2, math.floor((high - low) * growth / 2)
    low, high = middle - half, middle + half
    shift = max(-low, 0) or min(length - high, 0)
    return max(low + shift, 0), min(high + shift, length)


def _box(points: np.ndarray) -> tuple[float, float, float, float]:
    low, high = points.reshape(-1, 2).min(axis=0), points.reshape(-1, 2).max(axis=0)
    return (*low.tolist(), *high.tolist())


def _filled(area: Rectangle, height: int, width: int) -> UInt8[np.ndarray, "H W"]:
    x0, y0, x1, y1 = area
    mask = np.zeros((height, width), np.uint8)
    mask[y0:y1, x0:x1] = 255
    return mask


def _blurred(mask: np.ndarray, kernel: int) -> UInt8[np.ndarray, "64 64"]:
    """The mask at 64 x 64, blurred and stretched so that it reaches from 0 to 255."""
    small = cv2.GaussianBlur(cv2.resize(mask, (MASK_SIDE, MASK_SIDE)), (kernel, kernel), 0)
    if small.min() == small.max():  # a face that fills the picture: stretching would turn it into no face at all
        return small
    return np.asarray(cv2.normalize(small, np.empty_like(small), 0, 255, cv2.NORM_MINMAX), np.uint8)


def _pyramid(mask: np.ndarray, levels: Sequence[int]) -> tuple[Float32[np.ndarray, "h w"], ...]:
    picture = Image.fromarray(mask)
    shrunk = (picture.resize((side, side), Image.Resampling.BILINEAR) for side in levels)
    return tuple(np.asarray(level, np.float32) / 255.0 for level in shrunk)
