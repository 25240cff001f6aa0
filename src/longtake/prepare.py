"""Step 1: files become the values that the networks are told about: Portrait and Speech (prompts.py: Prompts)."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from longtake.clips import Portrait, Regions, Speech
from longtake.errors import NoFace, PortraitTooSmall, SeveralFaces
from longtake.presets import Preset, mini
from longtake.settings import PortraitSettings


def prepare_portrait(
    source: str | Path | BytesIO,
    settings: PortraitSettings | None = None,
    model: Preset | None = None,
) -> Portrait:
    """The portrait of a picture file: its square round the chosen head, landmarks, regions and identity."""
    from longtake.media.images import picture_name, read_image

    return portrait_of(read_image(source), settings, model, picture_name(source))


def portrait_of(
    picture: UInt8[np.ndarray, "H W 3"],
    settings: PortraitSettings | None = None,
    model: Preset | None = None,
    name: str = "the picture",
) -> Portrait:
    """The portrait in an RGB picture that is already in memory, as `model` (by default mini) wants it."""
    from longtake.face.detect import find_landmarks
    from longtake.face.framing import to_crop
    from longtake.face.identity import identity_of
    from longtake.face.quality import measure_portrait, portrait_doubts

    settings, model = settings or PortraitSettings(), model or mini()
    identify = model.identify()
    chosen, warnings = choose_face(find_landmarks(picture), settings, picture.shape[:2], name)
    crop, affine, square, regions = _framed(picture, chosen, settings, model.sides(settings.size_px))
    landmarks = to_crop(chosen, affine).astype(np.float32)
    measures = measure_portrait(crop, landmarks, square, picture.shape[:2])
    return Portrait(
        picture=crop,
        landmarks=landmarks,
        square=square,
        identity=identify(picture, chosen) if identify else identity_of(crop, landmarks),
        regions=regions,
        warnings=(*warnings, *portrait_doubts(measures)),
        measures=measures,
    )


def _framed(
    picture: UInt8[np.ndarray, "H W 3"], chosen: np.ndarray, settings: PortraitSettings, levels: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, tuple[float, float, float], Regions]:
    """The crop, the map to its pixels, the square and the regions.

    Of a whole picture the regions are made at its own size, as published: rounding there is part of the result.
    """
    from longtake.face.framing import crop_picture, crop_square, resize_square, to_crop, whole_square
    from longtake.face.regions import regions_of

    size = settings.size_px
    if settings.framing == "whole":
        square = whole_square(picture.shape[0], picture.shape[1], chosen)
        crop, affine = resize_square(picture, square, size)
        side = int(2 * square[2])
        inside = np.array(chosen[:, :2]) - (square[0] - square[2], square[1] - square[2])
        return crop, affine, square, regions_of(inside, side, side, levels)
    x, y, half = crop_square(chosen)
    square = (x, y, half / settings.zoom)
    crop, affine = crop_picture(picture, square, size)
    return crop, affine, square, regions_of(to_crop(chosen, affine).astype(np.float32), size, size, levels)


def choose_face(
    faces: Sequence[Float[np.ndarray, "468 3"]], settings: PortraitSettings, shape: tuple[int, ...], name: str
) -> tuple[Float[np.ndarray, "468 3"], tuple[str, ...]]:
    """The landmarks of the wanted face (the largest, or the N-th from the left), and what to say about the choice."""
    height, width = shape
    smallest = settings.min_face_px
    if not faces:
        if min(height, width) < 2 * smallest:
            raise PortraitTooSmall(
                f"{name} is too small to find a face in: {width} x {height} pixels.",
                expected=f"a face at least {smallest} pixels high",
            )
        raise NoFace(
            f"No face was found in {name} ({width} x {height} pixels).",
            expected="one person, facing the camera, upright, eyes and mouth in view",
            do="try another photograph, turn it upright, or cut it round the head",
        )
    order = sorted(range(len(faces)), key=lambda i: float(faces[i][:, 0].mean()))
    if settings.face is not None and settings.face > len(faces):
        kind = SeveralFaces if len(faces) > 1 else NoFace
        raise kind(
            f"There is no face {settings.face} in {name}: {_count(len(faces))} found.",
            expected=f"a number from 1 to {len(faces)}, counted from the left",
            do="choose another with --face, or leave it out for the largest",
        )
    largest = max(range(len(faces)), key=lambda i: float(np.prod(np.ptp(faces[i][:, :2], axis=0))))
    index = largest if settings.face is None else order[settings.face - 1]
    tall = float(np.ptp(faces[index][:, 1]))
    if tall < smallest:
        raise PortraitTooSmall(
            f"The face in {name} is only {tall:.0f} pixels high.",
            expected=f"at least {smallest} pixels, better 150 or more",
            do="use a larger photograph, or one taken closer",
        )
    said = ()
    if len(faces) > 1 and settings.face is None:
        place = order.index(index) + 1
        said = (
            f"{_count(len(faces))} found; the largest is used, number {place} from the left. Choose with --face N.",
        )
    return faces[index], said


def prepare_speech(source: str | Path, separator: Path | None = None) -> Speech:
    """The speech of a sound or video file, to be read by windows; of music too, only the voice, if a separator is given."""
    from longtake.media.sound import open_speech

    speech = open_speech(source, separated=separator is not None)
    if separator is None:
        return speech
    from longtake.media.separation import separate

    return separate(speech, separator)


def _count(faces: int) -> str:
    return "1 face was" if faces == 1 else f"{faces} faces were"
