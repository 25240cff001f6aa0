"""One call of another program: where its files lie, what it is told, and the file it wrote."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longtake.errors import InputError, SettingsError
from longtake.evaluate.kit.recipe import SystemPart

LAST_LINES = 3
"""Of what a crashed program said."""


@dataclass(frozen=True)
class Job:
    """What a system is given for one clip."""

    name: str
    portrait: Path
    speech: Path | None  # None: silent, for systems that restore
    seconds: float
    video: Path | None = None  # for systems that restore


@dataclass(frozen=True)
class Place:
    """Where the files of one clip lie."""

    folder: Path
    job: Job

    @property
    def work(self) -> Path:
        """What the program writes."""
        return self.folder / "work" / self.job.name

    @property
    def raw(self) -> Path:
        """The file the program is asked to write."""
        return self.work / f"{self.job.name}.mp4"

    @property
    def video(self) -> Path:
        """The video that is judged."""
        return self.folder / f"{self.job.name}.mp4"

    @property
    def record(self) -> Path:
        """What it was made from."""
        return self.folder / f"{self.job.name}.json"

    def holds(self, key: str) -> bool:
        """Whether the video is there and was made from just this."""
        try:
            return self.video.is_file() and json.loads(self.record.read_text())["key"] == key
        except (OSError, ValueError, KeyError, TypeError):
            return False


def placeholders(part: SystemPart, job: Job, place: Place) -> dict[str, str]:
    """What may stand in braces in a command, for one clip; paths are absolute."""
    return {
        "name": job.name,
        "portrait": str(job.portrait.resolve()),
        "speech": str(job.speech.resolve()) if job.speech else "",
        "video": str(job.video.resolve()) if job.video else "",
        "out": str(place.raw.resolve()),
        "work": str(place.work.resolve()),
        "folder": str(part.folder.resolve()) if part.folder else "",
        "python": sys.executable,
        "seconds": f"{job.seconds:g}",
        "fps": f"{part.fps or 25:g}",
        "size": str(part.size_px or ""),
    }


def call(part: SystemPart, names: Mapping[str, str], work: Path) -> float:
    """The seconds that the command took; raises InputError with its last lines if it failed."""
    words = [fill(word, names) for word in shlex.split(part.command)]
    begun = time.monotonic()
    try:
        done = subprocess.run(
            words,
            cwd=part.folder or Path.cwd(),
            env=os.environ | {name: fill(value, names) for name, value in part.environment.items()},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=part.timeout_s,
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(f"It was stopped after {part.timeout_s:g} s.", do="set a longer timeout_s") from error
    except OSError as error:
        raise InputError(f"'{words[0]}' can't be started: {error.strerror}.", do="check command and folder") from error
    (work / "said.txt").write_text(f"{done.stdout}\n{done.stderr}")
    if done.returncode:
        last = " / ".join([line for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()][-LAST_LINES:])
        raise InputError(
            f"It ended with exit code {done.returncode}: {last or 'it said nothing'}.",
            do=f"see {work.parent.name}/{work.name}/said.txt beside its videos",
        )
    return time.monotonic() - begun


def fill(text: str, names: Mapping[str, str]) -> str:
    """The text with what stands in braces put in; an unknown name is a SettingsError."""
    try:
        return text.format_map(names)
    except (KeyError, ValueError, IndexError) as error:
        raise SettingsError(
            f"'{text}' names {error}, which is not known.",
            expected=f"any of {', '.join(f'{{{name}}}' for name in names)}",
        ) from error


def write_config(part: SystemPart, names: Mapping[str, str], work: Path) -> Path | None:
    """The YAML file that a program reads its inputs from; None where it reads none."""
    if not part.config_base and not part.config_set:
        return None
    import yaml

    values: dict[str, Any] = {}
    if part.config_base:
        base = (part.folder or Path()) / part.config_base
        try:
            values = yaml.safe_load(base.read_text()) or {}
        except (OSError, yaml.YAMLError) as error:
            raise InputError(f"'{base}' can't be read: {error}.", do="check folder and config_base") from error
    path = work / "config.yaml"
    path.write_text(yaml.safe_dump(values | _filled(part.config_set, names), allow_unicode=True, sort_keys=False))
    return path


def _filled(thing: Any, names: Mapping[str, str]) -> Any:
    if isinstance(thing, str):
        return fill(thing, names)
    if isinstance(thing, Mapping):
        return {fill(key, names): _filled(value, names) for key, value in thing.items()}
    if isinstance(thing, list):
        return [_filled(value, names) for value in thing]
    return thing


def written(part: SystemPart, place: Place, names: Mapping[str, str]) -> Path:
    """The file that the program wrote: the newest that the pattern fits."""
    if not part.output:
        if place.raw.is_file():
            return place.raw
        raise InputError(f"It ended well, but there is no '{place.raw}'.", do="give the pattern of its file: output = ")
    pattern = Path(fill(part.output, names))
    root = Path(pattern.anchor) if pattern.is_absolute() else (part.folder or Path()).resolve()
    found = list(root.glob(str(pattern.relative_to(root) if pattern.is_absolute() else pattern)))
    found = [path for path in found if path.is_file()]
    if not found:
        raise InputError(f"It ended well, but no file fits '{pattern}'.", do="mend the pattern: output = ")
    return max(found, key=lambda path: path.stat().st_mtime)
