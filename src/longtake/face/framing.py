"""The square around the head: where it is, and the picture resampled to it."""

import numpy as np
from jaxtyping import Float, UInt8

ZOOM = 1.7
"""Side of the square, in face sizes (the larger of the width and 0.85 of the height)."""
HEIGHT_SHARE = 0.85
"""How much of the face height counts against its width."""
RISE = 0.06
"""How far above the mean landmark the centre lies, in face heights: room for hair."""
FACE_POINTS = 468
"""Points of the face itself; the ten iris points of the 478-point set do not frame it."""

Square = tuple[float, float, float]
"""Centre x, centre y and half the side, in pixels of the source picture."""


def crop_square(landmarks: Float[np.ndarray, "p xy"]) -> Square:
    """The square (centre x, centre y, half side) that frames a face given by its landmarks in pixels."""
    points = np.asarray(landmarks, dtype=np.float64)[:FACE_POINTS, :2]
    width, height = np.ptp(points, axis=0)
    half = 0.5 * ZOOM * max(width, HEIGHT_SHARE * height)
    x, y = points.mean(axis=0)
    return float(x), float(y - RISE * height), float(half)


def whole_square(height: int, width: int, landmarks: Float[np.ndarray, "p xy"]) -> Square:
    """The picture itself if it is square, else the largest square in it, as near round the face as the border lets it be."""
    half = min(height, width) // 2
    x, y = np.asarray(landmarks)[:FACE_POINTS, :2].mean(axis=0).round()
    return float(np.clip(x, half, width - half)), float(np.clip(y, half, height - half)), float(half)


def square_affine(square: Square, size: int) -> Float[np.ndarray, "2 3"]:
    """The map from source pixels to the pixels of a crop of `size`, as a 2 x 3 matrix.

    Positions are continuous: pixel i spans i to i + 1, as the landmark networks count.
    """
    x, y, half = square
    scale = size / (2.0 * half)
    return np.array([[scale, 0.0, size / 2 - scale * x], [0.0, scale, size / 2 - scale * y]])


def crop_picture(
    picture: UInt8[np.ndarray, "H W c"], square: Square, size: int
) -> tuple[UInt8[np.ndarray, "size size c"], Float[np.ndarray, "2 3"]]:
    """The crop at `size` pixels, and the map from source to crop pixels; outside the picture its border repeats.

    A crop that shrinks is averaged (area), because point sampling would alias skin and hair into noise.
    """
    import cv2

    # A warp knows no area averaging, so a square that shrinks is first cut at a whole multiple of the size.
    factor = max(1, int(np.ceil(2.0 * square[2] / size)))
    cut = size * factor
    flags, border = cv2.INTER_LINEAR, cv2.BORDER_REPLICATE
    crop = cv2.warpAffine(picture, at_centres(square_affine(square, cut)), (cut, cut), flags=flags, borderMode=border)
    if factor > 1:
        crop = cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)
    return crop, square_affine(square, size)


def resize_square(
    picture: UInt8[np.ndarray, "H W 3"], square: Square, size: int
) -> tuple[UInt8[np.ndarray, "size size 3"], Float[np.ndarray, "2 3"]]:
    """The same for a square of whole pixels inside the picture, by Pillow's antialiased bilinear as the released code does."""
    from PIL import Image

    x, y, half = square
    box = (x - half, y - half, x + half, y + half)
    resized = Image.fromarray(picture).resize((size, size), Image.Resampling.BILINEAR, box=box)
    return np.array(resized), square_affine(square, size)


def at_centres(affine: Float[np.ndarray, "2 3"]) -> Float[np.ndarray, "2 3"]:
    """The same map for `cv2.warpAffine`, which counts from the centre of the first pixel and not from its corner."""
    moved = np.array(affine, dtype=np.float64)
    moved[:, 2] += 0.5 * affine[:, :2].sum(axis=1) - 0.5
    return moved


def to_crop(points: Float[np.ndarray, "p axes"], affine: Float[np.ndarray, "2 3"]) -> Float[np.ndarray, "p axes"]:
    """Landmarks carried by a crop's map; a third axis, depth in pixels, is scaled alike."""
    moved = np.array(points, dtype=np.float64)
    moved[..., :2] = points[..., :2] @ affine[:, :2].T + affine[:, 2]
    if moved.shape[-1] > 2:
        moved[..., 2] = points[..., 2] * np.sqrt(abs(np.linalg.det(affine[:, :2])))
    return moved
