"""Every face of a video over time: a number for each as long as it is seen, its square and outline without jitter."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from longtake.face.align import Outline, aligned_square, mean_square, outline
from longtake.face.detect import (
    FIRST_PASSES,
    OVERLAP,
    TRACK_PASSES,
    Roi,
    find_faces,
    landmarks_near,
    overlap_of_landmarks,
    roi_of_face,
    roi_of_landmarks,
)
from longtake.media.cuts import Cuts

Picture = UInt8[np.ndarray, "H W 3"]


@dataclass(frozen=True)
class Placed:
    """Where a face is in one frame."""

    square: Roi
    outline: Outline  # in pixels of the square
    strength: float = 1.0  # below 1 while it comes or goes


@dataclass(frozen=True, eq=False)
class Moment:
    """A frame, which scene it belongs to, and its faces by number."""

    picture: Picture
    scene: int
    faces: dict[int, Placed]


def follow(pictures: Iterable[Picture], every: int = 12, limit: int = 8) -> Iterator[Moment]:
    """The faces of each frame as they were found, at most `limit`.

    A face is looked for near where it was; new ones are searched for in one of `every` frames and where a scene begins. A cut
    forgets all faces: who is seen afterwards has a new number.
    """
    cuts, scene, known, count = Cuts(), 0, {}, 0
    for place, picture in enumerate(pictures):
        cut = cuts.tell(picture)
        scene += cut
        found = {} if cut else _again(picture, known)
        if cut or place % every == 0:
            for landmarks in _new(picture, found, limit):
                found[count] = landmarks
                count += 1
        known = {number: roi_of_landmarks(landmarks) for number, landmarks in found.items()}
        squares = {number: aligned_square(landmarks) for number, landmarks in found.items()}
        yield Moment(picture, scene, {n: Placed(squares[n], outline(found[n], squares[n])) for n in found})


def steady(moments: Iterable[Moment], reach: int = 4) -> Iterator[Moment]:
    """The same with squares and outlines averaged over `reach` frames on both sides, so that nothing trembles or lags.

    A face that comes or goes within a scene does so over as many frames. Only these frames wait.
    """
    near: deque[Moment] = deque(maxlen=2 * reach + 1)
    waiting = 0  # frames at the end of `near` that have not come out
    for moment in moments:
        near.append(moment)
        waiting += 1
        if waiting > reach:
            yield _averaged(list(near), len(near) - waiting, reach)
            waiting -= 1
    while waiting:
        yield _averaged(list(near), len(near) - waiting, reach)
        waiting -= 1


def _averaged(near: list[Moment], place: int, reach: int) -> Moment:
    here = near[place]
    return Moment(here.picture, here.scene, {number: _placed(near, place, reach, number) for number in here.faces})


def _placed(near: list[Moment], place: int, reach: int, number: int) -> Placed:
    before, starts = _run(near[place::-1][: reach + 1], number)
    after, ends = _run(near[place:][: reach + 1], number)
    distances = [*range(-before, 0), *range(after + 1)]
    weights = [float(np.exp(-2 * (d / (reach + 1)) ** 2)) for d in distances]
    rows = [near[place + d].faces[number] for d in distances]
    strength = min((before + 1) / (reach + 1) if starts else 1.0, (after + 1) / (reach + 1) if ends else 1.0)
    mean = np.average([row.outline for row in rows], axis=0, weights=weights)
    return Placed(mean_square([row.square for row in rows], weights), mean, strength)


def _run(moments: list[Moment], number: int) -> tuple[int, bool]:
    """For how many frames on the face is seen, and whether it then comes or goes within the scene."""
    for count, moment in enumerate(moments[1:]):
        if number not in moment.faces:
            return count, moment.scene == moments[0].scene
    return len(moments) - 1, False


def _again(picture: Picture, known: dict[int, Roi]) -> dict[int, np.ndarray]:
    """The landmarks of the faces that are still there; of two that became one the older stays."""
    found: dict[int, np.ndarray] = {}
    for number, roi in known.items():
        landmarks = landmarks_near(picture, roi, TRACK_PASSES)
        if landmarks is not None and _apart(landmarks, found):
            found[number] = landmarks
    return found


def _new(picture: Picture, found: dict[int, np.ndarray], limit: int) -> Iterator[np.ndarray]:
    """The landmarks of faces that are not among those found, largest first."""
    for face in find_faces(picture):
        if len(found) >= limit:
            return
        landmarks = landmarks_near(picture, roi_of_face(face), FIRST_PASSES)
        if landmarks is not None and _apart(landmarks, found):
            yield landmarks


def _apart(landmarks: np.ndarray, others: dict[int, np.ndarray]) -> bool:
    return all(overlap_of_landmarks(landmarks, other) < OVERLAP for other in others.values())
