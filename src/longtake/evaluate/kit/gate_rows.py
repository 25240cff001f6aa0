"""Rows of `gates.json` from what was measured apart: are the controls in order, and how well the judges judge."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from longtake.errors import InputError
from longtake.evaluate.kit.ordering import share_ordered
from longtake.evaluate.kit.results import read_result
from longtake.evaluate.rows import Row, row

REPORTS = (Path("report/metrics.json"), Path("benchmarks/mini-report.json"))
"""What `make report` wrote here, else what was published."""
JUDGES = (Path("judges.json"), Path("benchmarks/judges.json"))
"""What `python -m longtake.train.judge_check --json` wrote here, else what was published."""
JUDGED = {"syncnet": "sync_detector_accuracy", "facenet": "faults_ordered"}


def kit_rows(reports: Sequence[Path] = REPORTS, judges: Sequence[Path] = JUDGES) -> list[Row]:
    """The rows that there are files for."""
    return [*ordered_rows(reports), *judge_rows(judges)]


def ordered_rows(reports: Sequence[Path]) -> Iterator[Row]:
    """`controls_ordered` from the first report that is there."""
    path = next((path for path in reports if path.is_file()), None)
    if path is None:
        return
    result = read_result(path)
    if not result.ordered:
        raise InputError(f"'{path}' says nothing of controls.", do="make it anew: make report")
    share, note = share_ordered(result.ordered)
    told = f"{note}; measured {result.made.get('date', '')}, {result.made.get('commit', '')}"
    yield row("controls_ordered", share, f"{path}: {result.data.get('said', '')}", told)


def judge_rows(judges: Sequence[Path]) -> Iterator[Row]:
    """How well the judges judge clips they never saw, from the first file that is there."""
    path = next((path for path in judges if path.is_file()), None)
    if path is None:
        return
    told = json.loads(path.read_text())
    for judge, name in JUDGED.items():
        value = told.get(judge, {}).get(name)
        if value is not None and value == value:
            yield row(name, value, f"{path}: held-out clips")
