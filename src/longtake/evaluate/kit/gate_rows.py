"""The row of `gates.json` that the mini report gives: whether its scores order the model before its controls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from longtake.errors import InputError
from longtake.evaluate.kit.ordering import share_ordered
from longtake.evaluate.kit.results import read_result
from longtake.evaluate.rows import Row, row

REPORTS = (Path("report/metrics.json"), Path("benchmarks/mini-report.json"))
"""What `make report` wrote here, else what was published."""


def ordered_rows(reports: Sequence[Path] = REPORTS) -> list[Row]:
    """`controls_ordered` from the first report that is there; nothing where there is none."""
    for path in reports:
        if path.is_file():
            result = read_result(path)
            if not result.ordered:
                raise InputError(f"'{path}' says nothing of controls.", do="make it anew: make report")
            share, note = share_ordered(result.ordered)
            told = f"{result.made.get('date', '')}, {result.made.get('commit', '')}"
            return [
                row("controls_ordered", share, f"{path}: {result.data.get('said', '')}", f"{note}; measured {told}")
            ]
    return []
