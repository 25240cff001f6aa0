"""The values that travel between the steps: small, frozen, with shapes and units.

Media side: RGB uint8, frames first. Nothing here knows files' formats, networks or devices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, UInt8

SAMPLE_RATE_HZ = 16_000

Landmarks = Float[np.ndarray, "468 2or3"]
Square = tuple[float, float, float]  # centre x, centre y, half a side; pixels of the source picture


@dataclass(frozen=True, eq=False)
class Regions:
    """Where lips, face and the rest are, at each latent level from fine to coarse; the face box at full size."""

    lip: tuple[Float[np.ndarray, "h w"], ...]  # 0..1
    face: tuple[Float[np.ndarray, "h w"], ...]
    pose: tuple[Float[np.ndarray, "h w"], ...]
    face_box: Bool[np.ndarray, "H W"]  # this and `eyes`: of the square at the size where it was measured
    eyes: Bool[np.ndarray, "H W"] | None = None  # for models that are told when to blink


@dataclass(frozen=True, eq=False)
class Portrait:
    """The one image, cropped and measured: all that the networks are told about the person."""

    picture: UInt8[np.ndarray, "H W 3"]
    landmarks: Float[np.ndarray, "468 3"]  # pixels of `picture`
    square: Square  # where `picture` lies in the source
    identity: Float[np.ndarray, " d"]
    regions: Regions
    warnings: tuple[str, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict)  # how good it is, by face/quality.py


@runtime_checkable
class Sound(Protocol):
    """Whatever can give a window of mono samples at 16 kHz; silence outside the sound."""

    def window(self, start: int, stop: int) -> Float[np.ndarray, " samples"]: ...


@dataclass(frozen=True, eq=False)
class Speech:
    """The sound, never in memory as a whole: its length is known, its samples are read by windows."""

    path: Path
    seconds: float
    sound: Sound = field(repr=False)
    warnings: tuple[str, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict)  # how good it is, by media/hearing.py

    def read(self, start_s: float, stop_s: float) -> Float[np.ndarray, " samples"]:
        """Samples at 16 kHz, mono, about -1..1, from `start_s` up to `stop_s`; zeros before 0 and after the end.

        Reading forwards is cheap. Reading backwards is right too, but decodes again from the beginning.
        """
        return self.sound.window(round(start_s * SAMPLE_RATE_HZ), round(stop_s * SAMPLE_RATE_HZ))

    def frames(self, fps: int) -> int:
        """How many frames the video of this sound has."""
        return frame_count(self.seconds, fps)


@dataclass(frozen=True)
class Cue:
    """One prompt and its time. Without an end it holds until the next one without an end begins."""

    start_s: float
    text: str = ""  # empty: no words
    stop_s: float | None = None
    strength: float = 1.0  # 0..1
    ease_s: float = 0.5  # over which it comes, and goes if it has an end
    negative: str | None = None  # what to lead away from; None: as the whole track says
    pose: float = 1.0  # how much speech moves each region, times the setting
    face: float = 1.0
    lip: float = 1.0


@dataclass(frozen=True)
class Prompts:
    """The prompt track: cues in the order of their beginnings; empty = no words."""

    cues: tuple[Cue, ...] = ()
    negative: str = ""

    @property
    def texts(self) -> list[str]:
        """Every text that is told, once, in order; those to lead away from last."""
        negative = [self.negative, *(cue.negative or "" for cue in self.cues)]
        return [text for text in dict.fromkeys([*(cue.text for cue in self.cues), *negative]) if text]


@dataclass(frozen=True, eq=False)
class Waiting:
    """Frames that the enhancer has seen and not given out: what a run that is taken up again needs of them."""

    recent: UInt8[np.ndarray, "n H W 3"]  # as animated: as many as a window and a segment have, or all there were
    restored: UInt8[np.ndarray, "k s s 3"]  # faces of those that wait, before the fresh; the next window fades the last
    fresh: int  # how many of `recent`, at its end, no window has seen


@dataclass(frozen=True, eq=False)
class Tail:
    """All that the next segment needs from the ones before it; small enough for the disk."""

    pictures: Float[
        np.ndarray, "n 3 H W"
    ]  # -1..1 as decoded: rounded to 8 bits they would not make the same next segment
    next_segment: int
    next_frame: int
    random: UInt8[np.ndarray, " state"] | None = None  # of the running generator, where one is used
    waiting: Waiting | None = None  # where faces are restored: frames made that are not in the video yet


@dataclass(frozen=True, eq=False)
class Segment:
    """Frames denoised together, decoded; `first_frame` is the place of the first one in the video."""

    index: int
    first_frame: int
    frames: UInt8[np.ndarray, "f H W 3"]
    notes: Mapping[str, Any] = field(default_factory=dict)  # what was measured and done, for the journal


@dataclass(frozen=True, eq=False)
class Chunk:
    """Decoded frames on their way out, in order and without gaps."""

    frames: UInt8[np.ndarray, "f H W 3"]
    first_frame: int
    fps: int
    notes: Mapping[str, Any] = field(default_factory=dict)


def frame_count(seconds: float, fps: int) -> int:
    """round(seconds * fps): the sound and the picture end within half a frame of each other."""
    return round(seconds * fps)
