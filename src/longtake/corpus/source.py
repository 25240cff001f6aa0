"""One fitted portrait as a source of geometry and texture; several make a mix, and one alone is never rendered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from longtake.corpus.face_model import LIPS, Fit
from longtake.corpus.lids import ease
from longtake.corpus.lips import LOWER_INNER, UPPER_INNER
from longtake.corpus.people import People
from longtake.corpus.raster import vertex_normals
from longtake.corpus.rig import Rig


@dataclass(frozen=True)
class Source:
    """A photograph and where the rig's vertices are in it, in its pixels."""

    file: str
    picture: Float32[np.ndarray, "H W 3"]
    landmarks: Float32[np.ndarray, "478 3"]
    fit: Fit
    offsets: Float32[np.ndarray, "v 2"]  # what the fit left over, spread over the vertices
    points: Float32[np.ndarray, "v 3"]
    lookup: Float32[np.ndarray, "v 2"]  # where each vertex finds its colour
    alpha: Float32[np.ndarray, " v"]

    @property
    def face_width(self) -> float:
        return float(np.ptp(self.landmarks[:468, 0]))


def read_source(rig: Rig, people: People, file: str) -> Source:
    """A portrait with its fit."""
    fit, landmarks = people.fit(file), people.landmarks[file]
    vertices = rig.model.shape(fit.identity) + np.tensordot(fit.expression.astype(np.float32), rig.model.expressions, 1)
    offsets = rig.spread @ _along_lips(fit, rig.model.at_landmarks(vertices)).astype(np.float32)
    points = fit.place(vertices)
    points[:, :2] += offsets
    lookup = _lookup(rig, points[:, :2], landmarks)
    normals = vertex_normals(points, rig.skin)
    # A surface seen at a grazing angle carries background in its texture: it fades out.
    facing = ease((np.abs(normals[:, 2]) - 0.08) / 0.25)
    alpha = np.where((rig.lip_side != 0) | (rig.lid_skin > 0.1), rig.alpha, rig.alpha * facing).astype(np.float32)
    return Source(file, people.photograph(file), landmarks, fit, offsets, points, lookup, alpha)


def _along_lips(fit: Fit, points: Float[np.ndarray, "468 3"]) -> Float[np.ndarray, "468 2"]:
    """What the fit left over, but the lips may only be stretched evenly sideways.

    Landmarks slide along the lips from portrait to portrait; following that would pinch the mouth into a V when it opens.
    """
    residual = fit.residual.copy()
    lips = list(LIPS)
    places = np.column_stack([np.ones(len(lips)), points[lips, :2], points[lips, 0] ** 3])
    residual[lips, 0] = places @ np.linalg.lstsq(places, residual[lips, 0], rcond=None)[0]
    return residual


def _lookup(
    rig: Rig, points: Float[np.ndarray, "v 2"], landmarks: Float[np.ndarray, "478 3"]
) -> Float32[np.ndarray, "v 2"]:
    """Places in the photograph, with each lip's inner surface kept on its own lip.

    Else the other lip, the dark line or the teeth would be dragged along when the mouth opens.
    """
    lookup = points.copy()
    width = np.ptp(landmarks[:468, 0])
    left, right = landmarks[78, 0], landmarks[308, 0]
    for sign, contour in ((1, UPPER_INNER), (-1, LOWER_INNER)):
        lip = np.nonzero(rig.lip_side == sign)[0]
        x, y = lookup[lip].T
        middle = 1 - ((2 * x - left - right) / (right - left)) ** 2  # 1 in the middle, 0 at the corners
        curve = landmarks[list(contour)]
        edge = np.interp(x, curve[:, 0], curve[:, 1]) - sign * width * (0.001 + 0.012 * np.clip(middle, 0, 1))
        past = np.minimum(edge - y, 0) if sign > 0 else np.maximum(edge - y, 0)
        near = (middle > 0.25) & (np.abs(past) < 0.06 * width * middle)
        lookup[lip, 1] += np.where(near, past, 0)
    return lookup.astype(np.float32)
