"""Times as people write them."""

from __future__ import annotations

import re

from longtake.errors import InputError

CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?|\.\d+)")


def seconds_of(text: str) -> float:
    """Seconds of a time like `90`, `1:30`, `1:30.5` or `1:02:03`."""
    found = CLOCK.fullmatch(text.strip())
    if not found:
        raise InputError(f"'{text}' is not a time.", expected="seconds or a clock, like 90, 1:30.5 or 1:02:03")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    if found.group(2) and (seconds >= 60 or (found.group(1) and minutes >= 60)):
        raise InputError(
            f"'{text}' is not a time: a minute has 60 seconds, an hour 60 minutes.", do="give 1:30, not 0:90"
        )
    return 3600 * hours + 60 * minutes + seconds


def clock(seconds: float) -> str:
    """The time as a clock: 1:30.5, or 1:02:03."""
    whole, rest = divmod(round(seconds * 10), 10)
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    lead = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{lead}:{seconds:02d}" + (f".{rest}" if rest else "")
