"""How steady a video is where the true one stands still, and how well its frames follow from one another where it moves."""

from itertools import pairwise

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

STILL = 3
"""Levels that a pixel of the true video may differ from its median and count as standing still: what H.264 leaves."""
MARGIN_PX = 4
LEAST_SHARE = 0.02
"""Of the picture, that has to stand still for a flicker to be told."""
FLOW_PX = 256
"""Side at which motion is followed."""
Video = UInt8[np.ndarray, "f H W 3"]


def still_places(true: Video) -> Bool[np.ndarray, "H W"]:
    """The pixels where nothing moves in the true video, away from what does."""
    middle = np.median(true[:: max(1, len(true) // 16)], axis=0)
    moves = np.zeros(true.shape[1:3], np.uint8)
    for frame in true:
        moves |= (np.abs(frame - middle).max(axis=-1) > STILL).astype(np.uint8)
    moves = cv2.morphologyEx(moves, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    return cv2.dilate(moves, np.ones((2 * MARGIN_PX + 1,) * 2, np.uint8)) == 0


def flicker(video: Video, still: Bool[np.ndarray, "H W"]) -> float:
    """Mean change from frame to frame in levels of 255 where nothing should; NaN if that is hardly anywhere."""
    if still.mean() < LEAST_SHARE:
        return float("nan")
    return float(frame_changes(video, still).mean())


def frame_changes(video: Video, where: Bool[np.ndarray, "H W"] | None = None) -> Float32[np.ndarray, " g"]:
    """The mean change from each frame to the next, in levels of 255."""
    where = np.ones(video.shape[1:3], bool) if where is None else where
    changes = [np.abs(b[where].astype(np.int16) - a[where]).mean() for a, b in pairwise(video)]
    return np.array(changes, np.float32)


def warping_error(video: Video, true: Video) -> float:
    """Mean difference, in levels of 255, of each frame from the one before moved along as the true video moves.

    Motion is Farneback's; where the true frames themselves do not follow (uncovered places) nothing is counted.
    """
    errors = []
    small, shown = _smaller(true), _smaller(video)
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in small]
    y, x = np.mgrid[: grey[0].shape[0], : grey[0].shape[1]].astype(np.float32)
    for k in range(1, len(grey)):
        back = cv2.calcOpticalFlowFarneback(grey[k], grey[k - 1], None, 0.5, 4, 21, 3, 7, 1.5, 0)  # pyright: ignore[reportCallIssue, reportArgumentType]
        places = (x + back[..., 0], y + back[..., 1])
        moved = [cv2.remap(frames[k - 1], *places, cv2.INTER_LINEAR) for frames in (small, shown)]
        follows = np.abs(moved[0].astype(np.int16) - small[k]).max(axis=-1) <= 12
        if follows.any():
            errors.append(np.abs(moved[1].astype(np.int16) - shown[k])[follows].mean())
    return float(np.mean(errors)) if errors else float("nan")


def border_ratio(changes: Float32[np.ndarray, " g"], window: int, overlap: int) -> float:
    """The change across a border of windows over the change inside them, for windows that pass into each other.

    A border is spread over the steps of the cross-fade; the largest of them counts.
    """
    step = window - overlap
    place = np.arange(len(changes))
    crossing = (place >= step - 1) & ((place - (step - 1)) % step <= overlap) & (place < len(changes) - step // 2)
    if not crossing.any() or not (~crossing).any():
        return float("nan")
    at = (place - (step - 1)) % step
    means = [changes[crossing & (at == k)].mean() for k in range(overlap + 1) if (crossing & (at == k)).any()]
    inside = float(changes[~crossing].mean())
    return float(max(means)) / inside if inside else float("nan")


def _smaller(video: Video) -> list[np.ndarray]:
    scale = max(1, round(video.shape[1] / FLOW_PX))
    size = (video.shape[2] // scale, video.shape[1] // scale)
    return [cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in video]
