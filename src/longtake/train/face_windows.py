"""Frames of a face, cut for the enhancer: the sharp ones, and beside them what is to be made sharp."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import UInt8
from pydantic import Field

from longtake.errors import CorpusError
from longtake.face.align import cut_square
from longtake.face.detect import Roi
from longtake.train.crops import in_light, light_table
from longtake.train.degrade import Degradation, Ranges, degrade, draw, touch
from longtake.train.face_clips import FaceClips, steady_squares, whole_square
from longtake.train.frames import FrameData

Frames = UInt8[np.ndarray, "f side side 3"]


class Cutting(FrameData):
    """How frames are taken from clips."""

    folder: Path = Path("data/faces")
    whole: float = Field(
        default=0.2, ge=0, le=1, description="share of the windows that are whole pictures, not squares"
    )
    own: float = Field(
        default=0.6, ge=0, le=1, description="share of the windows that show what the model made, where that is packed"
    )
    touched: float = Field(default=0.5, ge=0, le=1, description="share of those that are compressed and grainy as well")
    draws: Literal["clip", "frame"] = Field(
        default="clip",
        description="what is drawn once for a clip, or for each frame (published): degradation and mirror",
    )
    ranges: Ranges = Ranges()


@dataclass(frozen=True)
class _Treatment:
    """What is done to a frame."""

    how: Degradation
    mirror: bool


def cut_window(
    clips: FaceClips, frames: range, side: int, cutting: Cutting, rng: np.random.Generator
) -> tuple[Frames, Frames]:
    """Sharp frames and spoiled ones, both at `side`; where, in which light and how is drawn once unless `draws` says else."""
    squares = _squares(clips, frames, cutting, rng)
    table = light_table(rng)
    own = clips.own(frames[0]) is not None and rng.random() < cutting.own
    touched = not own or rng.random() < cutting.touched
    sharp, spoiled = [], []
    for place, (frame, square, treatment) in enumerate(zip(frames, squares, _treatments(cutting, rng), strict=False)):
        true = in_light(cut_square(clips.sharp(frame), square, side), table)
        if own:
            given = _own(clips, frame, square, side, treatment.how if touched else None, place)
            given = in_light(given, table)
        else:
            given = degrade(true, treatment.how, place)
        turn = slice(None, None, -1 if treatment.mirror else 1)
        sharp.append(true[:, turn])
        spoiled.append(given[:, turn])
    return np.stack(sharp), np.stack(spoiled)


def cut_sharp(clips: FaceClips, frame: int, side: int, cutting: Cutting, rng: np.random.Generator) -> Frames:
    """One sharp frame, a window of one."""
    square = _squares(clips, range(frame, frame + 1), cutting, rng)[0]
    picture = in_light(cut_square(clips.sharp(frame), square, side), light_table(rng))
    return picture[None, :, :: -1 if rng.random() < 0.5 else 1]


def draw_window(clips: list[range], count: int, rng: np.random.Generator) -> range:
    """Consecutive frames of one clip; clips that are too short have no turn."""
    fitting = [clip for clip in clips if len(clip) >= count]
    if not fitting:
        raise CorpusError(f"No clip has {count} frames.", do="set data.frames lower, or pack with --every 1")
    clip = fitting[int(rng.integers(len(fitting)))]
    first = int(rng.integers(clip.start, clip.stop - count + 1))
    return range(first, first + count)


def _treatments(cutting: Cutting, rng: np.random.Generator) -> Iterator[_Treatment]:
    def drawn() -> _Treatment:
        return _Treatment(draw(rng, cutting.ranges), bool(rng.random() < 0.5))

    once = drawn()
    while True:
        yield once
        once = drawn() if cutting.draws == "frame" else once


def _squares(clips: FaceClips, frames: range, cutting: Cutting, rng: np.random.Generator) -> list[Roi]:
    """Where each frame is cut: the aligned square a little off, as squares found in videos are, or the whole picture."""
    follow, whole = bool(rng.random() < 0.5), bool(rng.random() < cutting.whole)
    x, y = rng.normal(0, 0.02, 2).tolist()
    turn, size = float(rng.normal(0, 0.03)), float(np.exp(rng.normal(0, 0.05)))
    if whole:
        return [whole_square(clips.sharp(frames[0]).shape[0])] * len(frames)
    squares = steady_squares([clips.square(frame) for frame in frames], follow)
    return [
        replace(s, x=s.x + x * s.side, y=s.y + y * s.side, side=s.side * size, angle=s.angle + turn) for s in squares
    ]


def _own(
    clips: FaceClips, frame: int, square: Roi, side: int, how: Degradation | None, place: int
) -> UInt8[np.ndarray, "side side 3"]:
    """The model's picture of a frame, cut where the true one is; compressed first if told how."""
    own = clips.own(frame)
    assert own is not None
    picture = np.asarray(own) if how is None else touch(np.asarray(own), how, place)
    scale = picture.shape[0] / clips.sharp(frame).shape[0]
    return cut_square(picture, Roi(square.x * scale, square.y * scale, square.side * scale, square.angle), side)
