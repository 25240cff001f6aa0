"""Lips that meet: the inner edges of both lips are brought together, and the skin around them follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from longtake.corpus.face_model import FaceModel
from longtake.corpus.lids import Edge, ease

UPPER_INNER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LOWER_INNER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
"""The inner lip contours among the landmarks, from the viewer's left to the right."""
UPPER_SHARE = 0.35
"""How much of the way the upper lip comes down; the lower lip and jaw come the rest."""


@dataclass(frozen=True)
class Lips:
    """The lips on the mesh: their inner edges, and how much each vertex near them follows."""

    upper: Edge
    lower: Edge
    near: np.ndarray
    along: np.ndarray  # 0..1 between the corners of the mouth
    follow: np.ndarray
    side: np.ndarray  # +1 upper, -1 lower

    def seal(self, points: Float32[np.ndarray, "v 3"], amount: float) -> None:
        """Move screen `points` so that the gap between the lips shrinks by `amount` (1: they meet)."""
        if amount <= 0:
            return
        steps = self.upper.along
        gap = self.lower.at(points)[:, 1] - self.upper.at(points)[:, 1]  # negative where pressed lips overlap
        here = np.interp(self.along, steps, gap) * self.follow * amount
        points[self.near, 1] += np.where(self.side > 0, UPPER_SHARE * here, (UPPER_SHARE - 1) * here)


def lips_of(model: FaceModel, line: np.ndarray, side: np.ndarray, distance: np.ndarray) -> Lips:
    """The lips of the model; `side` and `distance` (to the lip line) are of the face's vertices."""
    neutral = model.neutral
    points = model.at_landmarks(neutral)
    low, high = neutral[line, 0].min(), neutral[line, 0].max()

    def edge(landmarks: tuple[int, ...]) -> Edge:
        chosen = np.array(landmarks)
        along = np.clip((points[chosen, 0] - low) / (high - low), 0, 1)
        return Edge(model.landmark_corners[chosen], model.landmark_weights[chosen], along)

    near = np.nonzero((side[: len(distance)] != 0) & (distance < 1.3))[0]
    along = np.clip((neutral[near, 0] - low) / (high - low), 0, 1)
    follow = 1 - ease((distance[near] - 0.75) / 0.55)
    return Lips(edge(UPPER_INNER), edge(LOWER_INNER), near, along, follow, side[near])
