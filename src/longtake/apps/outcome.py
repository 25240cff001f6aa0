"""How a command ends: one plain message on the error stream and the exit code of the error tree; a traceback only on demand."""

from __future__ import annotations

import signal
import sys
import traceback

import typer

from longtake.errors import LongtakeError, MissingDependency, RunInterrupted, missing

USAGE_EXIT_CODE = 2
# Typer carries a copy of click inside; the base of all its usage errors is reached through the one it exports.
UsageError = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
EXTRAS = {  # package → extra
    "accelerate": "train",
    "soundfile": "train",
    "scipy": "train",
    "numba": "corpus",
    "transformers": "hallo2",
    "onnxruntime": "hallo2",
    "huggingface_hub": "hallo2",
}


def run_app(app: typer.Typer, arguments: list[str]) -> int:
    """The exit code of the command line `arguments`, after running it."""
    debug = "--debug" in arguments
    # A polite kill keeps the video as Ctrl-C does; and Ctrl-C works in the background of a script too.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        result = app([argument for argument in arguments if argument != "--debug"], standalone_mode=False)
        return result if isinstance(result, int) else 0
    except BaseException as error:
        return report(error, debug)


def report(error: BaseException, debug: bool) -> int:
    """The exit code for an error, after saying what happened."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if isinstance(error, UsageError):
        error.show()  # type: ignore[attr-defined]
        return USAGE_EXIT_CODE
    if debug:
        traceback.print_exception(error)
    known = known_error(error)
    if known is None:
        say(
            f"An error that should not happen: {type(error).__name__}: {error}\nNext: run it with --debug and report it."
        )
        return LongtakeError.exit_code
    say(str(known))
    return known.exit_code


def say(message: str) -> None:
    """Prints a message for the person, apart from the results."""
    print(f"longtake: {message}", file=sys.stderr)


def known_error(error: BaseException) -> LongtakeError | None:
    """The error of our tree that `error` is or means."""
    if isinstance(error, LongtakeError):
        return error
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return RunInterrupted("Stopped.")
    if isinstance(error, ModuleNotFoundError) and error.name:
        return _missing(error.name.partition(".")[0])
    if isinstance(error, MemoryError):
        return LongtakeError("There is not enough memory.", do="close other programs, or lower run.decode_frames")
    return None


def _missing(package: str) -> MissingDependency | None:
    return missing(package, EXTRAS[package], "This command") if package in EXTRAS else None


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
