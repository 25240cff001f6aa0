"""Which videos are judged, and against which true ones: folders paired by name, or a list."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from longtake.errors import InputError, SettingsError
from longtake.evaluate.metrics.protocol import Clip

VIDEOS = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg"})
SOUNDS = frozenset({".wav", ".flac", ".mp3", ".m4a", ".ogg", ".aac"})
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp"})
COLUMNS = ("name", "video", "identity", "real", "portrait", "speech", "labels")
SHOWN = 5
"""Names told in a sentence before it says how many more there are."""


def files_of(folder: Path, kinds: Iterable[str]) -> dict[str, Path]:
    """The files of a folder with one of these endings, by their name without it."""
    if not folder.is_dir():
        raise InputError(f"There is no folder '{folder}'.", expected="a folder of videos", do="check the path")
    ends = frozenset(kinds)
    return {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in ends}


def pair_folders(generated: Path, real: Path | None = None, identity: str = "") -> tuple[list[Clip], list[str]]:
    """The videos of a folder, each with the true one of the same name, and what is odd about the pairing as sentences."""
    videos = files_of(generated, VIDEOS)
    if not videos:
        raise InputError(
            f"There is no video in '{generated}'.", expected=f"files ending in {', '.join(sorted(VIDEOS))}"
        )
    true = files_of(real, VIDEOS) if real else {}
    if real and not true:
        raise InputError(f"There is no video in '{real}'.", expected="the true videos, of the same names as the others")
    if real and not videos.keys() & true.keys():
        raise InputError(
            f"No video of '{generated}' has the name of one of '{real}'.",
            expected=f"the same names; here {told(videos)}, there {told(true)}",
            do="rename them, or give a list (docs/evaluation.md)",
        )
    who = identity_of(identity)
    clips = [Clip(name, path, who(name), true.get(name)) for name, path in videos.items()]
    return clips, _oddities(videos, true, real, identity)


def _oddities(videos: dict[str, Path], true: dict[str, Path], real: Path | None, identity: str) -> list[str]:
    said = []
    if real and (lone := sorted(videos.keys() - true.keys())):
        said.append(f"{len(lone)} of {len(videos)} videos have no true one of their name: {told(lone)}.")
    if real and (lone := sorted(true.keys() - videos.keys())):
        said.append(
            f"{len(lone)} of {len(true)} true videos have no generated one: {told(lone)}. They count in real sets."
        )
    if not identity:
        said.append("Each clip counts as another person: nothing says otherwise (--identity, or a list).")
    return said


def lone_real(clips: Sequence[Clip], real: Path | None, identity: str = "") -> list[Clip]:
    """The true videos that no clip is paired with, as clips: they belong to the real set all the same."""
    paired = {clip.real for clip in clips}
    who = identity_of(identity)
    found = files_of(real, VIDEOS) if real else {}
    return [Clip(name, path, who(name)) for name, path in found.items() if path not in paired]


def identity_of(pattern: str):
    """A function from a clip's name to whom it shows: the first group of a regular expression; else the name itself."""
    if not pattern:
        return lambda name: ""
    try:
        known = re.compile(pattern)
    except re.error as error:
        raise SettingsError(
            f"'{pattern}' is no regular expression: {error}.", do="for example '(.*)_[0-9]+'"
        ) from error
    if known.groups < 1:
        raise SettingsError(f"'{pattern}' has no group that is the person.", do="put it in brackets: '(.*)_[0-9]+'")

    def who(name: str) -> str:
        found = known.match(name)
        return found.group(1) if found else ""

    return who


def read_list(path: Path) -> list[Clip]:
    """The clips of a CSV file with the columns name, video and any of identity, real, portrait, speech, labels."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"The list '{path}' can't be read: {error}.", expected=f"CSV with {', '.join(COLUMNS)}"
        ) from error
    if not rows or not {"video"} <= rows[0].keys() or not rows[0].keys() <= set(COLUMNS):
        raise InputError(
            f"'{path}' is no list of clips.", expected=f"a first line with 'video' and any of {', '.join(COLUMNS)}"
        )
    return unique([_listed(row, path.parent) for row in rows])


def _listed(row: dict[str, str], folder: Path) -> Clip:
    paths = {key: folder / row[key] for key in ("real", "portrait", "speech", "labels") if row.get(key)}
    video = folder / row["video"]
    return Clip(row.get("name") or video.stem, video, row.get("identity") or "", **paths)


def unique(clips: list[Clip]) -> list[Clip]:
    """The clips, once it is sure that no two have one name."""
    seen: set[str] = set()
    for clip in clips:
        if clip.name in seen:
            raise InputError(f"Two clips are named '{clip.name}'.", do="give each a name of its own")
        seen.add(clip.name)
    return clips


def told(names: Iterable[str]) -> str:
    """A few of the names, and how many more there are."""
    known = sorted(names)
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    return ", ".join(known[:SHOWN]) + more
