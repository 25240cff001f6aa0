"""Prompts as people write them: on the command line, and in YAML, JSON, SubRip (.srt) and WebVTT (.vtt) files.

Whatever can't be read is a PromptError that names the line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from longtake.clips import Cue, Prompts
from longtake.errors import InputError, PromptError
from longtake.prompts import checked
from longtake.settings import did_you_mean
from longtake.times import seconds_of

MOST_BYTES = 16 << 20
TIME = r"-?\d[\d:.]*"
TIMED = re.compile(rf"\s*({TIME})\s*(?:-\s*({TIME})\s*)?=(.*)", re.DOTALL)
ARROW = re.compile(r"\s*(\S+)\s+-->\s+(\S+)(?:\s.*)?")
TAG = re.compile(r"</?[^<>]*>|\{\\[^{}]*\}")
NUMBERS = {"at": "start_s", "to": "stop_s", "strength": "strength", "ease": "ease_s", "pose": "pose", "face": "face"}
NUMBERS |= {"lip": "lip"}
CUE_KEYS = ("at", "to", "text", "strength", "ease", "negative", "pose", "face", "lip")
FILE_KEYS = ("negative", "defaults", "prompts")
DEPTH = 4  # a table, a list, a prompt, its defaults
SCHEMA = "a list of prompts like: - {at: 0:12, text: laughing}"


def parse_prompt(argument: str) -> Cue:
    """The cue of an argument: `smiling`, `0:12=laughing` or `0:12-0:15=laughing`."""
    found = TIMED.fullmatch(argument)
    if found:
        start, stop, text = found.groups()
        return Cue(_seconds(start), text.strip(), None if stop is None else _seconds(stop))
    lead, sign, _ = argument.partition("=")
    if sign and any(letter.isdigit() for letter in lead):
        raise PromptError(
            f"'{lead.strip()}' in the prompt '{argument}' is not a time.",
            expected='TIME=TEXT or TIME-TIME=TEXT, like 0:12="laughing" or 12.5-15=laughing',
        )
    return Cue(0.0, argument)


def said(arguments: Sequence[str], file: Path | None = None, negative: str | None = None) -> Prompts | None:
    """The track of a command line: of its arguments, or of a file; `negative` in the place of the file's. None: nothing said."""
    if not arguments and file is None and negative is None:
        return None
    track = read_prompts(file) if file else checked(parse_prompt(argument) for argument in arguments)
    return track if negative is None else checked(track.cues, negative)


def read_prompts(path: Path) -> Prompts:
    """The prompts in a file, by the ending of its name."""
    readers = {".srt": _srt, ".vtt": _vtt, ".json": _json, ".yaml": _yaml, ".yml": _yaml}
    read = readers.get(path.suffix.lower())
    if read is None:
        raise PromptError(f"'{path}' has no known ending.", expected=", ".join(readers), do="rename the file")
    text = _content(path)
    try:
        return read(text)
    except PromptError as error:
        raise PromptError(f"{path}: {error.seen}", expected=error.expected, do=error.do) from error


def _content(path: Path) -> str:
    try:
        raw = path.read_bytes() if path.stat().st_size <= MOST_BYTES else None
    except FileNotFoundError as error:
        raise PromptError(f"There is no file of prompts '{path}'.", do="check the path") from error
    except OSError as error:
        raise PromptError(f"The file of prompts '{path}' can't be read: {error.strerror}.") from error
    if raw is None:
        raise PromptError(f"'{path}' is too large for prompts.", expected=f"at most {MOST_BYTES >> 20} MB")
    try:
        return raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise PromptError(f"'{path}' is not text in UTF-8, line {line}.", do="save it as UTF-8") from error


# Subtitles


def _srt(text: str) -> Prompts:
    """Blocks of a number, a line of times and lines of text, with empty lines between them."""
    return checked(cue for block in _blocks(text.splitlines(), 1) for cue in _cue(block))


def _vtt(text: str) -> Prompts:
    """As SubRip, below a line WEBVTT; notes and styles are passed over."""
    lines = text.splitlines()
    if not lines or not re.fullmatch(r"WEBVTT([ \t].*)?", lines[0]):
        raise PromptError("line 1 is not the beginning of a WebVTT file.", expected="a first line WEBVTT")
    blocks = list(_blocks(lines[1:], 2))
    if blocks and blocks[0][0][0] == 2 and not any("-->" in line for _, line in blocks[0]):
        blocks = blocks[1:]  # the rest of the head
    aside = re.compile(r"(NOTE|STYLE|REGION)([ \t].*)?")
    return checked(cue for block in blocks if not aside.fullmatch(block[0][1]) for cue in _cue(block))


def _blocks(lines: list[str], first: int) -> Iterator[list[tuple[int, str]]]:
    """Lines that follow each other without an empty one, with their numbers."""
    block: list[tuple[int, str]] = []
    for number, line in enumerate([*lines, ""], first):
        if line.strip():
            block.append((number, line))
        elif block:
            yield block
            block = []


def _cue(block: list[tuple[int, str]]) -> Iterator[Cue]:
    place = next((k for k, (_, line) in enumerate(block[:2]) if "-->" in line), None)
    if place is None:
        number, line = block[min(1, len(block) - 1)]
        raise PromptError(
            f"line {number} is not a line of times: '{line[:60]}'.", expected="00:00:12,000 --> 00:00:15,500"
        )
    number, line = block[place]
    found = ARROW.fullmatch(line)
    if not found:
        raise PromptError(f"line {number}: '{line[:60]}' has not two times.", expected="00:00:12,000 --> 00:00:15,500")
    start, stop = (_located(number, _seconds, part.replace(",", ".")) for part in found.groups())
    for other, below in block[place + 1 :]:
        if "-->" in below:
            raise PromptError(f"line {other}: there is no empty line before this prompt.", do="add one")
    text = " ".join(TAG.sub("", line).strip() for _, line in block[place + 1 :])
    yield _located(number, _one, Cue(start, text, stop))


# YAML and JSON


@dataclass(frozen=True)
class Found:
    """A value of a file and the line where it begins."""

    value: Any  # str, list[Found], or dict[str, Found]; None for nothing
    line: int


def _json(text: str) -> Prompts:
    """JSON values do not know their lines: errors in them name the prompt."""
    try:
        return _track(_of_json(json.loads(text), DEPTH))
    except json.JSONDecodeError as error:
        raise PromptError(f"line {error.lineno} is not JSON: {error.msg}.", expected=SCHEMA) from error
    except RecursionError as error:
        raise PromptError("it is nested too deeply.", expected=SCHEMA) from error


def _of_json(value: Any, depth: int) -> Found:
    if isinstance(value, dict | list) and not depth:
        raise PromptError("it is nested too deeply.", expected=SCHEMA)
    if isinstance(value, dict):
        return Found({key: _of_json(inner, depth - 1) for key, inner in value.items()}, 0)
    if isinstance(value, list):
        return Found([_of_json(inner, depth - 1) for inner in value], 0)
    return Found(None if value is None else str(value), 0)


def _yaml(text: str) -> Prompts:
    import yaml

    try:
        return _track(_of_events(yaml.parse(text, getattr(yaml, "CBaseLoader", yaml.BaseLoader))))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else "the file"
        said = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise PromptError(f"{where} is not YAML: {said}.", expected=SCHEMA) from error


def _of_events(events: Iterable[Any]) -> Found:
    """The values of a YAML file, event by event: the library's own way to values recurses, and an alias could grow."""
    import yaml

    root: list[Found] = []
    open_ones: list[tuple[list[Found], int]] = [
        (root, 1)
    ]  # what is inside each table or list not ended yet, and its line
    for event in events:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise PromptError(f"line {line}: an alias (*{event.anchor}) can't be used here.", do="write the values out")
        if isinstance(event, yaml.ScalarEvent):
            empty = event.style is None and event.value in ("", "~", "null")
            open_ones[-1][0].append(Found(None if empty else event.value, line))
        elif isinstance(event, yaml.CollectionStartEvent):
            if len(open_ones) > DEPTH:
                raise PromptError(f"line {line}: it is nested too deeply.", expected=SCHEMA)
            open_ones.append(([], line))
        elif isinstance(event, yaml.CollectionEndEvent):
            inside, line = open_ones.pop()
            if isinstance(event, yaml.MappingEndEvent):
                pairs = zip(inside[::2], inside[1::2], strict=True)
                open_ones[-1][0].append(Found({str(key.value): value for key, value in pairs}, line))
            else:
                open_ones[-1][0].append(Found(inside, line))
    if len(root) > 1:
        raise PromptError(f"line {root[1].line}: a second document begins.", expected="one document")
    return root[0] if root else Found(None, 1)


def _track(found: Found) -> Prompts:
    """The track of a file: its cues, and what holds for those after it where a list says `defaults`."""
    if found.value is None:
        return Prompts()
    if isinstance(found.value, list):
        found = Found({"prompts": found}, found.line)
    table = _table(found, FILE_KEYS)
    usual = _defaults(table.get("defaults"))
    listed = table.get("prompts", Found([], found.line))
    if not isinstance(listed.value, list):
        raise PromptError(f"{_place(listed)}'prompts' is not a list.", expected=SCHEMA)
    cues = []
    for number, entry in enumerate(listed.value, 1):
        entry = entry if entry.line else Found(entry.value, -number)
        if isinstance(entry.value, dict) and set(entry.value) == {"defaults"}:
            usual = usual | _defaults(entry.value["defaults"])
            continue
        told = _table(entry, CUE_KEYS)
        if "at" not in told:
            raise PromptError(f"{_place(entry)}a prompt has no time.", expected=SCHEMA, do="add at: TIME")
        cue = Cue(0.0, **{k: v for k, v in usual.items() if k != "negative"}, negative=usual.get("negative"))
        cues.append(_located(entry.line, _one, replace(cue, **_values(told, entry.line))))
    negative = table.get("negative")
    return checked(cues, "" if negative is None else _word(negative, "negative", 0))


def _defaults(found: Found | None) -> dict[str, Any]:
    if found is None or found.value is None:
        return {}
    return _values(_table(found, tuple(key for key in CUE_KEYS if key not in ("at", "to", "text"))), found.line)


def _table(found: Found, known: tuple[str, ...]) -> dict[str, Found]:
    """The entries of a table, all of them known."""
    if not isinstance(found.value, dict):
        raise PromptError(f"{_place(found)}'{str(found.value)[:40]}' is not a table.", expected=SCHEMA)
    for key, value in found.value.items():
        if key not in known:
            raise PromptError(
                f"{_place(value if value.line else found)}there is no '{key}' of a prompt{did_you_mean(key, known)}",
                expected=", ".join(known),
            )
    return found.value


def _values(told: dict[str, Found], line: int) -> dict[str, Any]:
    """The fields of a cue that a table gives."""
    values: dict[str, Any] = {}
    for key, found in told.items():
        if found.value is None and key in ("to", "text", "negative"):
            values[NUMBERS.get(key, key)] = "" if key == "text" else None
        elif key in NUMBERS:
            at = found.line or line
            text = _word(found, key, at)
            values[NUMBERS[key]] = _located(at, _seconds if key in ("at", "to", "ease") else _number, text)
        else:
            values[key] = _word(found, key, line)
    return values


def _word(found: Found, key: str, line: int) -> str:
    if not isinstance(found.value, str):
        raise PromptError(
            f"{_place(found if found.line else Found(None, line))}'{key}' is not one value.", expected=SCHEMA
        )
    return found.value


def _place(found: Found) -> str:
    """Where something is, as the beginning of a message: a line, or in JSON the number of the prompt."""
    return _where(found.line)


def _where(line: int) -> str:
    return "" if not line else f"line {line}: " if line > 0 else f"prompt {-line}: "


def _located(line: int, act: Any, given: Any) -> Any:
    """What `act` makes of something, its errors with the place in front."""
    try:
        return act(given)
    except InputError as error:
        raise PromptError(f"{_where(line)}{error.seen}", expected=error.expected, do=error.do) from error


def _one(cue: Cue) -> Cue:
    """A cue that is right by itself."""
    return checked([cue]).cues[0]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise PromptError(f"'{text}' is not a number.") from error


def _seconds(text: str) -> float:
    if text.lstrip().startswith("-"):
        raise PromptError(f"The time {text.strip()} lies before the beginning.", expected="a time of 0 or more")
    try:
        return seconds_of(text)
    except InputError as error:
        raise PromptError(error.seen, expected=error.expected, do=error.do) from error
