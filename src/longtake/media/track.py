"""What the index of an MP4 file says of one stream, collected in a few bytes a sample."""

from __future__ import annotations

import struct
from array import array
from typing import BinaryIO

from longtake.media.boxes import Strand, Table, box, boxes, child, full_box, lasting

MOVIE_HZ = 1000


class Track:
    """A stream under way: its samples go into the file in chunks, its sizes and places into tables."""

    def __init__(self, header: bytes, hz: int, step: int) -> None:
        self.header = header  # its `trak` box, as the growing file has it
        self.hz, self.step = hz, step  # units a second, units that a sample lasts
        self.sizes, self.keys = Table(), Table()  # keys: samples that can be begun with; none = all
        self.places, self.counts = Table("Q"), array("I")  # of the chunks in the file; samples in each

    def add(self, file: BinaryIO, samples: list[bytes]) -> None:
        """Writes samples as one chunk."""
        if samples:
            self.places.extend([file.tell()])
            self.counts.append(len(samples))
            self.sizes.extend([*map(len, samples)])
            file.write(b"".join(samples))

    def room(self, samples: int, chunks: int) -> int:
        """Bytes that suffice for the `trak` box of so many samples in so many chunks."""
        return len(self.header) + 500 + 4 * samples + 24 * chunks

    def box(self, seconds: float, skipped: int) -> Strand:
        """The `trak` box of a stream that is shown for so long, from its unit `skipped` on."""
        shown = round(seconds * MOVIE_HZ)
        media, info = child(self.header, b"mdia"), child(self.header, b"mdia", b"minf")
        kind = next(inner for name, inner in boxes(info[8:]) if name in (b"vmhd", b"smhd"))
        lasts = len(self.sizes) * self.step
        return box(
            b"trak",
            lasting(child(self.header, b"tkhd"), shown),
            box(b"edts", full_box(b"elst", 1, struct.pack(">IQqHH", 1, shown, skipped, 1, 0))),
            box(
                b"mdia",
                lasting(child(media, b"mdhd"), lasts, self.hz),
                child(media, b"hdlr"),
                box(b"minf", kind, child(info, b"dinf"), self._tables(child(info, b"stbl", b"stsd"))),
            ),
        )

    def _tables(self, description: bytes) -> Strand:
        runs: list[bytes] = []
        before = 0
        for chunk, count in enumerate(self.counts, 1):
            if count != before:
                runs.append(struct.pack(">III", chunk, count, 1))
            before = count
        return box(
            b"stbl",
            description,
            full_box(b"stts", 0, struct.pack(">III", 1, len(self.sizes), self.step)),
            full_box(b"stss", 0, self.keys.strand()) if len(self.keys) else b"",
            full_box(b"stsc", 0, struct.pack(">I", len(runs)), *runs),
            full_box(b"stsz", 0, struct.pack(">I", 0), self.sizes.strand()),
            full_box(b"co64", 0, self.places.strand()),
        )
