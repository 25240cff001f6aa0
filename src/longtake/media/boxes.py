"""The boxes that an MP4 file is made of (ISO/IEC 14496-12): taken apart and put together."""

from __future__ import annotations

import os
import struct
from collections.abc import Collection, Iterator
from typing import BinaryIO

Strand = list[bytes | bytearray]


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The kind and the bytes, head included, of each box in `data`."""
    place = 0
    while place < len(data):
        size, kind = struct.unpack(">I4s", data[place : place + 8])
        if size == 1:  # a size of 64 bits follows
            (size,) = struct.unpack(">Q", data[place + 8 : place + 16])
        yield kind, data[place : place + size]
        place += size


def read_boxes(file: BinaryIO, stop: int, unread: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
    """The same from a file up to its byte `stop`, one box in memory at a time; of the kind `unread` only the head."""
    while file.tell() < stop:
        head = file.read(8)
        size, kind = struct.unpack(">I4s", head)
        if size == 1:
            head += file.read(8)
            (size,) = struct.unpack(">Q", head[8:])
        if kind == unread:
            file.seek(size - len(head), os.SEEK_CUR)
        yield kind, head if kind == unread else head + file.read(size - len(head))


def child(data: bytes, *path: bytes) -> bytes:
    """The first box along a path of kinds inside the box `data`."""
    for kind in path:
        data = children(data, kind)[0]
    return data


def children(data: bytes, kind: bytes) -> list[bytes]:
    """All boxes of a kind directly inside the box `data`."""
    return [inner for found, inner in boxes(data[8:]) if found == kind]


def box(kind: bytes, *parts: bytes | Strand) -> Strand:
    """A box with these contents, as what is to be written one after the other: large tables are not copied into it."""
    content = [piece for part in parts for piece in (part if isinstance(part, list) else [part])]
    return [struct.pack(">I4s", 8 + size_of(content), kind), *content]


def size_of(strand: Strand) -> int:
    """Its bytes."""
    return sum(len(piece) for piece in strand)


def full_box(kind: bytes, version: int, *parts: bytes | Strand) -> Strand:
    """A box with a version and no flags."""
    return box(kind, struct.pack(">I", version << 24), *parts)


class Table:
    """Numbers as a table of the index has them, the largest byte first, from the start: written without being copied."""

    def __init__(self, kind: str = "I") -> None:
        self.kind, self.data = kind, bytearray()  # "I": 32 bits, "Q": 64

    def __len__(self) -> int:
        return len(self.data) // struct.calcsize(self.kind)

    def extend(self, values: Collection[int]) -> None:
        """Adds numbers at the end."""
        self.data += struct.pack(f">{len(values)}{self.kind}", *values)

    def strand(self) -> Strand:
        """The count of the numbers, then each."""
        return [struct.pack(">I", len(self)), self.data]


def lasting(header: bytes, duration: int, hz: int | None = None) -> Strand:
    """A header box of version 0 (mvhd, mdhd, tkhd) with another duration and, if given, unit of time, in 64 bits."""
    kind, content = header[4:8], header[8:]
    version_and_flags, made, changed, third, fourth = struct.unpack(">IIIII", content[:20])
    lead = struct.pack(">IQQ", 1 << 24 | version_and_flags, made, changed)
    if kind == b"tkhd":  # number of the track, reserved, duration
        return box(kind, lead, struct.pack(">IIQ", third, fourth, duration), content[24:])
    return box(kind, lead, struct.pack(">IQ", hz or third, duration), content[20:])
