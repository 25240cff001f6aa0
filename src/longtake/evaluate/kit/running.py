"""Other people's programs, called clip by clip: what goes in, the command, what came out; a crash is told, not raised."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from longtake.errors import InputError, LongtakeError, SettingsError
from longtake.evaluate.kit.calling import Job, Place, call, placeholders, write_config, written
from longtake.evaluate.kit.normalising import normalise
from longtake.evaluate.kit.recipe import SystemPart
from longtake.evaluate.kit.store import content_hash
from longtake.journal.files import replace_file

Say = Callable[[str], None]


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
