"""The texture of a mix: each face looked up in its own photograph, in the head's light, baked into the head's photograph."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float32

from longtake.corpus.lids import ease
from longtake.corpus.matte import blurred
from longtake.corpus.raster import Buffer
from longtake.corpus.rig import Rig
from longtake.corpus.source import Source


def bake(
    rig: Rig, sources: Sequence[Source], weights: Sequence[float], photo: np.ndarray, seat: np.ndarray
) -> Float32[np.ndarray, "s s 3"]:
    """The head's photograph with the mixed face in it."""
    size = photo.shape[0]
    drawn = np.concatenate([rig.drawn[: rig.face_count], rig.drawn[rig.face_count + rig.mouth_count :]])
    buffer = Buffer(size, size).draw(seat, drawn)
    head = sources[0]
    zones = buffer.gather(np.stack([head.alpha, rig.mouth, rig.rim], axis=1), drawn)
    on_mesh, on_eye = buffer.triangle >= 0, buffer.triangle >= rig.face_count
    face, mouth, rim = np.where(on_eye, 1, zones[..., 0]), zones[..., 1], zones[..., 2]
    core = (face > 0.6) & (mouth < 0.5) & on_mesh
    lab = cv2.cvtColor(photo, cv2.COLOR_RGB2LAB)
    skin = np.median(lab[core & (rim < 0.2)], axis=0)
    hair = _hair(lab, skin, rim)
    plain = core & (hair < 0.3)
    total = photo * weights[0]
    count = np.full((size, size, 1), weights[0], np.float32)
    faces = []
    for weight, other in zip(weights[1:], sources[1:], strict=True):
        places = buffer.gather(other.lookup, drawn) - np.float32(0.5)
        theirs, their_hair = _matched(_looked_up(other.picture, places), lab, plain, skin, rim)
        share = cv2.GaussianBlur((weight * (1 - their_hair)).astype(np.float32), (0, 0), size / 190)[..., None]
        total += theirs * share
        count += share
        faces.append(theirs)
    mixed = total / count
    cover = cv2.GaussianBlur((ease(face / 0.9) * (1 - hair) * on_mesh).astype(np.float32), (0, 0), size / 190)[
        ..., None
    ]
    picture = photo + cover * (mixed - photo)
    ring = on_mesh & (mouth > 0.03) & (mouth < 0.5)
    lips = faces[0]  # the donor's
    lips = np.clip(lips + blurred(picture - lips, ring, 0.03 * size), 0, 1)
    edge = cv2.GaussianBlur((mouth * on_mesh).astype(np.float32), (0, 0), size / 250)[..., None]
    return np.ascontiguousarray(picture + edge * (lips - picture), np.float32)


def _looked_up(picture: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The colours at places (x, y) of a picture."""
    # The second map is None when the first has both axes; OpenCV's stubs forget that.
    return cv2.remap(picture, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # pyright: ignore[reportCallIssue, reportArgumentType]


def _unlike(lab: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """0 where a colour is skin, 1 where it can't be."""
    return ease((np.linalg.norm((lab - skin) * (0.6, 1, 1), axis=-1) - 13) / 13).astype(np.float32)


def _hair(lab: np.ndarray, skin: np.ndarray, rim: np.ndarray) -> np.ndarray:
    """Where hair lies over the rim of the face: not of skin colour, or a strand darker than what is around it."""
    size = lab.shape[0]
    light = np.ascontiguousarray(lab[..., 0])
    strand = ease((cv2.GaussianBlur(light, (0, 0), size / 32) - cv2.GaussianBlur(light, (0, 0), size / 320) - 3.5) / 5)
    found = (np.maximum(_unlike(lab, skin), strand) * rim).astype(np.float32)
    reach = 2 * (size // 110) + 1
    return cv2.GaussianBlur(cv2.dilate(found, np.ones((reach, reach), np.uint8)), (0, 0), size / 250)


def _matched(
    theirs: np.ndarray, lab: np.ndarray, plain: np.ndarray, skin: np.ndarray, rim: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Another face in the head's light and tone, and where hair or shadow falls over its border."""
    size = lab.shape[0]
    other = cv2.cvtColor(theirs, cv2.COLOR_RGB2LAB)
    own = plain & (_unlike(other, np.median(other[plain], axis=0)) * rim < 0.3)
    spread = np.clip(lab[own].std(axis=0) / (other[own].std(axis=0) + 1e-3), 0.75, 1.3)
    other = (other - other[own].mean(axis=0)) * spread + lab[own].mean(axis=0)
    hair = _hair(other, skin, rim)
    even = own & (hair < 0.3)
    light = blurred(lab - other, even, 0.07 * size)  # slow changes of light follow the head, details stay
    other = other + 0.45 * light
    return np.clip(cv2.cvtColor(other.astype(np.float32), cv2.COLOR_LAB2RGB), 0, 1), hair
