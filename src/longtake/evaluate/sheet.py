"""A contact sheet: true frames above the model's, to be looked at."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

GAP_PX, NAME_PX = 8, 16


def contact_sheet(
    pairs: Sequence[UInt8[np.ndarray, "2 k H W 3"]], names: Sequence[str]
) -> UInt8[np.ndarray, "height width 3"]:
    """Each clip as two strips, the true one above; a name at the left of each."""
    strips = []
    for pair, name in zip(pairs, names, strict=True):
        for frames, kind in zip(pair, ("truth", "longtake"), strict=True):
            strip = np.concatenate(list(frames), axis=1)
            strips.append(named(strip, f"{name} {kind}"))
        strips.append(np.full((GAP_PX, strips[-1].shape[1], 3), 255, np.uint8))
    return np.concatenate(strips[:-1])


def named(strip: UInt8[np.ndarray, "h w 3"], name: str) -> UInt8[np.ndarray, "h w 3"]:
    """A copy of the strip with its name in the upper left corner."""
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.fromarray(strip)
    ImageDraw.Draw(picture).text(
        (6, 4), name, "black", ImageFont.load_default(NAME_PX), stroke_width=2, stroke_fill="white"
    )
    return np.array(picture)


def write_sheet(pairs: Sequence[UInt8[np.ndarray, "2 k H W 3"]], names: Sequence[str], path: Path) -> Path:
    """The path of the contact sheet, written as PNG or by its suffix."""
    from PIL import Image

    Image.fromarray(contact_sheet(pairs, names)).save(path)
    return path
