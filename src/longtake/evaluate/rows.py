"""The rows of the gates table: a value, its bar, the set it was measured on; as JSON and as a table."""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import SupportsFloat

WIDTH = 150
"""Of the table where it is not printed on a screen."""


@dataclass(frozen=True)
class Bar:
    """A range that a value must lie in; an open end is None."""

    low: float | None = None
    high: float | None = None

    def holds(self, value: float) -> bool:
        """Whether the value lies in the range; NaN never does."""
        return value == value and (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def __str__(self) -> str:
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g}"
        return f">= {self.low:g}" if self.low is not None else f"<= {self.high:g}"

    def number(self) -> float | list[float] | None:
        """The bar as JSON has it: one number, or both ends."""
        ends = [end for end in (self.low, self.high) if end is not None]
        return ends[0] if len(ends) == 1 else ends


BARS = {
    "mouth_correlation": Bar(low=0.60),
    "mouth_correlation_swapped": Bar(high=0.20),
    "vowel_closure_effect": Bar(low=0.8),
    "identity_distance": Bar(high=0.40),
    "motion_energy_ratio": Bar(low=0.5, high=1.5),
    "blink_rate": Bar(low=5, high=40),
    "head_motion_ratio": Bar(low=0.3, high=2.0),
    "border_jump": Bar(high=1.5),
    "faces_found": Bar(low=1.0),
    "drift_identity": Bar(high=0.05),
    "drift_sharpness": Bar(low=0.8, high=1.25),
    "background_psnr_drop_db": Bar(high=2.0),
    "audio_zeroed_correlation": Bar(high=0.1),
    "controls_beaten": Bar(low=3),
    "controls_ordered": Bar(low=1.0),
    "sync_detector_accuracy": Bar(low=0.85),
    "faults_ordered": Bar(low=1.0),
    "words_direction": Bar(low=0.8),
    "words_effect": Bar(low=0.5),
    "words_unseen_phrasings": Bar(low=0.7),
    "words_lip_sync_loss": Bar(high=0.08),
    "words_identity_rise": Bar(high=0.05),
    "words_reaction_s": Bar(high=0.6),
    "words_jump": Bar(high=1.0),
    "enhance_flicker_ratio": Bar(high=0.7),
    "enhance_psnr_gain_over_lanczos_db": Bar(low=0.01),
    "enhance_psnr_gain_over_per_frame_db": Bar(low=0.01),
    "enhance_window_border": Bar(high=1.1),
    "enhance_code_perplexity": Bar(low=0.2),
}
"""The bars of the project's gates; a row without one is told for comparison."""


@dataclass(frozen=True)
class Row:
    """One measured number, with the set that it was measured on."""

    name: str
    value: float
    set: str
    bar: Bar | None = None
    note: str = ""

    @property
    def passed(self) -> bool | None:
        """Whether the value holds its bar; None without one."""
        return None if self.bar is None else self.bar.holds(self.value)

    def json(self) -> dict:
        """The row for `gates.json`."""
        return {
            "name": self.name,
            "value": round(float(self.value), 4) if self.value == self.value else None,
            "bar": None if self.bar is None else self.bar.number(),
            "rule": "" if self.bar is None else str(self.bar),
            "pass": self.passed,
            "set": self.set,
            "note": self.note,
        }


def row(name: str, value: SupportsFloat, set: str, note: str = "") -> Row:
    """A row with the project's bar for its name, where there is one."""
    return Row(name, float(value), set, BARS.get(name), note)


def write_json(rows: Iterable[Row], path: Path) -> None:
    """Writes the list of rows."""
    path.write_text(json.dumps([row.json() for row in rows], indent=1, ensure_ascii=False) + "\n")


def print_table(rows: Iterable[Row], title: str) -> None:
    """Prints the rows as a table, rows with a bar first."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title)
    for column in ("row", "value", "bar", "", "set", "note"):
        table.add_column(
            column, justify="right" if column == "value" else "left", no_wrap=column in ("row", "value", "bar")
        )
    for r in sorted(rows, key=lambda r: r.bar is None):
        mark = {True: "[green]pass[/]", False: "[red]FAIL[/]", None: ""}[r.passed]
        table.add_row(r.name, f"{r.value:.3f}", "" if r.bar is None else str(r.bar), mark, r.set, r.note)
    width = None if sys.stdout.isatty() else WIDTH
    Console(width=width).print(table)


def markdown_table(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| row | value | bar | | set |", "| --- | ---: | --- | --- | --- |"]
    for r in sorted(rows, key=lambda r: r.bar is None):
        mark = {True: "pass", False: "**fail**", None: ""}[r.passed]
        where = r.set + (f"; {r.note}" if r.note else "")
        lines.append(f"| `{r.name}` | {r.value:.3f} | {'' if r.bar is None else r.bar} | {mark} | {where} |")
    return "\n".join(lines) + "\n"
