"""The ICT face model: its arrays, where the landmarks lie on it, and its fit to one portrait.

Model frame: x to the subject's left, y up, z to the viewer, about centimetres. Screen frame: see raster.py.
Weak perspective: screen = scale * rotation @ model + shift.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, Int32

from longtake.errors import CorpusError
from longtake.face.measure import mouth_opening

IDENTITIES = 80
VERTICES = 24591
"""Vertices that are drawn: the tear line, the lashes and what else follows the eyeballs is left out."""
FACE, SKIN = slice(0, 9409), slice(0, 11248)
NARROW = slice(0, 6706)
SOCKET, GUMS = slice(11248, 13294), slice(14062, 17039)
UPPER_TEETH, LOWER_TEETH = slice(17039, 19247), slice(19247, 21451)
EYEBALLS = slice(21451, 24591)

LIPS = (
    *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185),
    *(78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191),
)
EYES = {
    "R": (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    "L": (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
}
FITTED = (
    "jawOpen",
    "mouthSmile",
    "mouthFrown",
    "mouthPucker",
    "mouthFunnel",
    "mouthUpperUp",
    "mouthLowerDown",
    "mouthRoll",
)
FITTED += ("eyeBlink", "eyeWide", "eyeSquint", "browDown", "browInnerUp", "browOuterUp")
OPENING = ("jawOpen", "mouthUpperUp", "mouthLowerDown", "mouthFunnel", "mouthPucker", "mouthRoll")
CLOSED_MOUTH = 0.03
"""Below this opening (inner lip gap over face height) the fit may use no expression that opens the mouth."""


class FaceModel:
    """Neutral vertices, triangles, expression and identity shapes, and a place on the mesh for each landmark."""

    def __init__(self, assets: Path) -> None:
        path = Path(assets) / "ict" / "ict_model.npz"
        if not path.exists():
            raise CorpusError(
                f"No face model at {path}.", expected="the packed ICT model", do="see docs/corpus.md: assets"
            )
        with np.load(path) as stored:
            triangles = stored["F"].astype(np.int32)
            self.neutral: Float32[np.ndarray, "v 3"] = stored["V"][:VERTICES].astype(np.float32)
            self.triangles: Int32[np.ndarray, "m 3"] = triangles[(triangles < VERTICES).all(axis=1)]
            self.names = [str(name) for name in stored["ex"]]
            self.expressions = stored["E"][:, :VERTICES].astype(np.float32)
            self.identities = stored["I"][:IDENTITIES, :VERTICES].astype(np.float32)
        with np.load(path.parent / "mpcorr.npz") as stored:
            places = stored["corr"]
        self.landmark_corners = triangles[places[:, 1].astype(int)]
        self.landmark_weights = places[:, 2:5].astype(np.float32)
        self.index = {name: i for i, name in enumerate(self.names)}

    def at_landmarks(self, field: Float[np.ndarray, "*k v xyz"]) -> Float[np.ndarray, "*k 468 xyz"]:
        """A vertex field sampled at the 468 landmarks."""
        return np.einsum("...lcx,lc->...lx", field[..., self.landmark_corners, :], self.landmark_weights)

    def shape(self, identity: Float[np.ndarray, " a"]) -> Float32[np.ndarray, "v 3"]:
        """The neutral face of an identity."""
        return self.neutral + np.tensordot(identity.astype(np.float32), self.identities, 1)

    def weights(self, named: dict[str, float]) -> Float32[np.ndarray, " e"]:
        """Expression weights by name; a name without its side sets both sides."""
        weights = np.zeros(len(self.names), np.float32)
        for name, value in named.items():
            for full in (name,) if name in self.index else (f"{name}_L", f"{name}_R"):
                weights[self.index[full]] = value
        return weights

    def having(self, starts: tuple[str, ...]) -> np.ndarray:
        """Which expressions have a name that begins with one of `starts`."""
        return np.array([name.startswith(starts) for name in self.names])


@dataclass(frozen=True)
class Fit:
    """One portrait in the model's terms, in the pixels of its photograph."""

    scale: float
    rotation: Float[np.ndarray, "3 3"]
    shift: Float[np.ndarray, " 3"]
    identity: Float[np.ndarray, " a"]
    expression: Float[np.ndarray, " e"]
    residual: Float[np.ndarray, "468 2"]  # landmarks minus the fitted model's, in pixels

    def place(self, vertices: Float[np.ndarray, "v 3"]) -> Float32[np.ndarray, "v 3"]:
        """Model vertices on the screen."""
        return (self.scale * vertices @ self.rotation.T + self.shift).astype(np.float32)


def fit_face(model: FaceModel, landmarks: Float[np.ndarray, "p 3"], rounds: int = 10) -> Fit:
    """The pose, identity and expression that bring the model's landmarks onto `landmarks` (pixels, z in the same unit).

    Alternates a weighted Procrustes pose with one regularised linear solve; depth counts a fifth, as it is only guessed.
    """
    target = np.asarray(landmarks[:468], np.float64)
    width = np.ptp(target[:, 0])
    count = np.full(468, 1.0)
    count[[*LIPS, *EYES["L"], *EYES["R"]]] = 3.0
    allowed = model.having(FITTED)
    if mouth_opening(target) < CLOSED_MOUTH:
        allowed &= ~model.having(OPENING)
    start = model.at_landmarks(model.neutral).astype(np.float64)
    shapes = model.at_landmarks(np.concatenate([model.identities, model.expressions[allowed]])).astype(np.float64)
    split = len(model.identities)
    stiffness = 0.002 * np.sqrt(468.0) * np.r_[np.full(split, 0.45), np.full(allowed.sum(), 3.0)]
    axes = np.sqrt(count)[:, None] * np.array([1.0, 1.0, 0.2]) / width
    solution = np.zeros(len(shapes))
    for _ in range(rounds):
        scale, rotation, shift = _pose(start + np.tensordot(solution, shapes, 1), target, count)
        columns = ((scale * shapes @ rotation.T) * axes).reshape(len(shapes), -1)
        wanted = ((target - scale * start @ rotation.T - shift) * axes).ravel()
        solution = _solve(columns @ columns.T + np.diag(stiffness**2), columns @ wanted, split)
    points = start + np.tensordot(solution, shapes, 1)
    scale, rotation, shift = _pose(points, target, count)
    expression = np.zeros(len(model.names))
    expression[allowed] = solution[split:]
    residual = (target - scale * points @ rotation.T - shift)[:, :2]
    return Fit(float(scale), rotation, shift, solution[:split], expression, residual)


def _pose(source: np.ndarray, target: np.ndarray, count: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Scale, proper rotation and shift that best bring `source` to `target`."""
    share = (count / count.sum())[:, None]
    centre, aim = (share * source).sum(axis=0), (share * target).sum(axis=0)
    u, singular, vt = np.linalg.svd((share * (target - aim)).T @ (source - centre))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * sign) @ vt
    scale = (singular * sign).sum() / (share * (source - centre) ** 2).sum()
    return scale, rotation, aim - scale * rotation @ centre


def _solve(matrix: np.ndarray, right: np.ndarray, split: int) -> np.ndarray:
    """The least squares solution whose entries from `split` on (expressions) stay within 0..1, the others within 3."""
    free = np.ones(len(right), bool)
    for _ in range(8):
        solution = np.zeros(len(right))
        solution[free] = np.linalg.solve(matrix[np.ix_(free, free)], right[free])
        negative = free & (solution < 0) & (np.arange(len(right)) >= split)
        if not negative.any():
            break
        free &= ~negative
    low = np.where(np.arange(len(right)) < split, -3.0, 0.0)
    high = np.where(np.arange(len(right)) < split, 3.0, 1.0)
    return np.clip(solution, low, high)
