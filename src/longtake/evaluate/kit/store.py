"""What was measured of a clip, on the disk: one file for each clip and metric, so that a stopped evaluation goes on."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from longtake.errors import OutputError
from longtake.evaluate.metrics.protocol import About, Clip, Summary
from longtake.journal.files import replace_file

FORMAT = 1
TOLD = "told"
"""The array that holds everything that is no array, as JSON."""


@dataclass(frozen=True, eq=False)
class Kept:
    """What one metric found in one clip."""

    frames: int
    numbers: Mapping[str, float] = field(default_factory=dict)
    summary: Summary | None = None
    over_time: list[dict[str, float]] = field(default_factory=list)
    skipped: str = ""  # why it was not measured
    remarks: list[str] = field(default_factory=list)


class Store:
    """A folder of findings, keyed by the content of the clip's files and by the protocol of the metric."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._hashes: dict[Path, str] = {}
        self.damaged: list[str] = []  # files that were not as they had been written, as sentences

    def key(self, clip: Clip, about: About, window_s: float | None) -> str:
        """Sixteen hex digits that change with anything that changes the finding."""
        files = [clip.video, clip.real, clip.portrait, clip.speech, clip.labels]
        parts = [FORMAT, about.name, about.hash, window_s, *(self.content(path) if path else "" for path in files)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def content(self, path: Path) -> str:
        """The hash of a file, or of the pictures in a folder; computed once."""
        if path not in self._hashes:
            self._hashes[path] = content_hash(path)
        return self._hashes[path]

    def path(self, clip: Clip, about: About, window_s: float | None) -> Path:
        """Where a finding lies."""
        return (
            self.folder / file_name(about.name) / f"{file_name(clip.name)[:80]}-{self.key(clip, about, window_s)}.npz"
        )

    def read(self, clip: Clip, about: About, window_s: float | None) -> Kept | None:
        """The finding; None where there is none, or where its file is damaged, which is noted."""
        path = self.path(clip, about, window_s)
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            known = json.loads(bytes(arrays.pop(TOLD)).decode())
            summary = arrays if known.pop("has_summary") else None
            return Kept(**known, summary=summary)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            self.damaged.append(f"'{path.name}' in the store was damaged ({type(error).__name__}); measured again.")
            return None

    def write(self, clip: Clip, about: About, window_s: float | None, kept: Kept) -> None:
        """Keeps a finding, whole or not at all."""
        known: dict[str, Any] = {
            "frames": kept.frames,
            "numbers": dict(kept.numbers),
            "over_time": kept.over_time,
            "skipped": kept.skipped,
            "remarks": kept.remarks,
            "has_summary": kept.summary is not None,
        }
        packed = np.frombuffer(json.dumps(known).encode(), np.uint8)
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **{TOLD: packed}, **(kept.summary or {}))
        path = self.path(clip, about, window_s)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, buffer.getvalue())
        except OSError as error:
            raise OutputError(
                f"'{path}' can't be written: {error.strerror}.", do="choose another place with -o"
            ) from error


def file_name(text: str) -> str:
    """The text as part of a path: letters, digits, dots and dashes stay."""
    return re.sub(r"[^\w.-]", "_", text)


def content_hash(path: Path) -> str:
    """The hash of a file's bytes, or of a folder's files in order."""
    if path.is_dir():
        seen = hashlib.sha256()
        for part in sorted(path.iterdir()):
            if part.is_file():
                seen.update(f"{part.name} {content_hash(part)}".encode())
        return seen.hexdigest()
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
