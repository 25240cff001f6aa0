"""What a run is: nothing goes on unless all of it is the same as when it began."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from longtake import __version__
from longtake.clips import Portrait, Speech
from longtake.errors import JournalDamaged, JournalMismatch
from longtake.journal.files import replace_file
from longtake.times import clock

FORMAT = 1
PLAN = "run.json"
Plan = dict[str, Any]
FREE = ("names", "finished")  # told, but not compared
INPUTS = {
    "inputs.portrait": "the portrait is another picture",
    "inputs.speech": "the speech is another sound",
    "inputs.picture": "the picture round the portrait is another",
}


def plan(
    portrait: Portrait,
    speech: Speech,
    made_by: dict[str, Any],
    frames: int,
    run: dict[str, Any],
    prompts: dict[str, Any] | None = None,
    picture: UInt8[np.ndarray, "H W 3"] | None = None,
) -> Plan:
    """The plan of a run: its inputs by their content, what makes the video, and where (`run`).

    `picture`: the one that the portrait was cut from, where the video shows it.
    """
    seen = hashlib.sha256()
    for part in (portrait.picture, portrait.landmarks, portrait.identity):
        seen.update(part.tobytes())
    with open(speech.path, "rb") as file:
        heard = hashlib.file_digest(file, "sha256")
    around = {} if picture is None else {"picture": hashlib.sha256(picture.tobytes()).hexdigest()}
    told = {
        "format": FORMAT,
        "longtake": __version__,
        "inputs": {"portrait": seen.hexdigest(), "speech": heard.hexdigest(), **around},
        "frames": frames,
        "run": run,
        **made_by,
        "prompts": prompts or {},
        "names": {"speech": str(speech.path)},
    }
    return json.loads(json.dumps(told, default=str))


def made_by(plan: Plan) -> dict[str, Any]:
    """What the finished video says about its making."""
    told = {name: plan[name] for name in ("preset", "seed", "settings", "weights", "inputs")}
    return told | ({"prompts": plan["prompts"]} if plan.get("prompts") else {})


def expect_inputs(old: dict[str, Any], plan: Plan, video: Path) -> None:
    """Raises JournalMismatch unless a video was made from the inputs of this plan; `old` is what it says of its making."""
    before = old.get("inputs") or {}
    others = [said for name, said in INPUTS.items() if flat({"inputs": before}).get(name) != flat(plan).get(name)]
    if others:
        raise JournalMismatch(
            f"'{video}' was made from other inputs: {'; '.join(others)}.", do="give those that it was made from"
        )


def write_plan(folder: Path, plan: Plan) -> None:
    """Writes the plan in one step."""
    replace_file(folder / PLAN, json.dumps(plan, indent=1).encode() + b"\n")


def read_plan(folder: Path) -> Plan | None:
    """The plan in a run's folder; None if it has none yet."""
    path = folder / PLAN
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_bytes())
        assert isinstance(found, dict)
    except (ValueError, AssertionError) as error:
        raise JournalDamaged(
            f"'{path}' is not as it was written.", do="start again with --restart, or remove the folder"
        ) from error
    return found


def expect_same(old: Plan, new: Plan, folder: Path) -> None:
    """Raises JournalMismatch if a run of plan `new` can't go on from one of plan `old`."""
    if old.get("format") != FORMAT:
        raise JournalMismatch(
            f"'{folder}' was written by another version of longtake ({old.get('longtake', 'unknown')}).",
            expected=f"format {FORMAT}, found {old.get('format')}",
            do="finish it with that version, or start again with --restart",
        )
    changes = list(differences(old, new))
    if changes:
        raise JournalMismatch(
            f"'{folder}' holds an unfinished video of another run: {'; '.join(changes)}.",
            do="give the same inputs and settings to go on with it, --restart to drop it, or another name with -o",
        )


def differences(old: Plan, new: Plan) -> Iterator[str]:
    """What has changed, in words."""
    before, after = flat(old), flat(new)
    weights = False
    for name in sorted({*before, *after}):
        if name.split(".")[0] in FREE or before.get(name) == after.get(name):
            continue
        if name.startswith("weights."):
            weights = True
        elif name == "prompts.cues":
            yield f"the prompts are others{_since(before.get(name, []), after.get(name, []))}"
        elif name == "frames" and before["inputs.speech"] != after["inputs.speech"]:
            continue  # another sound has another length
        else:
            shown = name.removeprefix("settings.")
            yield (
                INPUTS.get(name) or f"{shown} was {before.get(name, 'not there')} and is {after.get(name, 'not there')}"
            )
    if weights:
        yield "the weights are others"


def _since(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> str:
    """From when on two lists of cues differ, as a clause."""
    differ = [pair for pair in zip_longest(before, after) if pair[0] != pair[1]]
    return f" from {clock(min(cue['start_s'] for cue in differ[0] if cue))} on" if differ else ""


def flat(table: dict[str, Any], lead: str = "") -> dict[str, Any]:
    """Nested tables as one, with names like `settings.sampling.steps`."""
    result: dict[str, Any] = {}
    for name, value in table.items():
        result |= flat(value, f"{lead}{name}.") if isinstance(value, dict) else {f"{lead}{name}": value}
    return result
