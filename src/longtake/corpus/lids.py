"""Lids that close exactly: the visible edge of the upper lid travels to the lower one, and the skin follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from longtake.corpus.face_model import FACE, FaceModel

UPPER_EDGE = {"R": (33, 246, 161, 160, 159, 158, 157, 173, 133), "L": (263, 466, 388, 387, 386, 385, 384, 398, 362)}
LOWER_EDGE = {"R": (33, 7, 163, 144, 145, 153, 154, 155, 133), "L": (263, 249, 390, 373, 374, 380, 381, 382, 362)}
STEPS = np.linspace(0, 1, 33)
UPPER_SHARE = 0.88
"""How much of the way the upper lid goes; the lower lid comes the rest."""


def ease(x: np.ndarray | float) -> np.ndarray:
    """0 below 0, 1 above 1, smooth between."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3 - 2 * x)


@dataclass(frozen=True)
class Edge:
    """One lid edge as landmark places on the mesh, ordered from the viewer's left."""

    corners: np.ndarray  # (9, 3) vertices
    weights: np.ndarray  # (9, 3)
    along: np.ndarray  # (9,) 0..1 between the eye's corners

    def at(self, vertices: Float[np.ndarray, "v xyz"]) -> Float[np.ndarray, "p xyz"]:
        return np.einsum("lcx,lc->lx", vertices[self.corners], self.weights)

    def curve(self, vertices: Float[np.ndarray, "v xyz"]) -> Float[np.ndarray, "33 xyz"]:
        """The edge at 33 even places between the eye's corners."""
        points = self.at(vertices)
        return np.stack([np.interp(STEPS, self.along, points[:, n]) for n in range(points.shape[1])], axis=1)


@dataclass(frozen=True)
class Lids:
    """One eye's lids on the mesh: which vertices follow which edge, how much, and where along it."""

    upper: Edge
    lower: Edge
    near: np.ndarray  # vertices around the eye
    along: np.ndarray  # of each of them, 0..1
    follow_upper: np.ndarray
    follow_lower: np.ndarray

    def close(self, points: Float32[np.ndarray, "v 3"], closure: float, face_width: float) -> None:
        """Move screen `points` so that the eye is closed by `closure` (1: exactly)."""
        if closure <= 0:
            return
        gap = self.lower.curve(points) - self.upper.curve(points)
        gap[:, 1] = np.maximum(gap[:, 1], 0)
        open_here = np.minimum(1, gap[:, 1:2] / (0.012 * face_width))  # nothing moves where the edges meet already
        down = (gap * (0.5, UPPER_SHARE, 1) + (0, 0.004 * face_width, 0)) * open_here
        up = -gap * (0.5, 1 - UPPER_SHARE, 0) * open_here
        for n in range(3):
            points[self.near, n] += closure * (
                self.follow_upper * np.interp(self.along, STEPS, down[:, n])
                + self.follow_lower * np.interp(self.along, STEPS, up[:, n])
            )
        bulge = 0.02 * face_width * np.sin(np.pi * self.along)  # the lid passes in front of the cornea
        points[self.near, 2] -= closure * self.follow_upper * bulge


def lids_of(model: FaceModel, side: str) -> Lids:
    """The lids of the subject's left (L) or right (R) eye."""
    neutral = model.neutral
    upper_points = model.at_landmarks(neutral)[list(UPPER_EDGE[side])]
    low, high = upper_points[:, 0].min(), upper_points[:, 0].max()

    def along(x: np.ndarray) -> np.ndarray:
        return np.clip((x - low) / (high - low), 0, 1)

    def edge(landmarks: tuple[int, ...]) -> Edge:
        x = model.at_landmarks(neutral)[list(landmarks), 0]
        order = np.array(landmarks)[np.argsort(x)]
        return Edge(model.landmark_corners[order], model.landmark_weights[order], along(np.sort(x)))

    upper, lower = edge(UPPER_EDGE[side]), edge(LOWER_EDGE[side])
    blink = model.expressions[model.index[f"eyeBlink_{side}"]]
    skin = neutral[FACE]
    near = np.nonzero((np.abs(skin[:, :2] - upper_points[:, :2].mean(axis=0)) < (2.6, 2.2)).all(axis=1))[0]
    t = along(skin[near, 0])
    travel = np.minimum(np.interp(t, upper.along, upper.at(blink)[:, 1]), -0.12)
    corners = ease(t / 0.05) * ease((1 - t) / 0.05)
    follow_upper = np.clip(blink[near, 1] / travel, 0, 1)
    lower_y = np.interp(t, lower.along, lower.at(neutral)[:, 1])
    below = np.maximum(lower_y - skin[near, 1], 0)
    follow_lower = np.where(skin[near, 1] > lower_y + 0.25, 0, np.exp(-((below / 0.5) ** 2))) * (follow_upper < 0.3)
    return Lids(upper, lower, near, t, follow_upper * corners, follow_lower * corners)
