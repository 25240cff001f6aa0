"""Eyes that can look elsewhere: the white without the iris, the iris without the lid, put together again."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32

from longtake.corpus.face_model import EYES
from longtake.corpus.lids import ease
from longtake.corpus.matte import blurred

IRIS = {"R": slice(468, 473), "L": slice(473, 478)}
"""Landmarks of an iris: its centre, then four points of its rim."""


@dataclass(frozen=True)
class Eye:
    """One eye of a portrait as square patches around its iris."""

    left: int
    top: int
    radius: float  # of the iris, pixels
    white: Float32[np.ndarray, "s s 3"]
    iris: Float32[np.ndarray, "s s 3"]
    cover: Float32[np.ndarray, "s s"]  # of the iris

    def looking(self, right: float, down: float) -> Float32[np.ndarray, "s s 3"]:
        """The eye with its iris moved, in iris radii."""
        move = np.array([[1, 0, right * self.radius], [0, 1, down * self.radius]], np.float32)
        size = self.cover.shape[::-1]
        iris = cv2.warpAffine(self.iris, move, size, borderMode=cv2.BORDER_REPLICATE)
        cover = cv2.warpAffine(self.cover, move, size)[..., None]
        return self.white * (1 - cover) + iris * cover


def opening_mask(landmarks: Float[np.ndarray, "p axes"], side: str, size: int) -> np.ndarray:
    """Where an eye is open (255)."""
    mask = np.zeros((size, size), np.uint8)
    outline = np.round((landmarks[list(EYES[side]), :2] - 0.5) * 8).astype(np.int32)
    cv2.fillPoly(mask, [outline], 255, shift=3)
    return mask


def take_eye(picture: Float32[np.ndarray, "H W 3"], landmarks: Float[np.ndarray, "478 axes"], side: str) -> Eye | None:
    """An eye's patches, or None if too little of its white shows."""
    size = picture.shape[0]
    opened = opening_mask(landmarks, side, size)
    width = np.ptp(landmarks[list(EYES[side]), 0])
    ring = landmarks[IRIS[side], :2]
    centre, radius = ring[0], float(np.linalg.norm(ring[1:] - ring[0], axis=1).mean())
    half = int(0.75 * width)
    left, top = int(centre[0]) - half, int(centre[1]) - half
    if min(left, top) < 0 or max(left, top) + 2 * half > size:
        return None
    window = np.s_[top : top + 2 * half, left : left + 2 * half]
    patch = picture[window]
    visible = cv2.erode(opened[window], np.ones((3, 3), np.uint8)) > 0
    y, x = np.mgrid[: 2 * half, : 2 * half].astype(np.float32) + 0.5
    distance = np.hypot(x - (centre[0] - left), y - (centre[1] - top)) / radius
    white = next((w for w in (visible & (distance > 1.18), visible & (distance > 1.0)) if w.sum() >= 10), None)
    if white is None:
        return None
    whites = blurred(patch, white, 0.08 * width)
    far = blurred(patch, white, 0.35 * width)
    trust = np.clip(8 * cv2.GaussianBlur(white.astype(np.float32), (0, 0), 0.08 * width), 0, 1)[..., None]
    whites = whites * trust + far * (1 - trust)
    cover = ease((1.16 - distance) / 0.24).astype(np.float32)
    return Eye(left, top, radius, whites, _iris(patch, visible, distance, 2 * (centre[1] - top) - y), cover)


def _iris(patch: np.ndarray, visible: np.ndarray, distance: np.ndarray, mirrored_y: np.ndarray) -> np.ndarray:
    """The whole disc: what the lid hides is mirrored from below, and where that is hidden too, the mean of its ring."""
    rows = np.clip(mirrored_y.astype(int), 0, len(patch) - 1)
    columns = np.broadcast_to(np.arange(patch.shape[1]), rows.shape)
    rings = np.minimum((distance * 16).astype(int), 31)
    counts = np.bincount(rings[visible], minlength=32)
    means = (
        np.stack([np.bincount(rings[visible], patch[visible][:, n], 32) for n in range(3)], 1)
        / np.maximum(counts, 1)[:, None]
    )
    filled = np.nonzero(counts)[0]
    means = means[filled[np.abs(np.arange(32)[:, None] - filled).argmin(axis=1)]]
    mirror = np.where(visible[rows, columns][..., None], patch[rows, columns], means[rings])
    return np.where(visible[..., None], patch, mirror).astype(np.float32)


def closed_skin(
    picture: Float32[np.ndarray, "H W 3"], landmarks: Float[np.ndarray, "478 axes"]
) -> tuple[Float32[np.ndarray, "H W 3"], Float32[np.ndarray, "H W"]]:
    """Skin to draw lids with (the eyes filled from around them), and where it applies."""
    size = picture.shape[0]
    mask = np.zeros((size, size), np.uint8)
    for side in "LR":
        grow = max(2, int(0.11 * np.ptp(landmarks[list(EYES[side]), 0])))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * grow + 1,) * 2)
        mask |= np.asarray(cv2.dilate(opening_mask(landmarks, side, size), kernel), np.uint8)
    filled = (
        cv2.inpaint((np.clip(picture, 0, 1) * 255).astype(np.uint8), mask, 3, cv2.INPAINT_TELEA).astype(np.float32)
        / 255
    )
    around = (cv2.dilate(mask, np.ones((9, 9), np.uint8)) > 0) & (mask == 0)
    tone = np.percentile(picture[around], 60, axis=0).astype(np.float32)
    smooth = cv2.GaussianBlur(filled, (0, 0), 0.03 * size)
    covered = (mask > 0).astype(np.float32)
    filled = np.clip(filled + 0.55 * (tone - smooth) * covered[..., None], 0, 1)
    soft = cv2.GaussianBlur(covered, (0, 0), 0.01 * size)[..., None]
    skin = filled * (1 - soft) + cv2.GaussianBlur(filled, (0, 0), 0.006 * size) * soft
    return np.ascontiguousarray(skin, np.float32), cv2.GaussianBlur(covered, (0, 0), 0.005 * size)
