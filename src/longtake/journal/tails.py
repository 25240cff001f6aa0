"""Tails on the disk: exact, and as small as exactness allows."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import Float

from longtake.clips import Tail, Waiting
from longtake.journal.files import replace_file


def save_tail(folder: Path, segment: int, tail: Tail) -> int:
    """Writes the tail of a segment into its slot; the checksum. The other slot keeps that of the segment before."""
    file = io.BytesIO()
    numbers = np.array([tail.next_segment, tail.next_frame])
    random = np.zeros(0, np.uint8) if tail.random is None else tail.random
    waiting = tail.waiting
    kept = {} if waiting is None else {"recent": waiting.recent, "restored": waiting.restored, "fresh": waiting.fresh}
    np.savez(file, pictures=_narrow(tail.pictures), numbers=numbers, random=random, **kept)
    content = file.getvalue()
    replace_file(_slot(folder, segment), content)
    return zlib.crc32(content)


def load_tail(folder: Path, segment: int, crc: int) -> Tail | None:
    """The tail of a segment; None if its slot holds another one or is damaged."""
    path = _slot(folder, segment)
    content = path.read_bytes() if path.exists() else b""
    if zlib.crc32(content) != crc:
        return None
    with np.load(io.BytesIO(content)) as stored:
        next_segment, next_frame = (int(number) for number in stored["numbers"])
        random = stored["random"] if stored["random"].size else None
        waiting = None
        if "fresh" in stored:
            waiting = Waiting(stored["recent"], stored["restored"], int(stored["fresh"]))
        return Tail(_widen(stored["pictures"]), next_segment, next_frame, random, waiting)


def remove_tails(folder: Path) -> None:
    """Removes both slots."""
    for segment in (0, 1):
        _slot(folder, segment).unlink(missing_ok=True)


def _slot(folder: Path, segment: int) -> Path:
    return folder / f"tail-{segment % 2}.npz"


def _narrow(pictures: Float[np.ndarray, "n 3 H W"]) -> np.ndarray:
    """The pictures in 16 bits where nothing is lost: networks of half precision make nothing finer."""
    half = pictures.astype(np.float16)
    if np.array_equal(half.astype(np.float32), pictures):
        return half
    bits = np.ascontiguousarray(pictures, np.float32).view(np.uint32)
    return pictures if (bits & 0xFFFF).any() else (bits >> 16).astype(np.uint16)  # bfloat16 is the upper half


def _widen(stored: np.ndarray) -> Float[np.ndarray, "n 3 H W"]:
    if stored.dtype == np.uint16:
        return (stored.astype(np.uint32) << 16).view(np.float32)
    return stored.astype(np.float32)
