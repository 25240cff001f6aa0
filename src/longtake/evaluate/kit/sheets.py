"""Clips by every method as pictures of their own, method under method at the same moments (the paper's Figures 6 and 7)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from longtake.errors import OutputError
from longtake.evaluate.kit.store import file_name
from longtake.evaluate.kit.strips import Shown, rows_at_moments

FOLDER = "sheets"
FRAMES, SIDE_PX, QUALITY = 6, 160, 85
LABEL_PX, HEAD_PX, TEXT_PX, GAP_PX = 110, 20, 13, 2
PAPER, INK = (255, 255, 255), (20, 20, 20)


def write_sheets(shown: Sequence[Shown], folder: Path) -> list[Path]:
    """The files FOLDER/sheets/CLIP.webp, one for each clip; those of an earlier report are replaced."""
    from PIL import Image

    written = []
    for clip in shown:
        picture = sheet(clip)
        if picture is None:
            continue
        path = folder / FOLDER / f"{file_name(clip.clip)}.webp"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(path, "WEBP", quality=QUALITY)
        except OSError as error:
            raise OutputError(f"'{path}' can't be written: {error}.", do="choose another place with -o") from error
        written.append(path)
    return written


def sheet(clip: Shown, count: int = FRAMES) -> UInt8[np.ndarray, "H W 3"] | None:
    """The clip's sheet: a row for each method with its name, a column for each moment with its second; None without any."""
    times, shown = rows_at_moments(clip.videos, count, SIDE_PX)
    if not shown:
        return None
    rows = [np.concatenate([label(name, LABEL_PX, SIDE_PX), picture], axis=1) for name, picture in shown.items()]
    width = max(row.shape[1] for row in rows)
    column = (rows[0].shape[1] - LABEL_PX) // max(len(times), 1)
    head = [label("", LABEL_PX, HEAD_PX), *(label(f"{time:.1f} s", column, HEAD_PX) for time in times)]
    return np.concatenate([_wide(part, width) for part in (np.concatenate(head, axis=1), *rows)])


def label(text: str, width: int, height: int) -> UInt8[np.ndarray, "height width 3"]:
    """A field with a text in its middle."""
    from PIL import Image, ImageDraw, ImageFont

    field = Image.new("RGB", (width, height), PAPER)
    font = ImageFont.load_default(TEXT_PX)
    ImageDraw.Draw(field).text((width / 2, height / 2), text, INK, font, anchor="mm")
    return np.asarray(field)


def _wide(row: UInt8[np.ndarray, "h w 3"], width: int) -> UInt8[np.ndarray, "h2 width 3"]:
    """The row at full width, with a gap below it."""
    return np.pad(row[:, :width], ((0, GAP_PX), (0, max(0, width - row.shape[1])), (0, 0)), constant_values=255)
