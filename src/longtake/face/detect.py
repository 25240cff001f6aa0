"""Faces in a picture and their 468 landmarks, by the MediaPipe networks run in OpenCV."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from longtake.face.framing import at_centres

MODELS = Path(__file__).parent / "models" / "mediapipe"
LANDMARKS = 468
DETECTOR_SIDE = 128
LANDMARK_SIDE = 192
MIN_SCORE = 0.5
"""Both for a detection and for the landmark network's own opinion that it saw a face."""
ROI_SCALE = 1.5
"""Side of the landmark network's square, in sizes of the face box: what the network was trained with."""
FIRST_PASSES, TRACK_PASSES = 3, 2
"""Looks of the landmark network at a face just detected, and at one tracked from the frame before."""
OVERLAP = 0.3
"""Boxes that share this much of their union are one face."""
RIGHT_EYE, LEFT_EYE = 33, 263
"""Outer eye corners: the line between them is turned level before the landmarks are read."""

_nets = threading.local()


@dataclass(frozen=True)
class Face:
    """One detected face: its box (x0, y0, x1, y1) and six points (eyes, nose, mouth, ears) in pixels."""

    box: tuple[float, float, float, float]
    points: Float32[np.ndarray, "6 xy"]
    score: float

    @property
    def area(self) -> float:
        """Square pixels of the box."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])


@dataclass(frozen=True)
class Roi:
    """The turned square which the landmark network looks at, in pixels of the picture."""

    x: float
    y: float
    side: float
    angle: float

    def affine(self, size: int) -> Float[np.ndarray, "2 3"]:
        """The map from picture pixels to the square's own, at `size` pixels a side."""
        scale = size / self.side
        c, s = scale * np.cos(self.angle), scale * np.sin(self.angle)
        turn = np.array([[c, s], [-s, c]])
        return np.column_stack([turn, size / 2 - turn @ (self.x, self.y)])


def find_faces(picture: UInt8[np.ndarray, "H W 3"], min_score: float = MIN_SCORE) -> list[Face]:
    """All faces of an RGB picture, largest first: looked for in the whole, with a margin, and in overlapping tiles.

    The detector sees 128 x 128 pixels; a face below about a tenth of them is only found in a tile, and one that
    fills the picture only with a margin round it.
    """
    height, width = picture.shape[:2]
    long_side = max(height, width)
    views = [(width / 2, height / 2, long_side * share) for share in (1.0, 1.5)]
    for share in (1 / 2, 1 / 4):
        side = long_side * share
        if side >= DETECTOR_SIDE:
            views += [(x, y, side) for y in _tile_centres(height, side) for x in _tile_centres(width, side)]
    found = [face for view in views for face in _faces_in(picture, view, min_score)]
    return sorted(_distinct(found), key=lambda face: -face.area)


def quick_face(picture: UInt8[np.ndarray, "H W 3"], min_score: float = MIN_SCORE) -> Face | None:
    """The largest face that one look at the whole picture finds; what video needs after a lost track."""
    height, width = picture.shape[:2]
    faces = _faces_in(picture, (width / 2, height / 2, float(max(height, width))), min_score)
    return max(faces, key=lambda face: face.area, default=None)


def landmarks_at(picture: UInt8[np.ndarray, "H W 3"], roi: Roi) -> tuple[Float32[np.ndarray, "468 3"], float]:
    """The landmarks (x, y, depth in pixels) that one look at a square finds, and the probability of a face there."""
    factor = max(1, int(roi.side / (2 * LANDMARK_SIDE)))
    cut = LANDMARK_SIDE * factor
    crop = _cut(picture, roi.affine(cut), cut, LANDMARK_SIDE, cv2.BORDER_REPLICATE)
    score, flat = run_network("face_landmark", crop.astype(np.float32) / 255.0)
    local = flat.reshape(LANDMARKS, 3).astype(np.float64)
    affine = roi.affine(LANDMARK_SIDE)
    points = np.empty((LANDMARKS, 3), np.float32)
    points[:, :2] = (local[:, :2] - affine[:, 2]) @ np.linalg.inv(affine[:, :2]).T
    points[:, 2] = local[:, 2] * roi.side / LANDMARK_SIDE
    return points, float(_sigmoid(score).item())


def landmarks_near(picture: UInt8[np.ndarray, "H W 3"], roi: Roi, passes: int) -> Float32[np.ndarray, "468 3"] | None:
    """The landmarks near a square, or None where the landmark network sees no face there.

    Each pass centres and turns its square by the landmarks of the last: the first square, a detector's or the frame
    before's, is coarse, and what the network says of the mouth depends on where it looks from.
    """
    points = None
    for _ in range(passes):
        points, score = landmarks_at(picture, roi)
        if score < MIN_SCORE:
            return None
        roi = roi_of_landmarks(points)
    return points


def find_landmarks(picture: UInt8[np.ndarray, "H W 3"]) -> list[Float32[np.ndarray, "468 3"]]:
    """The landmarks of every face in a picture, largest face first."""
    found = (landmarks_near(picture, roi_of_face(face), FIRST_PASSES) for face in find_faces(picture))
    kept: list[np.ndarray] = []
    for points in found:
        if points is not None and all(overlap_of_landmarks(points, other) < OVERLAP for other in kept):
            kept.append(points)
    return sorted(kept, key=lambda points: -float(np.prod(np.ptp(points[:, :2], axis=0))))


def track(
    frames: Iterable[UInt8[np.ndarray, "H W 3"]], roi: Roi | None = None
) -> Iterator[Float32[np.ndarray, "468 3"]]:
    """The landmarks of the main face of each frame as it comes, NaN where there is none.

    The first square of a frame comes from the landmarks of the frame before, so the detector runs only where a
    track starts; with `roi` the first frame is looked at there first.
    """
    for frame in frames:
        points = None if roi is None else landmarks_near(frame, roi, TRACK_PASSES)
        if points is None:
            face = quick_face(frame)
            points = None if face is None else landmarks_near(frame, roi_of_face(face), FIRST_PASSES)
        roi = None if points is None else roi_of_landmarks(points)
        yield np.full((LANDMARKS, 3), np.nan, np.float32) if points is None else points


def landmarks_of(frames: Iterable[UInt8[np.ndarray, "H W 3"]]) -> Float32[np.ndarray, "f 468 3"]:
    """The landmarks (x, y, depth in pixels) of every frame of a video, NaN in frames without a face."""
    found = list(track(frames))
    return np.stack(found) if found else np.zeros((0, LANDMARKS, 3), np.float32)


def roi_of_face(face: Face) -> Roi:
    """The square for the landmark network round a detector's box, turned so that the detector's eyes are level."""
    x0, y0, x1, y1 = face.box
    return Roi((x0 + x1) / 2, (y0 + y1) / 2, ROI_SCALE * max(x1 - x0, y1 - y0), _angle(*face.points[:2]))


def roi_of_landmarks(points: Float[np.ndarray, "p axes"]) -> Roi:
    """The square for the landmark network round known landmarks, eyes level."""
    angle = _angle(points[RIGHT_EYE, :2], points[LEFT_EYE, :2])
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, s], [-s, c]])
    level = points[:, :2] @ turn.T
    low, high = level.min(axis=0), level.max(axis=0)
    x, y = (low + high) / 2 @ turn
    return Roi(float(x), float(y), float(ROI_SCALE * (high - low).max()), angle)


def _angle(right_eye: np.ndarray, left_eye: np.ndarray) -> float:
    x, y = left_eye - right_eye
    return float(np.arctan2(y, x))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(x, -80.0, 80.0)))


def _cut(picture: np.ndarray, affine: np.ndarray, cut: int, size: int, border: int) -> np.ndarray:
    """The part of a picture that a map carries to `cut` pixels a side, averaged down to `size`."""
    crop = cv2.warpAffine(picture, at_centres(affine), (cut, cut), flags=cv2.INTER_LINEAR, borderMode=border)
    return crop if cut == size else cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)


def run_network(name: str, crop: np.ndarray) -> Sequence[np.ndarray]:
    """The outputs of one vendored network for a float RGB picture of the size and range that it reads."""
    nets = _nets.__dict__
    if name not in nets:
        # The classic engine, where OpenCV has two: the new one drops every output but one.
        engine = [cv2.dnn.ENGINE_CLASSIC] if hasattr(cv2.dnn, "ENGINE_CLASSIC") else []
        nets[name] = cv2.dnn.readNetFromTFLite(str(MODELS / f"{name}.tflite"), *engine)
    nets[name].setInput(np.ascontiguousarray(crop.transpose(2, 0, 1)[None]))
    return nets[name].forward(_OUTPUTS[name])


_OUTPUTS = {
    "face_detection_short_range": ("classificators", "regressors"),
    "face_landmark": ("conv2d_31", "conv2d_21"),
    "selfie_segmentation": ("activation_10",),
    "iris_landmark": ("output_eyes_contours_and_brows", "output_iris"),
}


def _anchors() -> np.ndarray:
    """Centres of the detector's 896 anchors, in shares of its square: a 16 grid twice, then an 8 grid six times."""
    grids = []
    for side, repeats in ((16, 2), (8, 6)):
        y, x = np.mgrid[:side, :side]
        grids.append(np.repeat((np.stack([x, y], -1).reshape(-1, 2) + 0.5) / side, repeats, axis=0))
    return np.concatenate(grids)


_ANCHORS = _anchors()


def _faces_in(picture: np.ndarray, view: tuple[float, float, float], min_score: float) -> list[Face]:
    """The faces of one square view (centre x, centre y, side) of a picture; outside the picture is black."""
    x, y, side = view
    affine = Roi(x, y, side, 0.0).affine(1)
    cut = DETECTOR_SIDE * min(max(1, int(np.ceil(side / DETECTOR_SIDE))), 8)
    crop = _cut(picture, Roi(x, y, side, 0.0).affine(cut), cut, DETECTOR_SIDE, cv2.BORDER_CONSTANT)
    raw, boxes = run_network("face_detection_short_range", crop.astype(np.float32) / 127.5 - 1.0)
    scores = _sigmoid(raw.reshape(-1))
    keep = np.flatnonzero(scores >= min_score)
    numbers = boxes.reshape(-1, 16)[keep].astype(np.float64) / DETECTOR_SIDE
    numbers[:, :2] += _ANCHORS[keep]
    points = numbers[:, 4:].reshape(-1, 6, 2) + _ANCHORS[keep, None]
    corners = np.stack([numbers[:, :2] - numbers[:, 2:4] / 2, numbers[:, :2] + numbers[:, 2:4] / 2], axis=1)
    points, corners = (((a - affine[:, 2]) * side) for a in (points, corners))
    faces = [
        Face(tuple(c.reshape(4).tolist()), p.astype(np.float32), float(s))
        for c, p, s in zip(corners, points, scores[keep], strict=True)
    ]
    return _blend(faces)


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Shared area of two boxes as a share of their union."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0.0) * max(height, 0.0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union if union > 0 else 0.0


def _blend(faces: list[Face]) -> list[Face]:
    """Overlapping answers of one look averaged by score, as the detector was meant to be read."""
    rest, blended = sorted(faces, key=lambda face: -face.score), []
    while rest:
        group = [face for face in rest if _overlap(face.box, rest[0].box) >= OVERLAP]
        weights = np.array([face.score for face in group])
        box = np.average([face.box for face in group], axis=0, weights=weights)
        points = np.average([face.points for face in group], axis=0, weights=weights)
        blended.append(Face(tuple(box.tolist()), points.astype(np.float32), rest[0].score))
        rest = [face for face in rest if _overlap(face.box, rest[0].box) < OVERLAP]
    return blended


def _distinct(faces: list[Face]) -> list[Face]:
    """The best-scored of the answers that different looks gave for one face."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if all(_overlap(face.box, other.box) < OVERLAP for other in kept):
            kept.append(face)
    return kept


def overlap_of_landmarks(a: Float[np.ndarray, "p axes"], b: Float[np.ndarray, "p axes"]) -> float:
    """Shared area of the boxes of two faces as a share of their union."""
    return _overlap(_extent(a), _extent(b))


def _extent(points: np.ndarray) -> tuple[float, ...]:
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    return (*low.tolist(), *high.tolist())


def _tile_centres(length: int, side: float) -> list[float]:
    """Centres of tiles of a side that cover a length with at least half overlap."""
    if side >= length:
        return [length / 2]
    count = int(np.ceil((length - side) / (side / 2))) + 1
    return np.linspace(side / 2, length - side / 2, count).tolist()
