"""A puppet: a picture on a mesh that can speak, look, blink and turn; drawn a frame at a time, with exact landmarks."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from longtake.corpus.carry import Carrier
from longtake.corpus.eyes import Eye
from longtake.corpus.face_model import EYEBALLS, FACE, LOWER_TEETH, SOCKET
from longtake.corpus.lids import ease
from longtake.corpus.raster import Buffer, vertex_normals
from longtake.corpus.rig import Rig
from longtake.corpus.shade import EYE, MOUTH, compose, shade_face

MOUTH_INSIDE = slice(SOCKET.start, LOWER_TEETH.stop)
BEHIND = 4096.0
MOST = 1.5
"""Of any expression weight: brows bear half as much again as the face model's authors drew."""
LASH_STEPS = np.linspace(0.04, 0.96, 33)


@dataclass(frozen=True)
class Pose:
    """What a puppet does in one frame.

    `weights` are expression weights added to the face at rest; closures are relative to the eyes' own opening (1 is shut);
    angles are degrees away from rest, to the picture's right, down, and clockwise; gaze is in iris radii, right and down.
    """

    weights: Float[np.ndarray, " e"]
    blink: tuple[float, float] = (0.0, 0.0)  # subject's left, right
    angles: tuple[float, float, float] = (0.0, 0.0, 0.0)
    gaze: tuple[float, float] = (0.0, 0.0)
    seal: float = 0.0  # how far the lips are held together, whatever the weights say


@dataclass
class Puppet:
    """Everything that one puppet's frames are drawn from; all pixels are those of the working picture."""

    rig: Rig
    size: int
    layer: Float32[np.ndarray, "s s 4"]  # colours and opacity of the person
    background: Float32[np.ndarray, "s s 3"]
    rest: Float32[np.ndarray, " e"]
    base: Float32[np.ndarray, "v 3"]  # the mesh at rest
    basis: Float32[np.ndarray, "e v 3"] = field(repr=False)
    lookup: Float32[np.ndarray, "v 2"] = field(repr=False)
    alpha: Float32[np.ndarray, " v"] = field(repr=False)
    colours: Float32[np.ndarray, "v 3"] = field(repr=False)  # of the mouth's inside
    pivot: Float32[np.ndarray, " 3"]
    turning: Float32[np.ndarray, " v"] = field(repr=False)  # 1 on the head, 0 at the neck's foot
    carrier: Carrier = field(repr=False)
    eyes: list[Eye] = field(repr=False)
    lid_skin: Float32[np.ndarray, "s s 3"] = field(repr=False)
    lid_mask: Float32[np.ndarray, "s s"] = field(repr=False)
    face_width: float
    unit: float  # pixels to a model unit

    def __post_init__(self) -> None:
        size = self.size
        self._buffer = Buffer(size, size)
        self._grid = Buffer(size, size)
        self._colour = np.zeros((size, size, 3), np.float32)
        self._cover = np.zeros((size, size), np.float32)
        self._kind = np.zeros((size, size), np.uint8)
        self._eye_picture = self.layer[..., :3].copy()
        follow = self.rig.lid_skin  # the crease lies where the lid folds, the lit ridge over the eyeball
        self._lid_tone = (-0.30 * np.exp(-(((follow - 0.24) / 0.13) ** 2)) + 0.05 * ease((follow - 0.4) / 0.3)).astype(
            np.float32
        )

    def mesh(self, pose: Pose) -> Float32[np.ndarray, "v 3"]:
        """The vertices on the screen."""
        rig = self.rig
        delta = np.clip(self.rest + pose.weights, 0, MOST) - self.rest
        for side in "LR":
            delta[rig.model.index[f"eyeBlink_{side}"]] = 0  # lids move by `Lids.close`, which closes exactly
        points = self.base.copy()
        for i in np.nonzero(np.abs(delta) > 1e-4)[0]:
            points += np.float32(delta[i]) * self.basis[i]
        rig.lips.seal(points, pose.seal)
        for side, closure in zip("LR", pose.blink, strict=True):
            rig.lids[side].close(points, closure, self.face_width)
        turn, shift = self.head_motion(pose)
        points += self.turning[:, None] * (points @ (turn.T - np.eye(3, dtype=np.float32)) + shift)
        points[EYEBALLS, 2] += 0.25 * self.face_width * min(1.0, 2 * max(pose.blink))  # never before a closing lid
        return points

    def head_motion(self, pose: Pose) -> tuple[Float32[np.ndarray, "3 3"], Float32[np.ndarray, " 3"]]:
        """The head's turn about the neck, as a rotation and a shift."""
        turn = rotation(*pose.angles)
        return turn, self.pivot - turn @ self.pivot

    def landmarks(self, points: Float32[np.ndarray, "v 3"]) -> Float32[np.ndarray, "468 3"]:
        """The landmarks of a mesh, in pixels of the working picture."""
        return self.rig.model.at_landmarks(points)

    def draw(self, pose: Pose) -> tuple[Float32[np.ndarray, "s s 3"], Float32[np.ndarray, "468 3"]]:
        """One frame (0..1) and its landmarks."""
        points = self.mesh(pose)
        size = self.size
        face = points[FACE]
        x0, y0 = np.maximum(np.floor(face[:, :2].min(axis=0)).astype(int) - 2, 0)
        x1, y1 = np.minimum(np.ceil(face[:, :2].max(axis=0)).astype(int) + 2, size)
        box = (int(x0), int(y0), int(x1), int(y1))
        landmarks = self.landmarks(points)
        self._rasterise(points, box)
        self._look(pose.gaze)
        self._shade(points, pose, box)
        self._finish(points, pose, box)
        nodes = self.carrier.move(points, *self.head_motion(pose))
        grid = self._grid.draw(nodes, self.carrier.triangles)
        out = np.empty((size, size, 3), np.float32)
        compose(
            grid.triangle,
            grid.weights,
            self.carrier.nodes,
            self.carrier.triangles,
            self.layer,
            self.background,
            self._colour,
            self._cover,
            box,
            out,
        )
        return out, landmarks

    def _rasterise(self, points: np.ndarray, box: tuple[int, int, int, int]) -> None:
        """Face, eyeballs, and the mouth's inside, which shows between the lips and never through them."""
        rig = self.rig
        inside = rig.face_count + rig.mouth_count
        points[MOUTH_INSIDE, 2] += BEHIND
        lips = np.concatenate([rig.lips.upper.at(points), rig.lips.lower.at(points)])
        buffer = self._buffer.clear(box).add(points, rig.drawn, (0, rig.face_count), box)
        buffer.add(points, rig.drawn, (rig.face_count, inside), _around(lips, 0.04 * self.face_width, self.size))
        buffer.add(points, rig.drawn, (inside, len(rig.drawn)), box)

    def _look(self, gaze: tuple[float, float]) -> None:
        for eye in self.eyes:
            side = len(eye.cover)
            self._eye_picture[eye.top : eye.top + side, eye.left : eye.left + side] = eye.looking(*gaze)

    def _shade(self, points: np.ndarray, pose: Pose, box: tuple[int, ...]) -> None:
        rig = self.rig
        inside = rig.drawn[rig.face_count : rig.face_count + rig.mouth_count]
        shade_face(
            self._buffer.depth,
            self._buffer.triangle,
            self._buffer.weights,
            rig.drawn,
            (rig.face_count, rig.mouth_count),
            box,
            self.lookup,
            self.alpha,
            self.layer,
            self.lid_skin,
            self.lid_mask,
            self._lid_tone,
            np.float32(max(pose.blink)),
            self._eye_picture,
            self.colours,
            vertex_normals(points, inside),
            np.float32(np.median(points[rig.lip_line, 2]) + BEHIND),
            np.float32(self.unit),
            self._colour,
            self._cover,
            self._kind,
        )

    def _finish(self, points: np.ndarray, pose: Pose, box: tuple[int, ...]) -> None:
        """Shadow under lips and lids, smooth edges, and the lash line."""
        rig, size = self.rig, self.size
        mouth = _around(points[rig.lip_line], 0.03 * self.face_width, size)
        self._soften(mouth, MOUTH, (0.45, 0.012))
        for i, side in enumerate("LR"):
            eye = _around(points[rig.lids[side].near], 0, size)
            self._soften(eye, EYE, (0.62, 0.006))
            if pose.blink[i] > 0.15:
                self._lashes(points, side, pose.blink[i], eye)
        x0, y0, x1, y1 = box
        window = self._cover[y0:y1, x0:x1]
        window[:] = cv2.blur(window, (3, 3))

    def _soften(self, box: tuple[int, ...], kind: int, shadow: tuple[float, float]) -> None:
        x0, y0, x1, y1 = box
        hole = (self._kind[y0:y1, x0:x1] == kind).astype(np.float32)
        if not hole.any():
            return
        colour = self._colour[y0:y1, x0:x1]
        darkest, reach = shadow
        inner = ease((cv2.GaussianBlur(hole, (0, 0), reach * self.size) - 0.42) / 0.5).astype(np.float32)
        colour *= np.where(hole > 0, darkest + (1 - darkest) * inner, 1)[..., None]
        edge = cv2.morphologyEx(hole, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
        band = np.clip(1.4 * cv2.GaussianBlur(edge, (0, 0), 0.8), 0, 1)[..., None]
        colour += band * (cv2.GaussianBlur(colour, (0, 0), max(0.9, self.size / 420)) - colour)

    def _lashes(self, points: np.ndarray, side: str, closure: float, box: tuple[int, ...]) -> None:
        lids, (x0, y0, x1, y1) = self.rig.lids[side], box
        edge = lids.upper.at(points)[:, :2]
        line = np.stack([np.interp(LASH_STEPS, lids.upper.along, edge[:, n]) for n in range(2)], axis=1) - (x0, y0)
        line = cv2.GaussianBlur(line.astype(np.float32), (1, 7), 0)
        mask = np.zeros((y1 - y0, x1 - x0), np.float32)
        thick = max(1, round(0.011 * self.face_width))
        cv2.polylines(mask, [np.round((line - 0.5) * 16).astype(np.int32)], False, 1.0, thick, cv2.LINE_AA, 4)
        colour = self._colour[y0:y1, x0:x1]
        wide = np.clip(2.2 * cv2.GaussianBlur(mask, (0, 0), 0.010 * self.face_width), 0, 1)[..., None] * closure
        colour += wide * (cv2.GaussianBlur(colour, (0, 0), 0.007 * self.face_width) - colour)
        colour *= 1 - 0.55 * closure * np.clip(cv2.GaussianBlur(mask, (0, 0), 0.004 * self.face_width), 0, 1)[..., None]


def _around(points: np.ndarray, margin: float, size: int) -> tuple[int, int, int, int]:
    """The pixel box around points, within the picture."""
    low = np.clip(np.floor(points[:, :2].min(axis=0) - margin).astype(int), 0, size - 1)
    high = np.clip(np.ceil(points[:, :2].max(axis=0) + margin).astype(int), low + 1, size)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def rotation(yaw: float, pitch: float, roll: float) -> Float32[np.ndarray, "3 3"]:
    """Degrees in the screen frame: the nose to the right, the nose down, clockwise."""
    (cy, cp, cr), (sy, sp, sr) = np.cos(np.deg2rad([yaw, pitch, roll])), np.sin(np.deg2rad([yaw, pitch, roll]))
    about_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return (about_z @ about_y @ about_x).astype(np.float32)


def to_bytes(picture: Float32[np.ndarray, "s s 3"], size: int) -> UInt8[np.ndarray, "H W 3"]:
    """A drawn frame at its final size, by area."""
    if picture.shape[0] != size:
        picture = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    return np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
