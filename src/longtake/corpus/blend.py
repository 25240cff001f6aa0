"""The puppet of a mix: geometry blended in the model's frame, under the texture that `bake` makes of the photographs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from longtake.corpus.bake import bake
from longtake.corpus.carry import make_carrier
from longtake.corpus.eyes import closed_skin, take_eye
from longtake.corpus.face_model import LOWER_TEETH, SKIN, UPPER_TEETH
from longtake.corpus.lids import ease
from longtake.corpus.matte import BLUE_STUDIO, blurred, cut_out, studio_blue
from longtake.corpus.puppet import Puppet, to_bytes
from longtake.corpus.raster import Buffer, vertex_normals
from longtake.corpus.rig import TEETH_COLOUR, Rig
from longtake.corpus.source import Source
from longtake.face.framing import at_centres, crop_square, square_affine

PREVIEW = 160
REST_MOUTH = 0.3
"""How much of the donor's own mouth shape stays at rest."""


class UnsuitablePortrait(Exception):
    """This head can't be framed or cut out: draw another mix."""


@dataclass(frozen=True)
class Looks:
    """What a clip chooses besides the people: framing, teeth, light."""

    zoom: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)  # of the crop, in its half sides
    teeth_seed: int = 0
    light: dict | None = None


def make_puppet(
    rig: Rig,
    sources: Sequence[Source],
    weights: Sequence[float],
    background: Float32[np.ndarray, "s s 3"],
    looks: Looks,
) -> Puppet:
    """The puppet of head, donor and third, at the size of its background."""
    head = sources[0]
    size = background.shape[0]
    mesh, rest, identity = _geometry(rig, sources, weights, looks.teeth_seed)
    square = crop_square(rig.model.at_landmarks(mesh))
    half = square[2] * looks.zoom
    square = (square[0] + looks.shift[0] * half, square[1] + looks.shift[1] * half, half)
    _check_photo(head.picture, square)
    affine = square_affine(square, size)
    scale = float(affine[0, 0])

    def framed(points: np.ndarray) -> np.ndarray:
        moved = points.astype(np.float32) * np.float32(scale)
        moved[:, :2] += affine[:, 2].astype(np.float32)
        return moved

    flags = cv2.INTER_CUBIC
    photo = cv2.warpAffine(head.picture, at_centres(affine), (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    seat, landmarks = framed(head.points), framed(head.landmarks)
    picture = bake(rig, sources, weights, np.clip(photo, 0, 1), seat)
    colours, opacity = cut_out(picture, float(landmarks[152, 1]))
    if looks.light is not None:
        colours *= _shading(rig, seat, size, looks.light)[..., None]
        colours = np.clip(colours, 0, 1)
    eyes = [eye for side in "LR" if (eye := take_eye(colours, landmarks, side)) is not None]
    skin, mask = closed_skin(colours, landmarks)
    turn = (head.fit.scale * scale * head.fit.rotation).astype(np.float32)
    pivot = framed((head.fit.scale * head.fit.rotation @ (0.0, -9.0, -2.0) + head.fit.shift)[None])[0]
    return Puppet(
        rig=rig,
        size=size,
        layer=np.ascontiguousarray(np.dstack([colours, opacity]), np.float32),
        background=background,
        rest=rest,
        base=framed(mesh),
        basis=rig.model.expressions @ turn.T,
        lookup=framed(head.lookup),
        alpha=head.alpha,
        colours=_mouth_colours(rig, colours, landmarks, looks.teeth_seed),
        pivot=pivot,
        turning=ease((identity[:, 1] + 15.0) / 7.0).astype(np.float32),
        carrier=make_carrier(rig, seat, landmarks[:468, :2], size),
        eyes=eyes,
        lid_skin=skin,
        lid_mask=mask,
        face_width=head.face_width * scale,
        unit=head.fit.scale * scale,
    )


def preview(
    rig: Rig, sources: Sequence[Source], weights: Sequence[float]
) -> tuple[UInt8[np.ndarray, "s s 3"], Float32[np.ndarray, "468 2"]]:
    """The mixed texture on the head's own shape, small and quick, with its landmarks: enough to guess whom it resembles."""
    head = sources[0]
    affine = square_affine(crop_square(head.landmarks), PREVIEW)
    size = (PREVIEW, PREVIEW)
    photo = cv2.warpAffine(head.picture, at_centres(affine), size, borderMode=cv2.BORDER_REPLICATE)
    seat = (head.points * affine[0, 0]).astype(np.float32)
    seat[:, :2] += affine[:, 2].astype(np.float32)
    picture = bake(rig, sources, weights, photo, seat)
    return to_bytes(picture, PREVIEW), (head.landmarks[:468, :2] * affine[0, 0] + affine[:, 2]).astype(np.float32)


def _check_photo(picture: Float32[np.ndarray, "H W 3"], square: tuple[float, float, float]) -> None:
    """Refuse a crop that reaches past its photograph where that would show: repeated borders look like combs."""
    (height, width), (x, y, half) = picture.shape[:2], square
    slack = 0.005 * half
    if y + half > height + slack or x - half < -slack or x + half > width + slack:
        raise UnsuitablePortrait("the crop reaches past the photograph")
    if y - half < -slack:
        top = picture[:3, int(max(0, x - 0.6 * half)) : int(x + 0.6 * half)].reshape(-1, 3)
        if np.percentile(top[:, 2] - top[:, :2].max(axis=1), 10) < BLUE_STUDIO:
            raise UnsuitablePortrait("hair reaches past the photograph")
    if studio_blue(picture) < BLUE_STUDIO:
        raise UnsuitablePortrait("the studio is not blue")


def _geometry(
    rig: Rig, sources: Sequence[Source], weights: Sequence[float], teeth_seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mesh at rest in the head's photograph, the expression at rest, and the neutral shape in the model's frame."""
    head, donor, _ = sources
    parts = list(zip(weights, sources, strict=True))
    identity = sum((w * s.fit.identity for w, s in parts), np.zeros_like(head.fit.identity))
    offsets = sum((w * s.offsets * (head.fit.scale / s.fit.scale) for w, s in parts), np.zeros_like(head.offsets))
    zone = rig.mouth[:, None]
    offsets = offsets * (1 - zone) + donor.offsets * (head.fit.scale / donor.fit.scale) * zone
    rest = np.where(rig.mouth_shapes, REST_MOUTH * donor.fit.expression, head.fit.expression).astype(np.float32)
    neutral = rig.model.shape(identity)
    shape = neutral + np.tensordot(rest, rig.model.expressions, 1)
    _set_teeth(rig, shape, teeth_seed)
    mesh = head.fit.place(shape)
    mesh[:, :2] += offsets
    mesh = head.points + rig.own[:, None] * (mesh - head.points)
    rig.lips.seal(mesh, 1.0)  # few people are photographed with lips that quite meet
    return mesh, rest, neutral


def _set_teeth(rig: Rig, shape: np.ndarray, seed: int) -> None:
    """Bring the model's teeth to where people show them, each a little apart from and unlike its neighbour."""
    shape[UPPER_TEETH] += np.array([0, -0.28, 0.25], np.float32)
    shape[LOWER_TEETH] += np.array([0, 0.15, 0.20], np.float32)
    rng = np.random.default_rng([seed, 1])
    gap = rng.uniform(0.0, 0.008)
    for tooth in rig.teeth:
        centre = shape[tooth].mean(axis=0)
        narrow = np.array([1 - gap - rng.uniform(0, 0.006), 1 + rng.normal(0, 0.02), 1], np.float32)
        lift = np.array([0, rng.normal(0, 0.012), 0], np.float32)
        shape[tooth] = centre + (shape[tooth] - centre) * narrow + lift


def _mouth_colours(rig: Rig, picture: np.ndarray, landmarks: np.ndarray, seed: int) -> Float32[np.ndarray, "v 3"]:
    """The mouth's inside in the light of the face, each tooth in its own shade."""
    rng = np.random.default_rng([seed, 2])
    yellow, grey = rng.uniform(0, 0.10), rng.uniform(0.88, 1.04)
    base = np.array(TEETH_COLOUR) * grey * (1.0, 1 - 0.3 * yellow, 1 - 1.2 * yellow)
    teeth = base * (1 + rng.normal(0, 0.025, (len(rig.teeth), 1)))
    outline = cv2.convexHull(landmarks[:468, :2].astype(np.int32))
    mask = cv2.fillConvexPoly(np.zeros(picture.shape[:2], np.uint8), outline, 1) > 0
    grey_levels = picture.mean(axis=2)
    bright = mask & (grey_levels >= np.percentile(grey_levels[mask], 75)) & (grey_levels < 0.97)
    tint = picture[bright].mean(axis=0)
    tint = 0.65 + 0.35 * tint / tint.max()
    return (rig.colours(teeth) * tint * 1.22 * np.percentile(grey_levels[mask], 88)).astype(np.float32)


def _shading(rig: Rig, seat: np.ndarray, size: int, light: dict) -> Float32[np.ndarray, "s s"]:
    """Light from one side, as a factor: by the normals of face and neck, carried on over hair and clothes."""
    buffer = Buffer(size, size).draw(seat, rig.skin)
    normals = vertex_normals(seat, rig.skin)
    if normals[: SKIN.stop, 2][seat[: SKIN.stop, 2] < np.median(seat[: SKIN.stop, 2])].mean() > 0:
        normals = -normals  # towards the viewer is negative
    toward = normals[:, :2] @ np.array(light["direction"], np.float32)
    field = buffer.gather(toward[:, None], rig.skin)[..., 0]
    on_mesh = buffer.triangle >= 0
    field = blurred(field, on_mesh, 0.025 * size) * ease(
        2 * cv2.GaussianBlur(on_mesh.astype(np.float32), (0, 0), 0.05 * size)
    )
    return (1 + light["strength"] * (field - field[on_mesh].mean())).astype(np.float32)
