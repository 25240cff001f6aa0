"""A drawn face that the detector takes for one: measurements and tests need no photograph."""

from functools import cache

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy.typing import ArrayLike

SIDE = 512
SHIFT = 4


@cache
def drawn_face(
    mouth: float = 0.0, lids: float = 1.0, turn_deg: float = 0.0, hue: int = 0
) -> UInt8[np.ndarray, "512 512 3"]:
    """A 512 x 512 RGB portrait; `mouth` is the lip gap and `lids` the openness of the eyes, both 0 to 1."""
    picture = np.empty((SIDE, SIDE, 3), np.float32)
    picture[:] = np.linspace(150, 200, SIDE)[:, None, None] * (0.85, 0.95, 1.0)
    skin = np.array((224, 178, 150), np.float32) - hue * np.array((0.5, 1.0, 1.0), np.float32)
    _blob(picture, (256, 560), (210, 130), (70, 80, 110), 3)
    _blob(picture, (256, 230), (152, 190), (62, 42, 32), 6)
    _blob(picture, (256, 430), (62, 80), skin * 0.82, 6)
    _blob(picture, (256, 270), (128, 168), skin, 5)
    _blob(picture, (256, 105), (118, 42), (62, 42, 32), 10)
    for side in (-1, 1):
        _blob(picture, (256 + side * 84, 300), (34, 56), skin * 0.93, 18)
        x = 256 + side * 50
        _blob(picture, (x, 240), (33, 20), skin * 0.84, 8)
        _blob(picture, (x, 205), (32, 5), (66, 46, 36), 3)
        if lids > 0.1:
            _blob(picture, (x, 240), (24, 11 * lids), (240, 238, 236), 1.5)
            _blob(picture, (x, 240), (9.5, min(9.5, 11 * lids)), (70, 50, 40), 1)
            _blob(picture, (x, 240), (4, min(4, 11 * lids)), (12, 10, 10), 1)
        _blob(picture, (x, 240 - 11 * lids), (25, 3), (50, 35, 30), 1.5)
        _blob(picture, (256 + side * 14, 316), (8, 5), skin * 0.55, 3)
    _blob(picture, (256, 285), (11, 36), skin * 1.06, 7)
    _blob(picture, (256, 322), (24, 6), skin * 0.80, 5)
    gap = 30.0 * mouth
    _blob(picture, (256, 362 + gap / 2), (46, 12 + gap / 2), (190, 105, 100), 2.5)
    _blob(picture, (256, 361 + gap / 2), (38, 1.5 + gap / 2), (60, 20, 24), 1.5)
    _blob(picture, (256, 392 + gap), (30, 5), skin * 0.88, 5)
    turned = cv2.warpAffine(
        np.clip(picture, 0, 255).astype(np.uint8),
        cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), -turn_deg, 1.0),
        (SIDE, SIDE),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    turned.flags.writeable = False
    return turned


def _blob(picture: np.ndarray, centre: tuple, radii: tuple, colour: ArrayLike, soft: float) -> None:
    """A soft-edged ellipse painted in place, on no more of the picture than it reaches."""
    low = [max(0, int(c - r - 3 * soft) - 2) for c, r in zip(centre, radii, strict=True)]
    high = [min(SIDE, int(c + r + 3 * soft) + 3) for c, r in zip(centre, radii, strict=True)]
    part = picture[low[1] : high[1], low[0] : high[0]]
    mask = np.zeros(part.shape[:2], np.float32)
    at = [round((c - o) * (1 << SHIFT)) for c, o in zip(centre, low, strict=True)]
    cv2.ellipse(mask, at, [round(r * (1 << SHIFT)) for r in radii], 0, 0, 360, 1.0, -1, cv2.LINE_AA, SHIFT)
    mask = cv2.GaussianBlur(mask, (0, 0), soft, borderType=cv2.BORDER_REPLICATE)[..., None]
    part += mask * (np.asarray(colour, np.float32) - part)
