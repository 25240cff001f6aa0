"""Prompts as people write them: on the command line, and in YAML, JSON, SubRip (.srt) and WebVTT (.vtt) files.

Whatever can't be read is a PromptError that names the line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from longtake.clips import Cue, Prompts
from longtake.errors import PromptError
from longtake.prompt_places import time_of
from longtake.prompt_tables import read_json, read_yaml
from longtake.prompts import checked
from longtake.subtitles import read_srt, read_vtt

MOST_BYTES = 16 << 20
TIME = r"-?\d[\d:.]*"
TIMED = re.compile(rf"\s*({TIME})\s*(?:-\s*({TIME})\s*)?=(.*)", re.DOTALL)
READERS = {".srt": read_srt, ".vtt": read_vtt, ".json": read_json, ".yaml": read_yaml, ".yml": read_yaml}


def parse_prompt(argument: str) -> Cue:
    """The cue of an argument: `smiling`, `0:12=laughing` or `0:12-0:15=laughing`."""
    found = TIMED.fullmatch(argument)
    if found:
        start, stop, text = found.groups()
        return Cue(time_of(start), text.strip(), None if stop is None else time_of(stop))
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
    read = READERS.get(path.suffix.lower())
    if read is None:
        raise PromptError(f"'{path}' has no known ending.", expected=", ".join(READERS), do="rename the file")
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
