"""What landmarks say: how far mouth and eyes are open, and how the head is turned. NaN stays NaN."""

import numpy as np
from jaxtyping import Float

FACE_POINTS = 468
INNER_LIPS = (13, 14)
"""Middle of the inner upper and lower lip."""
RIGHT_LIDS, RIGHT_CORNERS = ((159, 145), (160, 144), (158, 153)), (33, 133)
LEFT_LIDS, LEFT_CORNERS = ((386, 374), (387, 373), (385, 380)), (263, 362)
"""Pairs of upper and lower lid points, and the corners, of the person's right and left eye."""
ACROSS = ((33, 263), (133, 362), (127, 356), (54, 284), (103, 332))
DOWN = ((10, 6), (151, 197), (9, 2))
"""Pairs of points of the skull, which neither jaw nor lips move, from right to left and from top to bottom."""
DEPTH_SHARE, REST_PITCH_DEG = 0.8, -8.5
"""The network's depth is exaggerated, and its skull points of an upright head lean; fitted to known head poses."""


def mouth_opening(landmarks: Float[np.ndarray, "*f p axes"]) -> Float[np.ndarray, "*f"]:
    """The gap between the inner lips, in face heights; about 0.005 closed and 0.1 wide open."""
    upper, lower = INNER_LIPS
    return np.asarray(_gap(landmarks, upper, lower) / np.ptp(landmarks[..., :FACE_POINTS, 1], axis=-1))


def eye_opening(landmarks: Float[np.ndarray, "*f p axes"]) -> Float[np.ndarray, "*f 2"]:
    """The gap between the lids of the person's right and left eye, in eye widths; about 0.3 open."""
    eyes = []
    for lids, corners in ((RIGHT_LIDS, RIGHT_CORNERS), (LEFT_LIDS, LEFT_CORNERS)):
        gap = np.mean([_gap(landmarks, upper, lower) for upper, lower in lids], axis=0)
        eyes.append(gap / _gap(landmarks, *corners))
    return np.stack(eyes, axis=-1)


def head_pose(landmarks: Float[np.ndarray, "*f 468 3"]) -> Float[np.ndarray, "*f 3"]:
    """Yaw, pitch and roll in degrees: to the picture's right, down, and clockwise are positive.

    The head's axes come from points of the skull; depth is the landmark network's, in pixels like x and y.
    """
    across, down, back = np.moveaxis(head_axes(landmarks), -2, 0)
    yaw = np.arcsin(np.clip(across[..., 2], -1, 1))
    pitch = np.arctan2(down[..., 2], back[..., 2])
    roll = np.arctan2(across[..., 1], across[..., 0])
    return np.degrees(np.stack([yaw, pitch, roll], axis=-1)) - (0.0, REST_PITCH_DEG, 0.0)


def in_head_frame(landmarks: Float[np.ndarray, "*f 468 3"]) -> Float[np.ndarray, "*f 468 3"]:
    """The landmarks as the head has them: right, down and back from between the eyes, in distances of the outer eye corners."""
    points = np.asarray(landmarks, dtype=np.float64) * (1.0, 1.0, DEPTH_SHARE)
    right, left = (points[..., corners[0], :] for corners in (RIGHT_CORNERS, LEFT_CORNERS))
    turned = np.einsum("...pk,...ak->...pa", points - ((right + left) / 2)[..., None, :], head_axes(landmarks))
    return turned / np.linalg.norm(left - right, axis=-1)[..., None, None]


def head_axes(landmarks: Float[np.ndarray, "*f 468 3"]) -> Float[np.ndarray, "*f 3 3"]:
    """The directions across the head, down and back, as rows of unit vectors."""
    points = np.asarray(landmarks, dtype=np.float64) * (1.0, 1.0, DEPTH_SHARE)
    across = _direction(points, ACROSS)
    down = _direction(points, DOWN)
    across /= np.linalg.norm(across, axis=-1, keepdims=True)
    down -= across * (across * down).sum(axis=-1, keepdims=True)
    down /= np.linalg.norm(down, axis=-1, keepdims=True)
    return np.stack([across, down, np.cross(across, down)], axis=-2)


def _gap(landmarks: np.ndarray, a: int, b: int) -> np.ndarray:
    return np.asarray(np.linalg.norm(landmarks[..., a, :2] - landmarks[..., b, :2], axis=-1))


def _direction(points: np.ndarray, pairs: tuple[tuple[int, int], ...]) -> np.ndarray:
    starts, ends = (list(index) for index in zip(*pairs, strict=True))
    return (points[..., ends, :] - points[..., starts, :]).sum(axis=-2)
