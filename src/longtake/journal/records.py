"""The lines of a journal: one for each segment that is on the disk, each with its own checksum."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from longtake.errors import JournalDamaged

RECORDS = "records.jsonl"


@dataclass(frozen=True)
class Record:
    """One segment: where the video stood after it, and what is needed to believe that."""

    segment: int
    frames: int  # of the video, after this segment
    bytes: int  # of video.mp4, after this segment
    crc: int  # of its piece of the video
    tail_crc: int
    seconds: float  # that the work took
    notes: Mapping[str, Any] = field(default_factory=dict)  # what was measured and done (drift.py)

    def line(self) -> bytes:
        """The record as JSON on one line; the last entry is the checksum of the others."""
        content = asdict(self)
        return json.dumps(content | {"check": _check(content)}).encode() + b"\n"


def read_records(folder: Path) -> list[Record]:
    """The records of a run's folder, oldest first. A torn last line is left out: its segment was not finished.

    Raises JournalDamaged if a line before the last is not as it was written.
    """
    path = folder / RECORDS
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    records: list[Record] = []
    for number, line in enumerate(lines):
        record = _parse(line)
        if record is None and number == len(lines) - 1:
            break
        if record is None or (records and record.segment != records[-1].segment + 1):
            raise JournalDamaged(
                f"Line {number + 1} of {len(lines)} in '{path}' is not as it was written.",
                do="start again with --restart; what was made so far still plays: " + str(folder / "video.mp4"),
            )
        records.append(record)
    return records


def _parse(line: bytes) -> Record | None:
    try:
        content = json.loads(line)
        check = content.pop("check")
        return Record(**content) if line.endswith(b"\n") and check == _check(content) else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _check(content: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(content, sort_keys=True).encode())
