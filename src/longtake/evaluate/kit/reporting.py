"""The folder of a report: metrics.json, metrics.csv, report.md; the page is the app's."""

from __future__ import annotations

from pathlib import Path

from longtake.errors import OutputError
from longtake.evaluate.kit.results import Result, write_result
from longtake.evaluate.kit.tables import csv_text, markdown_text

NAMES = {"json": "metrics.json", "csv": "metrics.csv", "markdown": "report.md", "page": "index.html"}


def check_out(folder: Path) -> Path:
    """The folder, made if need be; an OutputError where nothing can be written. Cheap: call it before the long work."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(
            f"'{folder}' can't be written: {error.strerror}.", do="choose another place with -o"
        ) from error
    return folder


def write_report(result: Result, folder: Path) -> list[Path]:
    """The files that were written."""
    try:
        written = [write_result(result, folder / NAMES["json"])]
        for kind, text in (("csv", csv_text(result)), ("markdown", markdown_text(result))):
            path = folder / NAMES[kind]
            path.write_text(text)
            written.append(path)
    except OSError as error:
        raise OutputError(
            f"'{folder}' can't be written: {error.strerror}.", do="choose another place with -o"
        ) from error
    return written
