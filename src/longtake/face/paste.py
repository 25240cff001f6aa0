"""A restored face put back into its picture, softly and at the picture's new size."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32, UInt8

from longtake.face.align import SIDE, Outline
from longtake.face.detect import Roi
from longtake.face.follow import Placed
from longtake.face.framing import at_centres

GROWTH = 1.12
"""The mask reaches so far beyond the silhouette's landmarks, which lie within the face."""
SOFT_PX = 14.0
"""Width of the mask's edge (standard deviation), pixels of the square."""
BORDER_PX = 24
"""The mask is gone so far within the square's border."""


def face_mask(shape: Outline) -> Float[np.ndarray, "512 512"]:
    """How much of the restored face is shown at each place of the square: 1 inside the silhouette, passing softly to 0."""
    import cv2

    middle = shape.mean(axis=0)
    grown = middle + GROWTH * (shape - middle)
    mask = np.zeros((SIDE, SIDE), np.float32)
    # Fixed-point corners (1/16 px): an outline that moves by less than a pixel moves the mask by as little.
    cv2.fillPoly(mask, [np.rint(grown * 16).astype(np.int32)], (1.0,), lineType=cv2.LINE_8, shift=4)
    inside = slice(BORDER_PX, SIDE - BORDER_PX)
    kept = np.zeros_like(mask)
    kept[inside, inside] = mask[inside, inside]
    return np.clip(cv2.GaussianBlur(kept, (0, 0), SOFT_PX), 0.0, 1.0)


def mask_at(placed: Placed, source: int, side: int) -> Float32[np.ndarray, "side side"]:
    """The face's mask in a picture of `side` that shows what a square one of `source` pixels showed."""
    import cv2

    affine = placed.square.affine(SIDE)
    affine[:, :2] *= source / side
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(face_mask(placed.outline), at_centres(affine), (side, side), flags=flags)


def paste(
    picture: UInt8[np.ndarray, "H W 3"],
    face: UInt8[np.ndarray, "s s 3"],
    placed: Placed,
    source: tuple[int, int],
    seen: UInt8[np.ndarray, "s s 3"] | None = None,
) -> None:
    """Puts the restored face into `picture`, which shows at its own size what a picture of `source` (height, width) showed.

    `seen` is what the network saw of a face that was larger than that: what is finer than it could see stays.
    """
    import cv2

    height, width = picture.shape[:2]
    shares = np.array([source[1] / width, source[0] / height])
    box = _box(placed.square, shares, width, height)
    if box is None:
        return
    x0, y0, x1, y1 = box
    keep = 0.0 if seen is None else finer(placed, len(face))
    if seen is not None and keep:
        seen, _ = _shrunk(seen, face_mask(placed.outline), placed.square, shares)
    face, mask = _shrunk(face, face_mask(placed.outline) * np.float32(placed.strength), placed.square, shares)
    affine = placed.square.affine(len(face))
    turn = affine[:, :2] * shares  # from the large picture to the square
    affine = np.column_stack([turn, affine[:, 2] + turn @ (x0, y0)])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    size = (x1 - x0, y1 - y0)
    back = cv2.warpAffine(face, at_centres(affine), size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    share = cv2.warpAffine(mask, at_centres(affine), size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)[..., None]
    under = picture[y0:y1, x0:x1]
    new = back.astype(np.float32)
    if seen is not None and keep:
        coarse = cv2.warpAffine(seen, at_centres(affine), size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        new += keep * (under - coarse.astype(np.float32))
    under[:] = np.rint(under + share * (new - under)).clip(0, 255).astype(np.uint8)


def finer(placed: Placed, side: int) -> float:
    """How much of the picture's finest detail stays: none of faces that a network of `side` saw whole, all at twice that."""
    return float(np.clip(placed.square.side / side - 1, 0, 1))


def _box(square: Roi, shares: np.ndarray, width: int, height: int) -> tuple[int, int, int, int] | None:
    """The box of the large picture in which the square lies, end-exclusive; None if it lies outside."""
    reach = square.side / 2 * (abs(np.cos(square.angle)) + abs(np.sin(square.angle)))
    low = np.floor((np.array([square.x, square.y]) - reach) / shares).astype(int)
    high = np.ceil((np.array([square.x, square.y]) + reach) / shares).astype(int)
    x0, y0 = np.maximum(low, 0).tolist()
    x1, y1 = np.minimum(high, (width, height)).tolist()
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def _shrunk(
    face: np.ndarray, mask: np.ndarray, square: Roi, shares: np.ndarray
) -> tuple[UInt8[np.ndarray, "s s 3"], Float[np.ndarray, "s s"]]:
    """Face and mask averaged down to about the size at which they will be shown, so that nothing is skipped."""
    import cv2

    shown, side = square.side / float(shares.mean()), len(face)
    if shown * 1.5 >= side:
        return face, mask if len(mask) == side else cv2.resize(mask, (side, side), interpolation=cv2.INTER_LINEAR)
    side = max(8, round(shown))
    area = cv2.INTER_AREA
    return cv2.resize(face, (side, side), interpolation=area), cv2.resize(mask, (side, side), interpolation=area)
