"""The command `report`: the records of a run as one page that needs no network."""

from __future__ import annotations

from pathlib import Path

from longtake.apps.report_page import MADE, Run, page
from longtake.errors import InputError, OutputError
from longtake.journal.journal import journal_folder
from longtake.journal.plan import PLAN, read_plan
from longtake.journal.records import RECORDS, read_records


def report(run: Path, out: Path | None = None) -> Path:
    """Where the page of a run was written; `run` is its video or its folder."""
    folder = run_folder(run)
    video = Path(str(folder).removesuffix(".longtake"))
    out = out or video.with_suffix(".report.html")
    text = page(read_run(folder, video.name))
    try:
        if out.exists() and not out.read_bytes().startswith(MADE.encode()):
            raise OutputError(f"'{out}' is there already and is no report.", do="choose another name with -o")
        out.write_text(text)
    except OSError as error:
        raise OutputError(f"'{out}' can't be written: {error.strerror}.", do="choose another place with -o") from error
    return out


def run_folder(run: Path) -> Path:
    """The folder with the records of a run that is named by its video or by that folder."""
    for folder in (run, journal_folder(run)):
        if (folder / PLAN).is_file():
            return folder
    if run.is_file():
        raise InputError(
            f"'{run}' has no records beside it.",
            expected=f"the folder {journal_folder(run).name}",
            do="a finished run removes them: make the video with --keep-journal",
        )
    if run.is_dir():
        raise InputError(
            f"'{run}' is not the folder of a run.",
            expected=f"{PLAN} and {RECORDS} in it, as in talk.mp4.longtake",
            do="give the video or its folder",
        )
    raise InputError(f"There is no run '{run}'.", expected="a video or its folder NAME.longtake", do="check the path")


def read_run(folder: Path, name: str) -> Run:
    """The run in a folder."""
    plan, records = read_plan(folder), read_records(folder)
    if not plan or not records:
        raise InputError(f"No segment is finished yet in '{folder}'.", do="wait for the first one and ask again")
    return Run(name, plan, records)
