"""Hair, ears, neck and clothes follow the head: a coarse grid over the picture, moved by the mesh where it covers it."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from jaxtyping import Float32, Int32

from longtake.corpus.face_model import FACE
from longtake.corpus.lids import ease
from longtake.corpus.raster import Buffer
from longtake.corpus.rig import Rig

NODES = 73


@dataclass(frozen=True)
class Carrier:
    """The grid of one puppet, bound to its mesh at rest."""

    nodes: Float32[np.ndarray, "n 2"]
    triangles: Int32[np.ndarray, "m 3"]
    covered: np.ndarray  # which nodes lie on the mesh
    corners: np.ndarray  # (covered, 3) vertices
    weights: np.ndarray  # (covered, 3)
    rest: Float32[np.ndarray, "covered 3"]
    loose: Float32[np.ndarray, " n"]  # how far uncovered nodes follow the head
    nearness: Float32[np.ndarray, " n"]  # blur of `covered`
    depth: Float32[np.ndarray, " n"] = field(repr=False)

    def move(
        self, points: Float32[np.ndarray, "v 3"], rigid: np.ndarray, shift: np.ndarray
    ) -> Float32[np.ndarray, "n 3"]:
        """The nodes on the screen when the mesh is at `points` and the head has moved by `rigid` x + `shift`."""
        head = np.column_stack([self.nodes, self.depth])
        follow = head @ rigid.T + shift - head
        moved = np.einsum("lcx,lc->lx", points[self.corners], self.weights) - self.rest
        extra = np.zeros((len(self.nodes), 3), np.float32)
        extra[self.covered] = moved - follow[self.covered]
        side = (NODES, NODES, 3)
        spread = cv2.GaussianBlur(extra.reshape(side), (0, 0), 2.3).reshape(-1, 3)
        spread *= np.clip(2 * self.nearness, 0, 1)[:, None] / (self.nearness[:, None] + 1e-3)
        change = (follow + spread) * self.loose[:, None]
        change[self.covered] = moved
        change = cv2.GaussianBlur(change.reshape(side).astype(np.float32), (0, 0), 0.8).reshape(-1, 3)
        change[:, :2] += self.nodes
        change[:, 2] += self.depth + 40 * (1 - self.loose)
        return change


def make_carrier(
    rig: Rig, rest: Float32[np.ndarray, "v 3"], landmarks: Float32[np.ndarray, "468 2"], size: int
) -> Carrier:
    """A grid over a picture of `size` pixels in which the mesh at rest lies at `rest`."""
    steps = np.linspace(0, size, NODES, dtype=np.float32)
    nodes = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    corner = np.arange(NODES**2, dtype=np.int32).reshape(NODES, NODES)
    a, b, c, d = corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]
    triangles = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    buffer = Buffer(size, size).draw(rest, rig.skin)
    x, y = np.clip(nodes.astype(int), 0, size - 1).T
    triangle = buffer.triangle[y, x]
    covered = triangle >= 0
    two = buffer.weights[y, x][covered]
    weights = np.column_stack([two, 1 - two.sum(axis=1)]).astype(np.float32)
    corners = rig.skin[triangle[covered]]
    own = np.einsum("lcx,lc->lx", rest[corners], weights)
    depth = np.full(len(nodes), np.percentile(rest[FACE, 2], 80), np.float32)
    depth[covered] = own[:, 2]
    width, height = np.ptp(landmarks, axis=0)
    away = (nodes - landmarks.mean(axis=0)) / (0.5 * width, 0.5 * height)
    radius = np.hypot(away[:, 0], np.where(away[:, 1] < 0, 0.85, 1) * away[:, 1])
    chin = landmarks[152, 1]
    loose = (1 - ease((radius - 1.9) / 1.3)) * (1 - 0.95 * ease((nodes[:, 1] - chin) / (0.55 * height)))
    nearness = cv2.GaussianBlur(covered.reshape(NODES, NODES).astype(np.float32), (0, 0), 2.3).ravel()
    return Carrier(
        nodes,
        triangles,
        covered,
        corners,
        weights,
        own,
        np.where(covered, 1, loose).astype(np.float32),
        nearness,
        depth,
    )
