"""A picture file as upright RGB."""

import warnings
from io import BufferedReader, BytesIO
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from longtake.errors import PortraitUnreadable

Stream = BytesIO | BufferedReader
MAX_SIDE = 16_384
MAX_PIXELS = 100_000_000
"""About 300 MB as RGB; the header is checked before any pixel is decoded."""
BACKGROUND = (255, 255, 255)
"""What shows through transparent pixels."""


def read_image(source: str | Path | Stream) -> UInt8[np.ndarray, "H W 3"]:
    """The picture as RGB: turned upright by its EXIF mark, transparency on white, 16 bits scaled to 8.

    Anything else than one whole still picture of a sane size is a PortraitUnreadable.
    """
    name = picture_name(source)
    try:
        # Pillow's own bomb check would warn or raise by its own limits; ours come first and say what to do.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(source) as picture:
                _check(picture, name)
                picture.load()
                return np.ascontiguousarray(_rgb(ImageOps.exif_transpose(picture)))
    except FileNotFoundError as error:
        raise PortraitUnreadable(f"There is no picture '{name}'.", do="check the path") from error
    except (IsADirectoryError, PermissionError) as error:
        raise PortraitUnreadable(f"'{name}' can't be opened: {error.strerror}.", do="give a picture file") from error
    except UnidentifiedImageError as error:
        raise PortraitUnreadable(
            f"'{name}' is not a picture that can be read.",
            expected="PNG, JPEG, WebP, BMP, TIFF or another still format",
        ) from error
    except Image.DecompressionBombError as error:
        raise _too_large(name, "more pixels than can be decoded safely") from error
    except PortraitUnreadable:
        raise
    except Exception as error:  # Pillow's decoders raise whatever their formats' code raises
        raise PortraitUnreadable(
            f"'{name}' is damaged or truncated: {error}", expected="a whole picture file", do="export it again"
        ) from error


def picture_name(source: str | Path | Stream) -> str:
    """What to call a picture in a message: its path, or what it is."""
    return str(source) if isinstance(source, str | Path) else str(getattr(source, "name", "the picture given"))


def _check(picture: Image.Image, name: str) -> None:
    """Nothing, or an error from what the header says."""
    width, height = picture.size
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise _too_large(name, f"{width} x {height} pixels")
    frames = getattr(picture, "n_frames", 1)
    if frames > 1 and picture.format != "MPO":  # a camera's MPO is a JPEG with a preview behind it
        raise PortraitUnreadable(
            f"'{name}' is an animated picture or has several pages ({frames}).",
            expected="one still picture",
            do="save one frame as PNG and give that",
        )


def _too_large(name: str, size: str) -> PortraitUnreadable:
    return PortraitUnreadable(
        f"'{name}' is too large: {size}.",
        expected=f"at most {MAX_SIDE} pixels a side and {MAX_PIXELS // 1_000_000} million in all",
        do="cut it round the head or scale it down",
    )


def _rgb(picture: Image.Image) -> np.ndarray:
    """Eight-bit RGB of any mode that Pillow decodes."""
    if picture.mode.startswith("I") or picture.mode == "F":
        return np.repeat(_eight_bits(np.asarray(picture))[..., None], 3, axis=2)
    if picture.has_transparency_data:
        shown = picture.convert("RGBA")
        ground = Image.new("RGBA", shown.size, (*BACKGROUND, 255))
        return np.asarray(Image.alpha_composite(ground, shown).convert("RGB"))
    return np.asarray(picture.convert("RGB"))


def _eight_bits(grey: np.ndarray) -> UInt8[np.ndarray, "H W"]:
    """Deep grey values scaled to bytes: integers by their 16 bits, floats by 1 or, where they are larger, by 255."""
    if grey.dtype.kind == "f":
        finite = np.nan_to_num(grey.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        scale = 255.0 if finite.max(initial=0.0) <= 1.0 else 1.0
        return np.clip(np.rint(finite * scale), 0, 255).astype(np.uint8)
    deep = grey.astype(np.int64)
    return np.clip(np.rint(deep / 257.0) if deep.max(initial=0) > 255 else deep, 0, 255).astype(np.uint8)


def squeeze(picture: UInt8[np.ndarray, "H W 3"], size: int) -> UInt8[np.ndarray, "size size 3"]:
    """The whole picture at `size` x `size`, its aspect not kept: how the released code reads a (square) portrait."""
    return np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.BILINEAR))
