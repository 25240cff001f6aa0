"""Frames of a running job to look at: the last frame of every N-th segment, as a picture file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from longtake.apps.outcome import say
from longtake.errors import OutputError

if TYPE_CHECKING:
    from longtake.pace import Progress

PICTURES = (".jpg", ".jpeg", ".png")
EVERY = 10


class Preview:
    """Writes previews: over and over to one picture file, or each under its number into a folder."""

    def __init__(self, place: Path, every: int = EVERY) -> None:
        self.place, self.every = place, every
        self.broken = False
        self.single = place.suffix.lower() in PICTURES
        if place.suffix and not self.single and not place.is_dir():
            raise OutputError(
                f"'{place}' is no name for a preview.",
                expected="a .jpg or .png file, or a folder",
                do="--preview now.jpg",
            )
        folder = place.parent if self.single else place
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"There can't be previews in '{folder}': {error.strerror}.", do="another --preview"
            ) from error
        if not os.access(folder, os.W_OK):
            raise OutputError(f"There can't be previews in '{folder}': it is not writable.", do="another --preview")

    def show(self, now: Progress) -> Path | None:
        """The preview of this segment, written whole or not at all; None if there is none.

        The last segment always has its turn, so that a short video shows something too. A preview that can't be written
        does not stop the work.
        """
        last = now.segment == now.segments
        if self.broken or now.picture is None or (now.segment % self.every and not last):
            return None
        from PIL import Image

        path = self.place if self.single else self.place / f"segment-{now.segment:06}.jpg"
        # A reader sees the old picture or the new one, never half of one.
        part = path.with_name(f".{path.stem}.part{path.suffix}")
        try:
            Image.fromarray(now.picture).save(part, quality=90)
            part.replace(path)
        except OSError as error:
            part.unlink(missing_ok=True)
            self.broken = True
            say(f"No more previews: '{path}' can't be written ({error.strerror}). The work goes on.")
            return None
        return path


def preview_place(preview: Path | None, every: int | None, out: Path) -> Preview | None:
    """The previews that were asked for: `--preview-every` alone puts one beside the output."""
    if preview is None and every is None:
        return None
    return Preview(preview or out.with_suffix(".preview.jpg"), every or EVERY)
