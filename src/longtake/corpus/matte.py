"""The person cut out of the blue studio: opacity, and colours without the studio's light on them."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32

from longtake.corpus.lids import ease
from longtake.face.person import person_mask

BLUE_STUDIO = 0.06
"""How much blue must exceed red and green around a head for the cut to be trusted."""


def blurred(picture: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    """The blur of a picture that counts each pixel by `weight`: what is weighted nothing is filled from around it."""
    weight = weight.astype(np.float32)
    if sigma > 6:  # a wide blur has nothing fine in it: a quarter of the size will do
        small = (picture.shape[1] // 4, picture.shape[0] // 4)
        full = weight.reshape(weight.shape + (1,) * (picture.ndim - weight.ndim))
        total = cv2.GaussianBlur(cv2.resize(picture * full, small, interpolation=cv2.INTER_AREA), (0, 0), sigma / 4)
        share = cv2.GaussianBlur(cv2.resize(weight, small, interpolation=cv2.INTER_AREA), (0, 0), sigma / 4)
        wide = total / (share.reshape(share.shape + (1,) * (picture.ndim - share.ndim)) + 1e-4)
        return cv2.resize(wide, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    if picture.ndim == 3:
        weight = weight[..., None]
    total = cv2.GaussianBlur(picture * weight, (0, 0), sigma)
    share = cv2.GaussianBlur(weight, (0, 0), sigma)
    return total / (share.reshape(weight.shape) + 1e-4)


def studio_blue(picture: Float32[np.ndarray, "H W 3"]) -> float:
    """How blue the upper corners are: blue less the larger of red and green, of the less blue quarter of their pixels."""
    height, width = picture.shape[0] // 9, picture.shape[1] // 12
    corners = np.concatenate([picture[:height, :width].reshape(-1, 3), picture[:height, -width:].reshape(-1, 3)])
    return float(np.percentile(corners[:, 2] - corners[:, :2].max(axis=1), 25))


def cut_out(
    picture: Float32[np.ndarray, "H W 3"], chin_y: float
) -> tuple[Float32[np.ndarray, "H W 3"], Float32[np.ndarray, "H W"]]:
    """Colours and opacity of the person before a blue studio.

    The colour of the studio is known around the person, so a half-covered pixel can be unmixed instead of only desaturated.
    Below the chin the segmenter decides more, as clothes are often blue.
    """
    size = picture.shape[1]
    person = person_mask((np.clip(picture, 0, 1) * 255).astype(np.uint8))
    blue = picture[..., 2] - picture[..., :2].max(axis=2)
    nothing = (person < 0.03) & (blue > 0.04)
    studio = blurred(picture, nothing + 1e-5 * (person < 0.5), size * 0.05)
    excess = np.maximum(blurred(blue, nothing + 1e-5 * (person < 0.5), size * 0.05), 0.12)
    keyed = 1 - ease((blue / excess - 0.35) / 0.5)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * (size // 40) + 1,) * 2)
    sure = cv2.erode((person > 0.95).astype(np.uint8), kernel).astype(np.float32)
    below = ease((np.arange(len(picture), dtype=np.float32) - chin_y) / (0.1 * size))[:, None]
    between = ease((blue / excess - 0.6) / 0.3) * (1 - below)  # the studio seen between hair and neck is never sure
    clothes = np.maximum(
        ease((person - 0.55) / 0.3) * below, cv2.GaussianBlur(sure, (0, 0), size / 160) * (1 - between)
    )
    alpha = np.maximum(keyed * ease((person - 0.01) / 0.04), clothes)
    alpha = cv2.GaussianBlur(alpha.astype(np.float32), (0, 0), size / 480)
    cover = np.maximum(alpha, 0.3)[..., None]
    unmixed = np.clip((picture - (1 - cover) * studio) / cover, 0, 1)
    inside = alpha > 0.97
    colours = np.where(alpha[..., None] > 0.3, unmixed, blurred(picture, inside, size * 0.02))
    edge = cv2.GaussianBlur((~inside).astype(np.float32), (0, 0), size / 90)[..., None]
    deep = cv2.erode(inside.astype(np.uint8), np.ones((size // 32,) * 2, np.uint8))  # far from the edge: no spill here
    ratio = colours[..., 2] / (colours[..., :2].max(axis=2) + 0.02)
    usual = np.clip(blurred(ratio, deep, 0.03 * size), 0.3, 1.0)[..., None]
    limit = colours[..., :2].max(axis=2, keepdims=True) * (usual + 0.04) + 0.01
    spill = np.maximum(colours[..., 2:] - limit, 0) * np.minimum(1, 3 * edge) * (1 - 0.8 * below[..., None])
    colours[..., 2:] -= spill
    return np.ascontiguousarray(colours, np.float32), alpha
