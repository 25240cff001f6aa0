"""The video file that comes out, written while it is made.

Frames go into a growing file beside the wanted one, a piece for each call (`fragments.py`), which plays even if the process
is killed. When the last frame is in, its pictures are copied into an ordinary file, index first, with the sound encoded in
one go, and that is renamed in one step.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sized
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

import numpy as np
from jaxtyping import UInt8

from longtake.clips import Speech
from longtake.errors import OutputError
from longtake.media.fragments import Pieces
from longtake.media.provenance import as_comment
from longtake.media.whole import write_whole
from longtake.settings import VideoSettings

FAST_START = {"movflags": "faststart"}


def check_output(out: str | Path, overwrite: bool = False, endings: tuple[str, ...] = (".mp4",)) -> Path:
    """The path, once it is sure that a video can be written there; cheap, so call it before the long work."""
    out = check_place(out, endings)
    if out.exists() and not overwrite:
        raise OutputError(f"'{out}' exists already.", do="add --overwrite, or choose another name")
    return out


def check_place(out: str | Path, endings: tuple[str, ...] = (".mp4",)) -> Path:
    """The path, once it is sure that it is one for a video, in a folder that can be written to."""
    out = Path(out)
    if out.suffix.lower() not in endings:
        expected = "a name that ends in " + ", ".join(endings)
        raise OutputError(f"'{out}' is no name for a video.", expected=expected, do=f"-o {out.stem or 'talk'}.mp4")
    check_folder(out)
    existed = part_path(out).exists()
    try:
        with open(part_path(out), "ab"):
            pass
        if not existed:
            part_path(out).unlink()
    except OSError as error:
        refuse(out, error)
    return out


def check_folder(out: Path) -> None:
    """Nothing, or an OutputError if there is no folder for the file or a folder in its place."""
    if not out.parent.is_dir():
        raise OutputError(f"There is no folder '{out.parent}'.", do=f"mkdir -p '{out.parent}'")
    if out.is_dir():
        raise OutputError(f"'{out}' is a folder.", do="give the name of a file")


def part_path(out: Path) -> Path:
    """Where the video grows until it is whole, if no journal gives it a place."""
    return out.with_name(f"{out.stem}.part{out.suffix.lower()}")


class VideoWriter:
    """A video under way. As a context it finishes on success; on an error it keeps what was made, playable, in `part`.

    `part` with `frames` and `size` takes up a file that was begun before: it is cut to that size and grows from there. With
    `frames` alone a new one begins at that place of the video.
    """

    def __init__(
        self,
        out: str | Path,
        speech: Speech | None = None,
        settings: VideoSettings | None = None,
        made_by: dict[str, Any] | None = None,
        overwrite: bool = False,
        part: Path | None = None,
        frames: int = 0,
        size: int = 0,
    ) -> None:
        self.out = check_output(out, overwrite)
        self.part = part or part_path(self.out)
        self.speech = speech
        self.settings = settings or VideoSettings()
        self.comment = as_comment(made_by or {})
        self.frames, self.size = frames, size
        self._pieces = Pieces(self.settings, speech, self.comment)
        self._begun = size > 0

    def write(self, frames: Iterable[UInt8[np.ndarray, "H W 3"]], count: int | None = None) -> bytes:
        """Appends the frames as one piece, with the sound up to the end of them; it is on the disk afterwards.

        Frames that are made while they are written need a `count`.
        """
        count = len(frames) if isinstance(frames, Sized) else count
        assert count, "how many frames?"
        try:
            piece = self._pieces.encode(frames, count, self.frames, number=self.frames if self.size else 0)
            with open(self.part, "r+b" if self._begun else "wb") as file:
                self._begun = True
                file.seek(self.size)
                file.truncate()  # whatever a killed run left behind its last record
                file.write(piece)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            refuse(self.out, error, self.kept)
        self.frames += count
        self.size += len(piece)
        return piece

    @property
    def kept(self) -> Path | None:
        """Where the unfinished video lies; None as long as there is no frame."""
        return self.part if self.size else None

    def finish(self) -> Path:
        """The finished file in its place: ordinary, seekable, index first; replaced in one step."""
        assert self.size, "finish() before the first frame"
        whole = self.part.with_name(f"{self.part.stem}.whole.mp4")
        try:
            self._write_whole(whole)
            whole.replace(self.out)
            self.part.unlink(missing_ok=True)
        except OSError as error:
            whole.unlink(missing_ok=True)
            refuse(self.out, error, self.kept)
        return self.out

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()
        elif self._begun and not self.size:  # only the beginning of a first piece
            self.part.unlink(missing_ok=True)

    def _write_whole(self, target: Path) -> None:
        write_whole(self.part, self.size, target, self.settings, self.speech)


def flush_to_disk(path: Path) -> None:
    """Returns when the file's bytes are on the disk and not only on their way there."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def refuse(out: Path, error: OSError, kept: Path | None = None) -> NoReturn:
    """Raises the error for a file that can't be written, saying what is kept."""
    reason = {
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the quota is used up",
        errno.EFBIG: "the file may not grow any more",
        errno.EACCES: f"the folder '{out.parent}' is not writable",
        errno.EPERM: f"the folder '{out.parent}' is not writable",
        errno.EROFS: f"the folder '{out.parent}' is read-only",
    }.get(error.errno or 0, error.strerror or str(error))
    do = "free some space, or choose another place for -o"
    if kept:
        do = f"free some space and run the same command again; what was made so far plays: {kept}"
    raise OutputError(f"'{out}' can't be written: {reason}.", do=do) from error
