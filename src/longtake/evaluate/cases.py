"""The held-out clips that the gates run on: true frames, speech, exact labels."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from longtake.errors import CorpusError
from longtake.evaluate.curves import Phone

FIXTURES = Path("tests/fixtures/gates")
"""Where the clips lie in a clone: NAME.mp4 (video), NAME.flac (speech, 16 kHz), NAME.npz (labels)."""


@dataclass(frozen=True)
class Case:
    """One clip: a person who does not exist says something; the first frame is the portrait."""

    name: str
    folder: Path
    fps: int = 25

    @property
    def speech(self) -> Path:
        """The sound file."""
        return self.folder / f"{self.name}.flac"

    @cached_property
    def frames(self) -> UInt8[np.ndarray, "f H W 3"]:
        """All true frames, RGB."""
        from longtake.media.video import read_frames

        return np.stack(list(read_frames(self.folder / f"{self.name}.mp4")))

    @cached_property
    def labels(self) -> dict[str, np.ndarray]:
        """The puppet's own numbers: mouth_open, pose, blink, each by frame."""
        with np.load(self.folder / f"{self.name}.npz") as stored:
            return {name: stored[name] for name in stored.files}

    @property
    def mouth_open(self) -> Float[np.ndarray, " f"]:
        """The exact mouth opening, in face heights."""
        return self.labels["mouth_open"].astype(np.float64)

    @property
    def blink(self) -> Float[np.ndarray, " f"]:
        """How far the lids are closed, 0 to 1."""
        return self.labels["blink"].astype(np.float64)

    @property
    def phones(self) -> list[Phone]:
        """The phones with their exact times in seconds."""
        return [(str(s), float(a), float(b)) for s, a, b in json.loads(str(self.labels["phonemes"]))]


def read_cases(folder: Path, count: int | None = None) -> list[Case]:
    """The clips of a folder by name, all of them or the first `count`."""
    names = sorted(path.stem for path in folder.glob("*.mp4"))
    if not names:
        raise CorpusError(
            f"There are no clips in '{folder}'.",
            expected="NAME.mp4, NAME.flac and NAME.npz for each clip",
            do="run from the root of a clone, or give --fixtures FOLDER",
        )
    return [Case(name, folder) for name in names[:count]]


def read_speech(path: Path) -> Float[np.ndarray, " samples"]:
    """The whole sound of a short file: mono, 16 kHz."""
    from longtake.media.sound import read_sound

    return read_sound(path)
