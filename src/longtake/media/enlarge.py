"""Pictures at another size without a network: Lanczos, then edges a little steeper, never beyond what lay around them."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8
from PIL import Image

TILE = 1024
"""Side of the tiles that a large picture is made in, pixels; each is made with all that its pixels depend on."""
STEEPER = 0.8
"""Share of the difference from the blurred picture that is added."""

Picture = UInt8[np.ndarray, "H W 3"]
Resized = UInt8[np.ndarray, "h w 3"]


def enlarge(picture: Picture, height: int, width: int, steeper: float = STEEPER, tile: int = TILE) -> Resized:
    """The picture at height x width. Tiles leave no trace: the result is the same for any `tile`."""
    if picture.shape[:2] == (height, width):
        return picture
    scale = max(height / picture.shape[0], width / picture.shape[1])
    steeper = steeper if scale > 1 else 0.0
    out = np.empty((height, width, 3), np.uint8)
    for y in range(0, height, tile):
        for x in range(0, width, tile):
            box = (x, y, min(x + tile, width), min(y + tile, height))
            out[box[1] : box[3], box[0] : box[2]] = _tile(picture, (height, width), box, scale, steeper)
    return out


def _tile(
    picture: Picture, size: tuple[int, int], box: tuple[int, int, int, int], scale: float, steeper: float
) -> Resized:
    """The pixels of a box (x0, y0, x1, y1) of the large picture."""
    if not steeper:
        return _resampled(picture, size, box, Image.Resampling.LANCZOS)
    import cv2

    sigma = scale / 2
    margin = int(np.ceil(3 * sigma)) + 1
    height, width = size
    wide = (max(box[0] - margin, 0), max(box[1] - margin, 0), min(box[2] + margin, width), min(box[3] + margin, height))
    grown = _resampled(picture, size, wide, Image.Resampling.LANCZOS)
    kernel = (2 * margin - 1, 2 * margin - 1)
    blurred = cv2.GaussianBlur(grown, kernel, sigma, borderType=cv2.BORDER_REPLICATE)
    sharp = cv2.addWeighted(grown, 1 + steeper, blurred, -steeper, 0)
    around = np.ones((3, 3), np.uint8)
    low, high = (
        _resampled(act(picture, around), size, wide, Image.Resampling.BILINEAR) for act in (cv2.erode, cv2.dilate)
    )
    kept = np.clip(sharp, low, high)
    return kept[box[1] - wide[1] : box[3] - wide[1], box[0] - wide[0] : box[2] - wide[0]]


def _resampled(
    picture: Picture, size: tuple[int, int], box: tuple[int, int, int, int], kind: Image.Resampling
) -> Resized:
    """A box of the picture at `size`, only that box computed (the filter sees beyond it)."""
    (height, width), (x0, y0, x1, y1) = size, box
    across, down = picture.shape[1] / width, picture.shape[0] / height
    source = (x0 * across, y0 * down, x1 * across, y1 * down)
    return np.asarray(Image.fromarray(picture).resize((x1 - x0, y1 - y0), kind, box=source))
