"""Prompts in YAML and JSON: a list of tables, or a table with such a list (docs/prompts.md)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from longtake.clips import Cue, Prompts
from longtake.errors import PromptError
from longtake.prompt_places import located, right, time_of, where
from longtake.prompts import checked
from longtake.settings import did_you_mean

NUMBERS = {
    "at": "start_s",
    "to": "stop_s",
    "strength": "strength",
    "ease": "ease_s",
    "pose": "pose",
    "face": "face",
    "lip": "lip",
}
"""What a number is called in a file, and in a cue."""
TIMES = ("at", "to", "ease")
CUE_KEYS = ("at", "to", "text", "strength", "ease", "negative", "pose", "face", "lip")
USUAL_KEYS = CUE_KEYS[3:]
FILE_KEYS = ("negative", "defaults", "prompts")
DEPTH = 4  # a table, a list, a prompt, its defaults
SCHEMA = "a list of prompts like: - {at: 0:12, text: laughing}"


@dataclass(frozen=True)
class Found:
    """A value of a file and the line where it begins; 0 where that is not known."""

    value: Any  # str, list[Found], or dict[str, Found]; None for nothing
    line: int


def read_json(text: str) -> Prompts:
    """The track in a JSON text. Its values do not know their lines: errors in them name the prompt."""
    try:
        # Numbers stay as they are written: a whole one of many thousand digits would be an error of another kind.
        return _track(_of_json(json.loads(text, parse_int=str, parse_float=str, object_pairs_hook=_object), DEPTH))
    except json.JSONDecodeError as error:
        raise PromptError(f"line {error.lineno} is not JSON: {error.msg}.", expected=SCHEMA) from error
    except RecursionError as error:
        raise _too_deep(0) from error


def read_yaml(text: str) -> Prompts:
    """The track in a YAML text."""
    import yaml

    try:
        return _track(_of_events(yaml.parse(text, getattr(yaml, "CBaseLoader", yaml.BaseLoader))))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark else "the file"
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise PromptError(f"{place} is not YAML: {problem}.", expected=SCHEMA) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        name = next(name for name in names if names.count(name) > 1)
        raise PromptError(f"'{name[:40]}' is said twice in one table.", do="remove one of the two")
    return found


def _of_json(value: Any, depth: int) -> Found:
    if isinstance(value, dict | list) and not depth:
        raise _too_deep(0)
    if isinstance(value, dict):
        return Found({key: _of_json(inner, depth - 1) for key, inner in value.items()}, 0)
    if isinstance(value, list):
        return Found([_of_json(inner, depth - 1) for inner in value], 0)
    return Found(None if value is None else str(value), 0)


def _of_events(events: Iterable[Any]) -> Found:
    """The values of a YAML file, event by event: the library's own way to values recurses, and an alias could grow."""
    import yaml

    root: list[Found] = []
    # What is inside each table or list that has not ended yet, and the line where it begins.
    open_ones: list[tuple[list[Found], int]] = [(root, 1)]
    for event in events:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise PromptError(f"line {line}: an alias (*{event.anchor}) can't be used here.", do="write the values out")
        if isinstance(event, yaml.ScalarEvent):
            empty = not event.style and event.value in ("", "~", "null")
            open_ones[-1][0].append(Found(None if empty else event.value, line))
        elif isinstance(event, yaml.CollectionStartEvent):
            if len(open_ones) > DEPTH:
                raise _too_deep(line)
            open_ones.append(([], line))
        elif isinstance(event, yaml.CollectionEndEvent):
            inside, line = open_ones.pop()
            ended = _pairs(inside) if isinstance(event, yaml.MappingEndEvent) else inside
            open_ones[-1][0].append(Found(ended, line))
    if len(root) > 1:
        raise PromptError(f"line {root[1].line}: a second document begins.", expected="one document")
    return root[0] if root else Found(None, 1)


def _pairs(inside: list[Found]) -> dict[str, Found]:
    """The entries of a table whose names and values follow each other."""
    table: dict[str, Found] = {}
    for key, value in zip(inside[::2], inside[1::2], strict=True):
        name = str(key.value)
        if name in table:
            raise PromptError(f"{where(key.line)}'{name[:40]}' is said twice.", do="remove one of the two")
        table[name] = value
    return table


def _track(found: Found) -> Prompts:
    """The track of a file: its cues, and what holds for those after it where a list says `defaults`."""
    if found.value is None:
        return Prompts()
    table = {"prompts": found} if isinstance(found.value, list) else _table(found, FILE_KEYS)
    negative, listed = (table.get(key, Found(None, 0)) for key in ("negative", "prompts"))
    if not isinstance(listed.value, list | None):
        raise PromptError(f"{where(listed.line)}'prompts' is not a list.", expected=SCHEMA)
    usual = _defaults(table.get("defaults"))
    cues = []
    for number, entry in enumerate(listed.value or [], 1):
        entry = entry if entry.line else replace(entry, line=-number)
        if isinstance(entry.value, dict) and set(entry.value) == {"defaults"}:
            usual = usual | _defaults(entry.value["defaults"])
            continue
        told = _table(entry, CUE_KEYS)
        if "at" not in told:
            raise PromptError(f"{where(entry.line)}a prompt has no time.", expected=SCHEMA, do="add at: TIME")
        cues.append(located(entry.line, right, Cue(**usual | _values(told, entry.line))))
    return checked(cues, "" if negative.value is None else _word(negative, "negative", 0))


def _defaults(found: Found | None) -> dict[str, Any]:
    if found is None or found.value is None:
        return {}
    return _values(_table(found, USUAL_KEYS), found.line)


def _table(found: Found, known: tuple[str, ...]) -> dict[str, Found]:
    """The entries of a table, all of them known."""
    if not isinstance(found.value, dict):
        raise PromptError(f"{where(found.line)}'{str(found.value)[:40]}' is not a table.", expected=SCHEMA)
    for key, value in found.value.items():
        if key not in known:
            raise PromptError(
                f"{where(value.line or found.line)}there is no '{key[:40]}' of a prompt{did_you_mean(key[:40], known)}",
                expected=", ".join(known),
            )
    return found.value


def _values(told: dict[str, Found], line: int) -> dict[str, Any]:
    """The fields of a cue that a table gives."""
    values: dict[str, Any] = {}
    for key, found in told.items():
        name = NUMBERS.get(key, key)
        if found.value is None and key in ("to", "text", "negative"):
            values[name] = "" if key == "text" else None
            continue
        word = _word(found, key, line)
        act = time_of if key in TIMES else _number
        values[name] = located(found.line or line, act, word) if key in NUMBERS else word
    return values


def _word(found: Found, key: str, line: int) -> str:
    if not isinstance(found.value, str):
        raise PromptError(f"{where(found.line or line)}'{key}' is not one value.", expected=SCHEMA)
    return found.value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise PromptError(f"'{text[:40]}' is not a number.") from error


def _too_deep(line: int) -> PromptError:
    return PromptError(f"{where(line)}it is nested too deeply.", expected=SCHEMA)
