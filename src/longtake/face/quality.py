"""How good a portrait is to be animated, in numbers, and what to say of it before anybody waits for the video."""

from collections.abc import Mapping

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from longtake.face.framing import FACE_POINTS, Square, crop_picture
from longtake.face.measure import head_pose

SOFT_SCALE = 2.0
"""A square that has to grow by more than this makes a soft video."""
MIN_INSIDE = 0.75
"""Share of the square that should lie on the picture; less is mostly repeated border."""
CUT_SHARE = 0.01
"""Share of the face's points that may lie outside the picture."""
TURNED_DEG, NODDED_DEG, TILTED_DEG = 30.0, 20.0, 20.0
BLURRED = 0.63
"""Of 70 sharp portraits of 335 x 410 pixels none is above 0.49; blurred by 2 % of the face's width all are above 0.65."""
DARK, BRIGHT = 90.0, 220.0
"""Grey levels: highlights of faces in ordinary light, dark skin too, are above 130, medians of pale ones below 210."""
GLARE_SHARE = 0.05
"""Share of the face that may have lost all drawing to white."""
PATCH, BLUR_PX = 128, 9
"""Side of the square in which blur is measured, the face's larger side, and the width of the blur to compare with."""


def measure_portrait(
    crop: UInt8[np.ndarray, "size size 3"],
    landmarks: Float[np.ndarray, "468 3"],
    square: Square,
    source: tuple[int, ...],
) -> dict[str, float]:
    """The measures of a portrait: `landmarks` are pixels of the crop, `square` is where that lies in a `source` of (H, W)."""
    points = landmarks[:FACE_POINTS]
    size, (x, y, half) = crop.shape[0], square
    scale = 2 * half / size  # pixels of the source to one of the crop
    yaw, pitch, roll = head_pose(landmarks[None].astype(np.float64))[0].tolist()
    grey = _grey(crop)[_inside(points, size)]
    left, top, right, bottom = _outside(points[:, :2] * scale + (x - half, y - half), source)
    measured = {
        "face_px": float(np.ptp(points[:, 1])) * scale,  # height of the face in the source
        "head_px": 2 * half,  # side of the square that is animated
        "enlarged": 1 / scale,
        "inside": _share_inside(square, source),  # share of the square that lies on the picture
        "cut_left": left,  # shares of the face's points that lie outside
        "cut_top": top,
        "cut_right": right,
        "cut_bottom": bottom,
        "yaw_deg": yaw,
        "pitch_deg": pitch,
        "roll_deg": roll,
        "blur": blur(_face_patch(crop, points)),
        "grey_median": float(np.median(grey)),
        "grey_highlights": float(np.percentile(grey, 95)),
        "glare": float((grey >= 250).mean()),
    }
    return {name: round(value, 4) for name, value in measured.items()}


def portrait_doubts(measures: Mapping[str, float]) -> tuple[str, ...]:
    """What will make the video worse than it could be, each with what to do about it."""
    said = []
    if measures["enlarged"] > SOFT_SCALE:
        said.append(
            f"The head is small in the picture ({measures['head_px']:.0f} pixels are enlarged {measures['enlarged']:.1f} times): "
            "the video will be soft. Use a larger photograph, or one taken closer."
        )
    cut = [side for side in ("left", "top", "right", "bottom") if measures[f"cut_{side}"] > CUT_SHARE]
    if cut:
        said.append(
            f"The face is cut off at the {' and '.join(cut)} of the picture. Use one with the whole head in it."
        )
    elif measures["inside"] < MIN_INSIDE:
        said.append(
            "The picture ends close to the face: the square round the head is filled up with its border. Use one with room round "
            "the head, or --set portrait.zoom=1.2."
        )
    said += _pose_doubts(measures["yaw_deg"], measures["pitch_deg"], measures["roll_deg"])
    # Enlarging blurs too, and is said already.
    if measures["blur"] > BLURRED and measures["enlarged"] <= SOFT_SCALE:
        said.append(
            f"The face is blurred ({measures['blur']:.2f}; sharp faces have 0.3 to 0.5): the video will be too. Use a sharper "
            "photograph, or the original instead of an enlarged copy."
        )
    if measures["grey_highlights"] < DARK:
        said.append(
            f"The face is very dark (its highlights reach {measures['grey_highlights']:.0f} of 255). Brighten the picture, or "
            "use one with more light on the face."
        )
    if measures["grey_median"] > BRIGHT or measures["glare"] > GLARE_SHARE:
        said.append(
            f"The face is overexposed ({measures['glare']:.0%} of it is plain white). Use a picture with less light on the face."
        )
    return tuple(said)


def _pose_doubts(yaw: float, pitch: float, roll: float) -> list[str]:
    said = []
    if abs(yaw) > TURNED_DEG:
        said.append(f"The head is turned by about {abs(yaw):.0f} degrees: a frontal picture gives a better video.")
    if abs(pitch) > NODDED_DEG:
        where = "down" if pitch > 0 else "up"
        said.append(
            f"The face looks {where} by about {abs(pitch):.0f} degrees: one that looks at you gives a better video."
        )
    if abs(roll) > TILTED_DEG:
        way = "anticlockwise" if roll > 0 else "clockwise"
        said.append(
            f"The head is tilted by about {abs(roll):.0f} degrees. Turn the picture {way} until the eyes are level."
        )
    return said


def blur(grey: Float[np.ndarray, "H W"]) -> float:
    """How blurred a picture is, 0 to 1: the share of its contrasts between neighbours that another blur leaves as they are.

    After Crete and others, "The blur effect: perception and estimation with a new no-reference perceptual blur metric" (2007).
    A share, so neither contrast nor brightness counts; noise makes a picture look sharper than it is.
    """
    shares = []
    for axis, kernel in ((0, (1, BLUR_PX)), (1, (BLUR_PX, 1))):
        contrast = np.abs(np.diff(grey, axis=axis))
        lost = np.maximum(contrast - np.abs(np.diff(cv2.blur(grey, kernel), axis=axis)), 0)
        shares.append(1 - lost.sum() / max(float(contrast.sum()), 1e-6))
    return float(max(shares))


def _face_patch(crop: np.ndarray, points: np.ndarray) -> Float[np.ndarray, "H W"]:
    """The face alone, always the same size: blur then is relative to the face."""
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    x, y = (low + high) / 2
    return _grey(crop_picture(crop, (float(x), float(y), float((high - low).max()) / 2), PATCH)[0]).astype(np.float32)


def _inside(points: np.ndarray, size: int) -> np.ndarray:
    """Which pixels of the crop are face; all of them if none is."""
    mask = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(points[:, :2].astype(np.float32)).astype(np.int32), 1)
    return mask > 0 if mask.any() else mask == 0


def _outside(points: np.ndarray, source: tuple[int, ...]) -> tuple[float, float, float, float]:
    """Shares of the points that lie beyond the left, top, right and bottom border."""
    x, y = points.T
    height, width = source[:2]
    left, top, right, bottom = (float(np.mean(beyond)) for beyond in (x < 0, y < 0, x > width, y > height))
    return left, top, right, bottom


def _share_inside(square: Square, source: tuple[int, ...]) -> float:
    x, y, half = square
    height, width = source[:2]
    across, down = (min(c + half, end) - max(c - half, 0) for c, end in ((x, width), (y, height)))
    return max(0.0, across) * max(0.0, down) / (2 * half) ** 2


def _grey(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
