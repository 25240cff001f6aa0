"""Other people's programs, called clip by clip: what goes in, the command, what came out; a crash is told, not raised."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from longtake.errors import InputError, LongtakeError, SettingsError
from longtake.evaluate.kit.normalising import normalise
from longtake.evaluate.kit.recipe import SystemPart
from longtake.evaluate.kit.store import content_hash
from longtake.journal.files import replace_file

LAST_LINES = 3
"""Of what a crashed program said."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Job:
    """What a system is given for one clip."""

    name: str
    portrait: Path
    speech: Path | None  # None: silent, for systems that restore
    seconds: float
    video: Path | None = None  # for systems that restore


@dataclass(eq=False)
class Outcome:
    """The videos of a system by clip, and why others are not there."""

    videos: dict[str, Path] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def run_system(part: SystemPart, jobs: Sequence[Job], folder: Path, say: Say = print) -> Outcome:
    """The normalised videos of a system; those made before from the same inputs are not made again."""
    if part.videos is not None:
        return _found(part, jobs, folder)
    if part.folder is not None and not part.folder.is_dir():
        raise SettingsError(
            f"There is no folder '{part.folder}', where '{part.name}' should be installed.",
            do=f"install it, and give its folder in the [[system]] '{part.name}'",
        )
    outcome, waiting = Outcome(), []
    for job in jobs:
        place = Place(folder, job)
        (outcome.videos.update({job.name: place.video}) if place.holds(key_of(part, job)) else waiting.append(job))
    if part.together and waiting:
        _call_together(part, waiting, folder, outcome, say)
        return outcome
    for number, job in enumerate(waiting, 1):
        say(f"{part.name}: {job.name}, {number} of {len(waiting)}")
        _attempt(job, outcome, lambda job=job: _call_one(part, job, Place(folder, job), outcome))
    return outcome


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


def key_of(part: SystemPart, job: Job) -> str:
    """Hex digits that change with the description of the system and with what it is given."""
    told = part.model_dump(mode="json", exclude={"about", "main", "timeout_s"})
    given = [content_hash(path) if path else "" for path in (job.portrait, job.speech, job.video)]
    return hashlib.sha256(json.dumps([told, given], sort_keys=True).encode()).hexdigest()[:16]


def _found(part: SystemPart, jobs: Sequence[Job], folder: Path) -> Outcome:
    """Videos that are already there, normalised."""
    outcome = Outcome()
    assert part.videos is not None
    for job in jobs:
        source, place = part.videos / f"{job.name}.mp4", Place(folder, job)

        def take(source=source, job=job, place=place) -> None:
            if not source.is_file():
                raise InputError(f"There is no '{source}'.")
            place.folder.mkdir(parents=True, exist_ok=True)
            video, said = normalise(source, place.video, part, job.speech)
            outcome.videos[job.name] = video
            outcome.remarks += said

        _attempt(job, outcome, take)
    return outcome


def _attempt(job: Job, outcome: Outcome, work: Callable[[], None]) -> None:
    try:
        work()
    except (LongtakeError, OSError) as error:
        outcome.failed[job.name] = str(error)


def _call_one(part: SystemPart, job: Job, place: Place, outcome: Outcome) -> None:
    place.work.mkdir(parents=True, exist_ok=True)
    names = placeholders(part, job, place)
    names["config"] = str(write_config(part, names, place.work) or "")
    seconds = call(part, names, place.work)
    _keep(part, job, place, names, seconds, outcome)


def _keep(part: SystemPart, job: Job, place: Place, names: Mapping[str, str], seconds: float, outcome: Outcome) -> None:
    raw = written(part, place, names)
    video, said = normalise(raw, place.video, part, job.speech)
    told = {"key": key_of(part, job), "command": part.command, "seconds": round(seconds, 2), "from": raw.name}
    replace_file(place.record, json.dumps(told, indent=1).encode())
    outcome.videos[job.name] = video
    outcome.remarks += said


def _call_together(part: SystemPart, jobs: Sequence[Job], folder: Path, outcome: Outcome, say: Say) -> None:
    """One call for all clips that are missing; each video that is there afterwards counts, whatever the call ended with."""
    say(f"{part.name}: {len(jobs)} clips in one call")
    places = {job.name: Place(folder, job) for job in jobs}
    for place in places.values():
        place.work.mkdir(parents=True, exist_ok=True)
    rows = [{**placeholders(part, job, places[job.name])} for job in jobs]
    listed = folder / "work" / "list.json"
    replace_file(listed, json.dumps(rows, indent=1).encode())
    why, seconds = "", 0.0
    try:
        seconds = call(
            part,
            {**placeholders(part, jobs[0], places[jobs[0].name]), "list": str(listed), "config": ""},
            listed.parent,
        )
    except LongtakeError as error:
        why = str(error)
    for job, names in zip(jobs, rows, strict=True):
        place = places[job.name]
        _attempt(
            job, outcome, lambda job=job, place=place, names=names: _keep(part, job, place, names, seconds, outcome)
        )
        if why and job.name in outcome.failed:
            outcome.failed[job.name] = why


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
