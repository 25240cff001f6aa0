"""A model made to speak: inputs held in memory in, frames out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float, UInt8

from longtake.clips import SAMPLE_RATE_HZ, Chunk, Speech
from longtake.media.windows import zeros_outside
from longtake.presets import Preset
from longtake.settings import Settings

Cues = Sequence[tuple[float, str]]
"""Prompts and the seconds from which they hold."""


class Player(Protocol):
    """What the gates ask of a model; `Animator` is one."""

    preset: Preset
    settings: Settings

    def stream(self, portrait: Any, *, prompts: Any = None) -> Iterator[Chunk]:
        """Chunks of the video of a prepared portrait and speech, under prompts."""
        ...


@dataclass(frozen=True, eq=False)
class Samples:
    """Sound in memory, read by windows; zeros outside."""

    values: Float[np.ndarray, " samples"]

    def window(self, start: int, stop: int) -> Float[np.ndarray, " samples"]:
        """Samples from `start` up to `stop`."""
        return zeros_outside(start, stop, len(self.values), lambda first, last: self.values[first:last])


def speech_of(samples: Float[np.ndarray, " samples"], name: str = "speech") -> Speech:
    """The speech that samples at 16 kHz are."""
    return Speech(Path(name), len(samples) / SAMPLE_RATE_HZ, Samples(np.asarray(samples, np.float32)))


def play(
    player: Player, portrait: Any, samples: Float[np.ndarray, " samples"], cues: Cues = ()
) -> UInt8[np.ndarray, "f H W 3"]:
    """All frames of a short video: a `Portrait` speaks samples at 16 kHz, under prompts."""
    return np.concatenate(list(play_chunks(player, portrait, samples, cues)))


def play_chunks(
    player: Player, portrait: Any, samples: Float[np.ndarray, " samples"], cues: Cues = ()
) -> Iterator[UInt8[np.ndarray, "f H W 3"]]:
    """The frames of a video of any length, chunk by chunk, from a `Portrait` and samples at 16 kHz."""
    from longtake.inputs import Prepared

    for chunk in player.stream(Prepared(portrait, speech_of(samples)), prompts=cues or None):
        yield chunk.frames
