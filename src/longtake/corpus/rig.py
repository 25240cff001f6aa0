"""All that depends on the face model alone: parts, zones, lids, lips and teeth, shared by every puppet."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, Int32
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist

from longtake.corpus.face_model import (
    EYEBALLS,
    FACE,
    GUMS,
    LOWER_TEETH,
    NARROW,
    SKIN,
    SOCKET,
    UPPER_TEETH,
    VERTICES,
    FaceModel,
)
from longtake.corpus.lids import Lids, ease, lids_of
from longtake.corpus.lips import Lips, lips_of

SOCKET_COLOUR, GUMS_COLOUR, TEETH_COLOUR = (0.46, 0.18, 0.17), (0.72, 0.38, 0.36), (0.95, 0.92, 0.86)


@dataclass(frozen=True)
class Rig:
    """The face model taken apart for drawing. Zones are weights 0..1 of the vertices."""

    model: FaceModel
    skin: Int32[np.ndarray, "m 3"]  # face, back of the head, neck
    drawn: Int32[np.ndarray, "m 3"]  # face, then mouth, then eyeballs
    face_count: int
    mouth_count: int
    alpha: Float32[np.ndarray, " v"]  # 1 on the narrow face, fading to its border
    lip_side: Float32[np.ndarray, " v"]  # +1 upper, -1 lower, 0 away from the lips
    lip_line: np.ndarray
    mouth: Float32[np.ndarray, " v"]  # the zone that comes from the mouth's donor
    rim: Float32[np.ndarray, " v"]  # forehead and temples: hair may hang there
    lid_skin: Float32[np.ndarray, " v"]  # how much a vertex follows the upper lid
    own: Float32[np.ndarray, " v"]  # 1 on the face, 0 on ears, neck and back: these stay the head's
    lids: dict[str, Lids]
    lips: Lips
    teeth: tuple[np.ndarray, ...]  # the vertices of each tooth
    spread: Float32[np.ndarray, "v 468"] = field(repr=False)  # landmark offsets to vertex offsets
    mouth_shapes: np.ndarray = field(repr=False)  # which expressions move jaw and lips

    def colours(self, teeth: Float[np.ndarray, "teeth 3"] | None = None) -> Float32[np.ndarray, "v 3"]:
        """Colour of each vertex of the mouth's inside; each tooth may have its own."""
        colours = np.full((VERTICES, 3), 0.5, np.float32)
        colours[SOCKET], colours[GUMS] = SOCKET_COLOUR, GUMS_COLOUR
        for i, tooth in enumerate(self.teeth):
            colours[tooth] = TEETH_COLOUR if teeth is None else teeth[i]
        return colours


def make_rig(assets: Path) -> Rig:
    """The rig of the face model in an assets folder."""
    model = FaceModel(assets)
    neutral, triangles = model.neutral, model.triangles
    face, skin = _within(triangles, FACE), _within(triangles, SKIN)
    mouth = np.concatenate([_within(triangles, s) for s in (SOCKET, slice(GUMS.start, LOWER_TEETH.stop))])
    eyes = _within(triangles, EYEBALLS)
    line, side = _lips(model, face)
    lids = {side: lids_of(model, side) for side in "LR"}
    lid_skin = np.zeros(VERTICES, np.float32)
    for eye in lids.values():
        lid_skin[eye.near] = np.maximum(lid_skin[eye.near], np.maximum(eye.follow_upper, eye.follow_lower))
    from_lips = KDTree(neutral[line]).query(neutral[FACE])[0]
    from_narrow = KDTree(neutral[NARROW]).query(neutral[FACE])[0]
    own = np.ones(VERTICES, np.float32)
    own[SKIN] = 1 - ease((KDTree(neutral[NARROW]).query(neutral[SKIN])[0] - 0.2) / 2.2)
    alpha = _on_face(np.clip(1 - from_narrow / 1.6, 0, 1))
    return Rig(
        model=model,
        skin=skin,
        drawn=np.ascontiguousarray(np.concatenate([face, mouth, eyes])),
        face_count=len(face),
        mouth_count=len(mouth),
        alpha=alpha,
        lip_side=side,
        lip_line=line,
        mouth=_on_face(1 - ease((from_lips - 0.9) / 0.8)),
        rim=_rim(neutral),
        lid_skin=lid_skin,
        own=own,
        lids=lids,
        lips=lips_of(model, line, side, from_lips),
        teeth=tuple(_pieces(triangles, UPPER_TEETH) + _pieces(triangles, LOWER_TEETH)),
        spread=_spread(model),
        mouth_shapes=model.having(("jaw", "mouth")),
    )


def _within(triangles: np.ndarray, part: slice) -> np.ndarray:
    """The triangles all of whose corners lie in a range of vertices."""
    return np.ascontiguousarray(triangles[((triangles >= part.start) & (triangles < part.stop)).all(axis=1)])


def _on_face(values: np.ndarray) -> np.ndarray:
    field = np.zeros(VERTICES, np.float32)
    field[FACE] = values
    return field


def _rim(neutral: np.ndarray) -> np.ndarray:
    """Forehead above the brows and the sides of the face down to the cheekbone; not the jaw, where beards are."""
    forehead = ease((neutral[:, 1] - 5.2) / 1.2)
    sides = ease((np.abs(neutral[:, 0]) - 4.6) / 1.2) * ease((neutral[:, 1] + 1.0) / 2.0)
    return np.maximum(forehead, sides).astype(np.float32)


def _lips(model: FaceModel, face: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The loop of the lip line, and on which lip each vertex near it lies."""
    neutral = model.neutral
    loop = max(_inner_loops(face), key=len)
    loop = np.roll(loop, -int(neutral[loop, 0].argmin()))
    far = int(neutral[loop, 0].argmax())
    drop = model.expressions[model.index["jawOpen"], :, 1]
    first_is_lower = drop[loop[: far + 1]].mean() < drop[loop[far:]].mean()
    signs = np.ones(len(loop), np.float32)
    signs[: far + 1] = -1 if first_is_lower else 1
    signs[far + 1 :] = -signs[1]
    signs[[0, far]] = 0
    # A vertex's nearest point of the loop may be on the other lip (both curl inwards), so the jaw tells them apart.
    upper, lower = loop[signs > 0], loop[signs < 0]
    x, own = neutral[FACE, 0], drop[FACE]
    middle = (_along(x, neutral[upper, 0], drop[upper]) + _along(x, neutral[lower, 0], drop[lower])) / 2
    near = KDTree(neutral[loop]).query(neutral[FACE])[0] < 1.3
    corner = np.abs(x) > 0.995 * np.abs(neutral[loop, 0]).max()
    return loop, _on_face(np.where(near & ~corner, np.where(own < middle, -1, 1), 0))


def _along(x: np.ndarray, places: np.ndarray, values: np.ndarray) -> np.ndarray:
    order = np.argsort(places)
    return np.interp(x, places[order], values[order])


def _inner_loops(triangles: np.ndarray) -> list[np.ndarray]:
    """The holes of a surface as ordered loops of vertices; its outer border, the longest loop, is left out."""
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    unique, count = np.unique(edges, axis=0, return_counts=True)
    beside: dict[int, list[int]] = {}
    for a, b in unique[count == 1].tolist():
        beside.setdefault(a, []).append(b)
        beside.setdefault(b, []).append(a)
    loops, seen = [], set()
    for start in beside:
        if start in seen:
            continue
        loop, here = [], start
        while here is not None:
            loop.append(here)
            seen.add(here)
            here = next((n for n in beside[here] if n not in seen), None)
        loops.append(np.array(loop))
    return sorted(loops, key=len)[:-1]


def _pieces(triangles: np.ndarray, part: slice) -> list[np.ndarray]:
    """The connected pieces of a part, as vertex indices: each tooth is one."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    own = _within(triangles, part) - part.start
    size = part.stop - part.start
    graph = coo_matrix((np.ones(3 * len(own)), (own.ravel(), np.roll(own, 1, axis=1).ravel())), shape=(size, size))
    count, label = connected_components(graph, directed=False)
    return [np.nonzero(label == i)[0] + part.start for i in range(count)]


def _spread(model: FaceModel, smoothing: float = 0.02) -> np.ndarray:
    """How an offset at each landmark moves every vertex: a linear radial interpolation, zero at the back of the head and neck.

    Distances are taken on a face with open mouth and eyes: on a closed one, the two lips would pull at each other.
    """
    opened = model.neutral + np.tensordot(model.weights({"jawOpen": 0.4, "eyeWide": 0.5}), model.expressions, 1)
    anchors = opened[FACE.stop : SKIN.stop : 40]
    centres = np.concatenate([model.at_landmarks(opened), anchors])
    n = len(centres)
    system = np.zeros((n + 1, n + 1))
    system[:n, :n] = smoothing * np.eye(n) - cdist(centres, centres)
    system[:n, n] = system[n, :n] = 1
    inverse = np.linalg.inv(system)[:, :468]
    spread = -cdist(opened, centres) @ inverse[:n] + inverse[n]
    return spread.astype(np.float32)
