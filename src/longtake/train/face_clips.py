"""Clips of sharp faces for training the enhancer: packed ones, with what the model makes of them, or folders of pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from jaxtyping import Float16, UInt8

from longtake.errors import CorpusError
from longtake.face.align import aligned_square, mean_square
from longtake.face.detect import Roi
from longtake.train.frames import FrameStore

Picture = UInt8[np.ndarray, "side side 3"]
HELD_SHARE = 0.02
"""Of folders, the last by name are held out."""


class FaceClips(Protocol):
    """What a stage of the enhancer's training reads; a frame is a number, a clip a range of them."""

    train: list[range]
    heldout: list[range]

    def sharp(self, frame: int) -> Picture:
        """The true picture."""
        ...

    def square(self, frame: int) -> Roi:
        """Where its face lies, in its own pixels."""
        ...

    def own(self, frame: int) -> Picture | None:
        """What the animation's decoder makes of it, at its own size, where that was made ahead of time."""
        ...

    def latents(self, frame: int) -> Float16[np.ndarray, "c h w"] | None:
        """The latents that `own` was decoded from."""
        ...


def open_clips(folder: Path) -> FaceClips:
    """The clips in a folder, of either kind."""
    return PackedClips(folder) if (folder / "index.json").exists() else PictureFolders(folder)


class PackedClips:
    """Frames packed by `longtake.train.pack frames --every 1`, with `own` pictures if `pack own` made them."""

    def __init__(self, folder: Path):
        self.store = FrameStore(folder)
        index = json.loads((folder / "index.json").read_text())
        ends = [*index["firsts"][1:], index["frames"]]
        clips = [range(first, end) for first, end in zip(index["firsts"], ends, strict=True)]
        held = set(self.store.heldout.tolist())
        self.heldout = [clip for clip in clips if clip[0] in held]
        self.train = [clip for clip in clips if clip[0] not in held]
        if not self.train:
            raise CorpusError(
                f"All {len(clips)} clips in {folder} are held out.", do="pack more clips: the last six are"
            )
        self._own = self._latents = None
        if "own" in index:
            side, (channels, places) = index["own"]["side"], index["own"]["latents"]
            count = index["frames"]
            self._own = np.memmap(folder / "own.uint8", np.uint8, "r", shape=(count, side, side, 3))
            self._latents = np.memmap(
                folder / "latents.float16", np.float16, "r", shape=(count, channels, places, places)
            )

    def sharp(self, frame: int) -> Picture:
        return self.store.frames[frame]

    def square(self, frame: int) -> Roi:
        return aligned_square(np.asarray(self.store.landmarks[frame], np.float64))

    def own(self, frame: int) -> Picture | None:
        return None if self._own is None else self._own[frame]

    def latents(self, frame: int) -> Float16[np.ndarray, "c h w"] | None:
        return None if self._latents is None else self._latents[frame]


class PictureFolders:
    """FOLDER/CLIP/NUMBER.png of aligned faces, as VFHQ is laid out; read when asked for, in the order of their names."""

    def __init__(self, folder: Path):
        places = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
        self.paths: list[Path] = []
        clips = []
        for place in places:
            found = sorted(path for path in place.iterdir() if path.suffix.lower() in (".png", ".jpg"))
            clips += [range(len(self.paths), len(self.paths) + len(found))] if found else []
            self.paths += found
        if not clips:
            raise CorpusError(
                f"No faces in {folder}.",
                expected="index.json of packed frames, or a folder of pictures for each clip (VFHQ)",
                do=f"python -m longtake.train.pack frames CORPUS {folder} --every 1",
            )
        held = max(1, round(HELD_SHARE * len(clips)))
        self.train, self.heldout = clips[:-held] or clips, clips[-held:]

    def sharp(self, frame: int) -> Picture:
        import cv2

        picture = cv2.imread(str(self.paths[frame]))
        if picture is None:
            raise CorpusError(f"The picture {self.paths[frame]} can't be read.", do="remove it, or its clip")
        return np.ascontiguousarray(picture[..., ::-1])

    def square(self, frame: int) -> Roi:
        side = self.sharp(frame).shape[0]
        return Roi(side / 2, side / 2, float(side), 0.0)

    def own(self, frame: int) -> None:
        return None

    def latents(self, frame: int) -> None:
        return None


def whole_square(side: int) -> Roi:
    """The square that is the whole picture."""
    return Roi(side / 2, side / 2, float(side), 0.0)


def steady_squares(squares: Sequence[Roi], follow: bool, reach: int = 4) -> list[Roi]:
    """A square for each frame that does not tremble: averaged over neighbours if it follows the face, else one for all."""
    if not follow:
        return [mean_square(squares, [1.0] * len(squares))] * len(squares)
    near = [squares[max(0, k - reach) : k + reach + 1] for k in range(len(squares))]
    return [mean_square(rows, [1.0] * len(rows)) for rows in near]
