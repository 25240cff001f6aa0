"""The data that methods are judged on: clips of HDTF, CelebV and VFHQ, a folder of portraits and voices, held-out puppets."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from longtake.errors import CorpusError
from longtake.evaluate.kit.clips import PICTURES, SOUNDS, VIDEOS, files_of, read_list, told

TENTH = "tenth"
HDTF = re.compile(r"^(?:(?P<radio>RD_.+?)|W[DR]A_(?P<who>.+?)\d*)(?:_\d+)?$")
"""RD_Radio10_000: each broadcast another person; WDA_AdamSchiff_000, WRA_...: by the name."""
CELEBV = re.compile(r"^(?P<who>.{11})_.+$")
"""A YouTube address of eleven signs, then the number of the clip."""
VFHQ = re.compile(r"^Clip\+(?P<who>.+?\+P\d+)\+C\d+.*$")
"""Clip+ADDRESS+P0+C1+F100-200: address and person."""


@dataclass(frozen=True)
class Item:
    """One clip that a method is to be judged on; what it lacks is taken from the video, or can't be judged."""

    name: str
    identity: str
    video: Path | None = None  # the true one: a file, or a folder of frames
    portrait: Path | None = None  # else the video's first frame
    speech: Path | None = None  # else the video's sound
    labels: Path | None = None


Loader = Callable[[Path], list[Item]]


def load_items(kind: str, folder: Path, split: str = "", count: int | None = None) -> list[Item]:
    """The items of a data set: those of a split, the first `count` of them by name."""
    if kind not in LOADERS:
        raise CorpusError(f"There is no data set '{kind}'.", expected=f"one of {', '.join(LOADERS)}")
    items = LOADERS[kind](folder)
    if not items:
        raise CorpusError(f"There are no clips in '{folder}'.", expected=LAYOUTS[kind], do="see docs/evaluation.md")
    chosen = in_split(items, split)
    return sorted(chosen, key=lambda item: item.name)[:count]


def in_split(items: Sequence[Item], split: str) -> list[Item]:
    """The items that a split names: '' all, 'tenth' the people whose hash falls into one tenth, else a file of names."""
    if not split:
        return list(items)
    if split == TENTH:
        return [item for item in items if _bucket(item.identity) == 0]
    path = Path(split)
    if not path.is_file():
        raise CorpusError(f"There is no list '{split}'.", expected=f"a file with a name a line, or '{TENTH}'")
    wanted = [line.split("#")[0].strip() for line in path.read_text().splitlines()]
    wanted = [name for name in wanted if name]
    known = {item.name: item for item in items}
    if lost := [name for name in wanted if name not in known]:
        raise CorpusError(
            f"{len(lost)} of {len(wanted)} clips of '{split}' are not there: {told(lost)}.",
            do="get them, or shorten the list",
        )
    return [known[name] for name in dict.fromkeys(wanted)]


def split_hash(items: Sequence[Item]) -> str:
    """Twelve hex digits of which clips these are, by name and person; the order says nothing."""
    lines = sorted(f"{item.name}\t{item.identity}" for item in items)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def _bucket(identity: str) -> int:
    return int(hashlib.sha256(identity.encode()).hexdigest(), 16) % 10


def puppets(folder: Path) -> list[Item]:
    """NAME.mp4, NAME.flac, NAME.npz: each another person, with exact labels."""
    sounds = files_of(folder, SOUNDS)
    items = []
    for name, video in files_of(folder, VIDEOS).items():
        labels = video.with_suffix(".npz")
        items.append(Item(name, name, video, None, sounds.get(name), labels if labels.exists() else None))
    return items


def wild(folder: Path) -> list[Item]:
    """NAME.png and NAME.wav (any picture, any sound), and where there is one the true NAME.mp4."""
    pictures, sounds, videos = (files_of(folder, kinds) for kinds in (PICTURES, SOUNDS, VIDEOS))
    names = sorted((pictures.keys() & sounds.keys()) | videos.keys())
    return [Item(name, name, videos.get(name), pictures.get(name), sounds.get(name)) for name in names]


def named(pattern: re.Pattern[str]) -> Loader:
    """A loader of videos, in a folder or one below it, that tells the person from the name."""

    def load(folder: Path) -> list[Item]:
        return [Item(path.stem, who(path.stem), path, None, _beside(path)) for path in _videos(folder)]

    def who(name: str) -> str:
        found = pattern.match(name)
        parts = {k: v for k, v in found.groupdict().items() if v} if found else {}
        return next(iter(parts.values()), name)

    return load


def vfhq(folder: Path) -> list[Item]:
    """Folders of frames, or videos, named Clip+ADDRESS+P0+C1+F100-200."""
    videos = named(VFHQ)(folder)
    frames = [path for path in sorted(folder.iterdir()) if path.is_dir() and VFHQ.match(path.name)]
    return videos + [Item(path.name, _vfhq_who(path.name), path) for path in frames if files_of(path, PICTURES)]


def _vfhq_who(name: str) -> str:
    found = VFHQ.match(name)
    return found["who"] if found else name


def listed(path: Path) -> list[Item]:
    """The items of a CSV file: name, video, identity, portrait, speech, labels."""
    return [Item(c.name, c.who, c.video, c.portrait, c.speech, c.labels) for c in read_list(path)]


def _videos(folder: Path) -> Iterator[Path]:
    yield from files_of(folder, VIDEOS).values()
    for below in sorted(path for path in folder.iterdir() if path.is_dir()):
        yield from files_of(below, VIDEOS).values()


def _beside(video: Path) -> Path | None:
    """A sound file of the video's name beside it."""
    return next((path for end in sorted(SOUNDS) if (path := video.with_suffix(end)).exists()), None)


LOADERS: dict[str, Loader] = {
    "puppets": puppets,
    "hdtf": named(HDTF),
    "celebv": named(CELEBV),
    "vfhq": vfhq,
    "wild": wild,
    "list": listed,
}
LAYOUTS = {
    "puppets": "NAME.mp4, NAME.flac and NAME.npz for each clip",
    "hdtf": "videos like WDA_AdamSchiff_000.mp4, in the folder or one below it",
    "celebv": "videos like ADDRESS_0.mp4 with a YouTube address of eleven signs, in the folder or one below it",
    "vfhq": "folders of frames, or videos, like Clip+ADDRESS+P0+C1+F100-200",
    "wild": "NAME.png (or .jpg ...) and NAME.wav (or .flac, .mp3 ...) for each clip",
    "list": "a CSV file with the columns name, video, identity, portrait, speech, labels",
}
