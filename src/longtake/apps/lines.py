"""The progress of a run for programs: one JSON object a line on standard output, as docs/long-runs.md lists them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from longtake.apps.outcome import known_error, say


class Lines:
    """Writes events; a reader that went away is told of once, and the work goes on."""

    def __init__(self, wanted: bool = True) -> None:
        self.wanted = wanted

    def write(self, event: str, **values: Any) -> None:
        """Prints one line at once."""
        if not self.wanted:
            return
        try:
            print(json.dumps({"event": event, **values}, default=str), flush=True)
        except BrokenPipeError:
            self.wanted = False
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains of it at its end
            say("nobody reads the progress lines any more; the work goes on")


@contextmanager
def event_lines(wanted: bool) -> Iterator[Lines]:
    """The writer of events. An error inside becomes the last line, and goes on to whoever turns it into an exit code."""
    lines = Lines(wanted)
    try:
        yield lines
    except BaseException as error:
        known = known_error(error)
        lines.write(
            "error",
            kind=type(known).__name__ if known else type(error).__name__,
            exit_code=known.exit_code if known else 1,
            seen=known.seen if known else str(error),
            expected=known.expected if known else "",
            do=known.do if known else "run it with --debug and report it",
        )
        raise
