"""The identity that the published weights expect: InsightFace's SCRFD detector and ArcFace embedding, as ONNX files.

Written from the file formats as publicly known (docs/weights.md). The real files are not free to ship and could not be
fetched where this was written: what is tested are stand-ins with the same inputs and outputs, and the arithmetic around
them. Their licence is non-commercial.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from longtake.errors import NoFace
from longtake.models.onnx import OnnxNetwork, open_onnx, wrong_network

DETECTOR, EMBEDDER = "scrfd_10g_bnkps.onnx", "glintr100.onnx"
PURPOSE = "Finding the identity of a face for the published weights"
SIDE = 640
STRIDES = (8, 16, 32)
ANCHORS = 2
"""Anchors at each cell of each stride, both in its corner."""
THRESHOLD, OVERLAP = 0.5, 0.4
CROP = 112
TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Where eyes, nose and corners of the mouth lie in the embedder's 112 x 112 picture."""


@dataclass(frozen=True, eq=False)
class Embedded:
    """A face of a picture: who it is and where."""

    identity: Float32[np.ndarray, " 512"]  # as the network gives it, not normalised: the published weights want it so
    box: tuple[float, float, float, float]  # x0, y0, x1, y1
    landmarks5: Float[np.ndarray, "5 2"]  # eyes, nose, corners of the mouth


@dataclass(frozen=True, eq=False)
class Faces:
    """What the detector found, surest first; pixels of the picture."""

    scores: Float[np.ndarray, " n"]
    boxes: Float[np.ndarray, "n 4"]
    landmarks5: Float[np.ndarray, "n 5 2"]

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, rows: np.ndarray) -> Faces:
        return Faces(self.scores[rows], self.boxes[rows], self.landmarks5[rows])


class InsightFace:
    """The two networks of a folder with `scrfd_10g_bnkps.onnx` and `glintr100.onnx`."""

    def __init__(self, folder: Path | str):
        self.detector = open_onnx(Path(folder) / DETECTOR, PURPOSE)
        self.embedder = open_onnx(Path(folder) / EMBEDDER, PURPOSE)
        if self.detector.outputs != 3 * len(STRIDES):
            raise wrong_network(self.detector.path, f"{self.detector.outputs} outputs", "SCRFD with five landmarks: 9")
        if tuple(self.embedder.input_shape[1:]) != (3, CROP, CROP):
            raise wrong_network(
                self.embedder.path, f"it takes {self.embedder.input_shape}", "ArcFace: n x 3 x 112 x 112"
            )

    def embed(self, picture: UInt8[np.ndarray, "H W 3"], near: tuple[float, float] | None = None) -> Embedded:
        """Identity, box and landmarks of the largest face, or of the one nearest to a place; NoFace if there is none."""
        faces = self.find(picture)
        if not len(faces):
            height, width = picture.shape[:2]
            raise NoFace(
                f"The detector of the published weights found no face in the picture ({width} x {height} pixels).",
                expected="one person, facing the camera, eyes and mouth in view, the face half to two thirds of the picture",
                do="try another photograph, or cut it round the head",
            )
        sides, middles = faces.boxes[:, 2:] - faces.boxes[:, :2], (faces.boxes[:, 2:] + faces.boxes[:, :2]) / 2
        best = np.prod(sides, axis=1) if near is None else -np.linalg.norm(middles - near, axis=1)
        chosen = int(best.argmax())
        landmarks = faces.landmarks5[chosen]
        x0, y0, x1, y1 = faces.boxes[chosen].tolist()
        return Embedded(self.identity(picture, landmarks), (x0, y0, x1, y1), landmarks)

    def find(self, picture: UInt8[np.ndarray, "H W 3"]) -> Faces:
        """All faces, surest first; of boxes that overlap by more than 0.4 the surest."""
        canvas, scale = on_canvas(picture)
        outputs = self.detector(as_blob(canvas, 128.0))
        found = decode(outputs, self.detector)
        found = Faces(found.scores, found.boxes / scale, found.landmarks5 / scale)
        found = found[found.scores.argsort(kind="stable")[::-1]]
        return found[apart(found.boxes, OVERLAP)]

    def identity(
        self, picture: UInt8[np.ndarray, "H W 3"], landmarks: Float[np.ndarray, "5 2"]
    ) -> Float32[np.ndarray, " 512"]:
        """The embedding of the face that the landmarks lie on."""
        crop = cv2.warpAffine(picture, similarity(landmarks, TEMPLATE), (CROP, CROP), borderValue=0.0)
        vector = self.embedder(as_blob(crop, 127.5))[0].reshape(-1)
        if vector.shape != (512,):
            raise wrong_network(self.embedder.path, f"it gives {len(vector)} numbers", "ArcFace: 512 numbers")
        return vector.astype(np.float32)


def on_canvas(picture: UInt8[np.ndarray, "H W 3"]) -> tuple[UInt8[np.ndarray, "640 640 3"], float]:
    """The picture as large as fits into 640 x 640, in its upper left corner on black, and by what it was scaled."""
    height, width = picture.shape[:2]
    longer = height / width
    size = (max(int(SIDE / longer), 1), SIDE) if longer > 1 else (SIDE, max(int(SIDE * longer), 1))
    canvas = np.zeros((SIDE, SIDE, 3), np.uint8)
    canvas[: size[1], : size[0]] = cv2.resize(picture, size)
    return canvas, size[1] / height


def as_blob(picture: UInt8[np.ndarray, "H W 3"], spread: float) -> Float32[np.ndarray, "1 3 H W"]:
    """The picture as both networks take it: RGB about zero."""
    return np.ascontiguousarray((picture.astype(np.float32) - 127.5).transpose(2, 0, 1)[None] * np.float32(1 / spread))


def decode(outputs: list[np.ndarray], network: OnnxNetwork) -> Faces:
    """The cells whose score passes, as boxes and landmarks on the canvas.

    Outputs are known by their shapes: exports of the same network name and order them differently. Each cell tells, in
    strides, how far the sides of the box and the five points lie from its corner.
    """
    kinds = {(array.shape[-1], array.size // array.shape[-1]): array.reshape(-1, array.shape[-1]) for array in outputs}
    scores, boxes, points = [], [], []
    for stride in STRIDES:
        cells = SIDE // stride
        rows = cells * cells * ANCHORS
        if not all((width, rows) in kinds for width in (1, 4, 10)):
            shapes = ", ".join(str(array.shape) for array in outputs)
            raise wrong_network(
                network.path, f"outputs of shapes {shapes}", "scores, boxes, landmarks at strides 8, 16, 32"
            )
        y, x = np.divmod(np.arange(rows) // ANCHORS, cells)
        corners = np.stack([x, y], axis=1).astype(np.float32) * stride
        score, box, point = (kinds[width, rows] for width in (1, 4, 10))
        passed = score[:, 0] >= THRESHOLD
        corners, box, point = corners[passed], box[passed] * stride, point[passed] * stride
        scores.append(score[passed, 0])
        boxes.append(np.concatenate([corners - box[:, :2], corners + box[:, 2:]], axis=1))
        points.append(corners[:, None] + point.reshape(-1, 5, 2))
    return Faces(*(np.concatenate(part) for part in (scores, boxes, points)))


def apart(boxes: Float[np.ndarray, "n 4"], overlap: float) -> np.ndarray:
    """The rows left when each box, from the first on, removes those after it that share too much area with it."""
    sides = boxes[:, 2:] - boxes[:, :2] + 1  # the published count of pixels includes both borders
    areas = sides.prod(axis=1)
    kept, left = [], np.arange(len(boxes))
    while len(left):
        first, left = left[0], left[1:]
        kept.append(first)
        low = np.maximum(boxes[left, :2], boxes[first, :2])
        high = np.minimum(boxes[left, 2:], boxes[first, 2:])
        shared = (high - low + 1).clip(min=0).prod(axis=1)
        left = left[shared / (areas[left] + areas[first] - shared) <= overlap]
    return np.array(kept, dtype=np.int64)


def similarity(points: Float[np.ndarray, "p 2"], wanted: Float[np.ndarray, "p 2"]) -> Float[np.ndarray, "2 3"]:
    """The turn, scale and shift (never a mirror) that bring `points` closest to `wanted` in the square sense.

    As complex numbers that is one division: what Umeyama's method gives for points in the plane.
    """
    z, w = (np.asarray(p, np.float64) @ np.array([1, 1j]) for p in (points, wanted))
    turn = np.vdot(z - z.mean(), w - w.mean()) / max(np.vdot(z - z.mean(), z - z.mean()).real, 1e-12)
    shift = w.mean() - turn * z.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
