"""A function run as a command: our errors are told as instructions, with their exit codes."""

import sys
from collections.abc import Callable

import typer

from longtake.errors import LongtakeError


def run_command(function: Callable[..., None]) -> None:
    """Runs the function with options from the command line; an error of ours ends it without a traceback."""
    try:
        typer.run(function)
    except LongtakeError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from None
