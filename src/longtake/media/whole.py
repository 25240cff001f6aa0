"""The finished file out of the growing one: an ordinary MP4, index first, made in memory that hardly grows with its length.

Pictures are copied as they lie in the pieces, the sound is encoded once from beginning to end. A library's writer holds some
90 bytes for each picture and each 23 ms of sound until the end; here it is the four that the index itself has for each
(benchmarks/memory-2026-11-23.md).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from longtake.clips import Speech
from longtake.media.boxes import Strand, box, child, children, lasting, read_boxes, size_of
from longtake.media.soundtrack import FRAME, Encoder
from longtake.media.track import MOVIE_HZ, Track
from longtake.settings import VideoSettings

PRIMING = FRAME  # samples that an AAC decoder gives before the first one of the sound
DEFAULT_SIZE, SIZES, FIRST_FLAGS, FLAGS, DURATIONS, OFFSET = 0x10, 0x200, 0x4, 0x400, 0x100, 0x1


def write_whole(part: Path, size: int, target: Path, settings: VideoSettings, speech: Speech | None) -> None:
    """Writes the finished file from the first `size` bytes of the growing one; it is on the disk afterwards."""
    with open(part, "rb") as made, open(target, "wb") as file:
        (_, kind), (_, moov) = (next(read_boxes(made, size)) for _ in range(2))
        begin = made.tell()
        pictures, pieces = _count(made, size)
        made.seek(begin)
        picture = _track(moov, b"vide", settings.fps)
        heard = None if speech is None else _Heard(moov, speech, settings.sound_kbps)
        room = len(moov) + 100 + picture.room(pictures, pieces) + (heard.room(pieces) if heard else 0)
        file.write(kind)
        index = file.tell()
        file.seek(room, os.SEEK_CUR)
        _write_data(file, _pictures(made, size), picture, heard, settings.fps)
        file.seek(index)
        written = _index(moov, picture, heard, pictures / settings.fps)
        file.writelines(written)
        file.write(struct.pack(">I4s", room - size_of(written), b"free"))
        file.flush()
        os.fsync(file.fileno())


class _Heard:
    """The sound on its way into the file."""

    def __init__(self, moov: bytes, speech: Speech, kbps: int) -> None:
        self.seconds, self.encoder = speech.seconds, Encoder(speech, kbps)
        self.track = _track(moov, b"soun", self.encoder.rate_hz, FRAME)

    def room(self, pieces: int) -> int:
        return self.track.room(self.encoder.frames_at_most, pieces + 1)


def _write_data(file: BinaryIO, pieces: Iterator[list[bytes]], picture: Track, heard: _Heard | None, fps: int) -> None:
    """Writes pictures and sound in turn, piece by piece."""
    data = file.tell()
    file.write(struct.pack(">I4sQ", 1, b"mdat", 0))
    for samples in pieces:
        picture.keys.extend([len(picture.sizes) + 1])
        picture.add(file, samples)
        if heard:
            heard.track.add(file, heard.encoder.until(len(picture.sizes) / fps))
    if heard:
        heard.track.add(file, heard.encoder.end())
    end = file.tell()
    file.seek(data + 8)
    file.write(struct.pack(">Q", end - data))


def _index(moov: bytes, picture: Track, heard: _Heard | None, seconds: float) -> Strand:
    """The `moov` box of the finished file, whose pictures last so long."""
    tracks, longest = [picture.box(seconds, 0)], seconds
    if heard:
        tracks.append(heard.track.box(heard.seconds, PRIMING))
        longest = max(seconds, heard.seconds)
    movie = lasting(child(moov, b"mvhd"), round(longest * MOVIE_HZ), MOVIE_HZ)
    return box(b"moov", movie, *tracks, *children(moov, b"udta"))


def _track(moov: bytes, handler: bytes, rate: int, step: int | None = None) -> Track:
    """The stream of a kind in the growing file's header, `rate` samples a second, or `rate` units and `step` for a sample."""
    header = next(trak for trak in children(moov, b"trak") if child(trak, b"mdia", b"hdlr")[16:20] == handler)
    if step is not None:
        return Track(header, rate, step)
    hz = rate * 512
    return Track(header, hz, hz // rate)


def _count(file: BinaryIO, size: int) -> tuple[int, int]:
    """Pictures and pieces from here to byte `size`, by the heads of the pieces."""
    pictures = pieces = 0
    for kind, data in read_boxes(file, size, unread=b"mdat"):
        if kind == b"moof":
            pictures += len(_sizes(data)[1])
            pieces += 1
    return pictures, pieces


def _pictures(file: BinaryIO, size: int) -> Iterator[list[bytes]]:
    """The encoded pictures of each piece."""
    head = b""
    for kind, data in read_boxes(file, size):
        if kind == b"moof":
            head = data
            continue
        offset, sizes = _sizes(head)
        place, samples = offset - len(head), []
        for each in sizes:
            samples.append(data[place : place + each])
            place += each
        yield samples


def _sizes(moof: bytes) -> tuple[int, list[int]]:
    """Where the pictures of a piece begin, counted from its head, and how many bytes each has: they are its first stream."""
    traf = children(moof, b"traf")[0]
    tfhd, trun = child(traf, b"tfhd"), child(traf, b"trun")
    common = _common_size(tfhd)
    flags, count = struct.unpack(">II", trun[8:16])
    place, offset = 16, 0
    if flags & OFFSET:
        (offset,) = struct.unpack(">i", trun[place : place + 4])
        place += 4
    place += 4 * bool(flags & FIRST_FLAGS)
    fields = [bit for bit in (DURATIONS, SIZES, FLAGS, 0x800) if flags & bit]
    if SIZES not in fields:
        return offset, [common] * count
    row, where = 4 * len(fields), 4 * fields.index(SIZES)
    return offset, [struct.unpack_from(">I", trun, place + row * k + where)[0] for k in range(count)]


def _common_size(tfhd: bytes) -> int:
    """The size that a piece's head gives for all its samples; 0 if it gives none."""
    flags = struct.unpack(">I", tfhd[8:12])[0] & 0xFFFFFF
    place = 16 + 8 * bool(flags & 0x1) + 4 * bool(flags & 0x2) + 4 * bool(flags & 0x8)
    return struct.unpack_from(">I", tfhd, place)[0] if flags & DEFAULT_SIZE else 0
