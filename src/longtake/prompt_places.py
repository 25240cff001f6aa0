"""Where in a file of prompts something stands, and errors that say so."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from longtake.clips import Cue
from longtake.errors import InputError, PromptError
from longtake.prompts import checked
from longtake.times import seconds_of

Given = TypeVar("Given")
Made = TypeVar("Made")


def where(line: int) -> str:
    """The beginning of a message: a line, below 0 the number of a prompt (JSON knows no lines), nothing for 0."""
    return "" if not line else f"line {line}: " if line > 0 else f"prompt {-line}: "


def located(line: int, act: Callable[[Given], Made], given: Given) -> Made:
    """What `act` makes of something, its errors with the place in front."""
    try:
        return act(given)
    except InputError as error:
        raise PromptError(f"{where(line)}{error.seen}", expected=error.expected, do=error.do) from error


def right(cue: Cue) -> Cue:
    """The cue, if it is right by itself, or a PromptError."""
    return checked([cue]).cues[0]


def time_of(text: str) -> float:
    """The seconds of a time in a track, or a PromptError."""
    if text.lstrip().startswith("-"):
        raise PromptError(f"The time {text.strip()} lies before the beginning.", expected="a time of 0 or more")
    return located(0, seconds_of, text)
