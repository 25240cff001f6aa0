"""The list of a corpus's clips: one JSON object a line, written as clips are finished, in their order."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from longtake.errors import CorpusError

NAME = "manifest.jsonl"
FILES = ("mp4", "wav", "npz")
"""What each clip consists of: picture, speech, labels."""


class Clip(BaseModel):
    """One line of the manifest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    source: str = Field(default="puppet", description="puppet, or grid for real clips")
    split: str = Field(description="train or heldout")
    seed: int = Field(description="the number this clip is drawn from, with its index and split")
    index: int
    frames: int
    fps: float
    size: int = Field(description="side of the picture, pixels")
    voice: str
    speech: str = Field(description="file of the utterance in the assets")
    speech_start_s: float = Field(description="where the clip starts in it; negative: silence first")
    text: str = ""
    category: str = ""
    caption: str
    person: str = Field(default="", description="the caption's words for the person")
    states: tuple[tuple[int, int, dict[str, float]], ...] = Field(
        default=(), description="start frame, stop frame, expressions with intensities; empty: unknown"
    )
    ease: int = Field(default=0, description="frames that a state takes to come over the one before")
    calm: bool = Field(default=False, description="the twin of a clip, without its states")
    often: dict[str, float] = Field(default={}, description="how many times likelier the corpus shows expressions")
    sources: tuple[str, ...] = Field(description="portraits mixed: head, donor of the mouth, third")
    weights: tuple[float, ...] = Field(description="of the sources, at most 0.4 each")
    distances: tuple[float, ...] = Field(description="identity distance to each source, at least 0.6")
    background: str = ""
    files: dict[str, str] = Field(description="path in the corpus folder to SHA-256")


def hash_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def clip_paths(folder: Path, name: str) -> dict[str, Path]:
    """Where a clip's files are, by ending."""
    return {ending: Path(folder) / "clips" / f"{name}.{ending}" for ending in FILES}


def read_manifest(folder: Path) -> list[Clip]:
    """The clips listed in a corpus folder."""
    path = Path(folder) / NAME
    if not path.exists():
        raise CorpusError(f"There is no corpus in {folder}.", expected=f"a {NAME}", do="longtake corpus make")
    return list(_rows(path))


def _rows(path: Path) -> Iterator[Clip]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            yield Clip.model_validate(json.loads(line))
        except ValueError as error:
            raise CorpusError(
                f"Line {number} of {path} is no clip: {error}", do="delete that line and run corpus make again"
            ) from error


def append(folder: Path, clip: Clip) -> None:
    """Add one clip to the list; a line is on the disk before the next clip starts."""
    with open(Path(folder) / NAME, "a", encoding="utf-8") as lines:
        lines.write(json.dumps(clip.model_dump(), ensure_ascii=False) + "\n")
        lines.flush()
        os.fsync(lines.fileno())
