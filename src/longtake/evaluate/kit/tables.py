"""The numbers as CSV, and as Markdown in the form of the paper's tables: a row for each method, a column for each metric."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from longtake.evaluate.kit.clips import told
from longtake.evaluate.kit.results import STAND_IN, Result, Score, System

CSV_COLUMNS = (
    "system",
    "score",
    "value",
    "low",
    "high",
    "unit",
    "better",
    "comparable",
    "protocol",
    "clips",
    "identities",
)
MARK = "°"
"""Behind a number that may not be compared with published ones."""


def columns_of(result: Result) -> list[str]:
    """The scores of the table: those asked for that are there, else what stands for each metric."""
    known = result.names()
    asked = [name for name in result.columns if name in known]
    return asked or [name for name in known if name == result.example(name).metric]


def csv_text(result: Result) -> str:
    """Every score of every system, a line each."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for system in result.systems:
        for s in system.scores:
            numbers = ["" if v is None else f"{v:.6g}" for v in (s.value, s.low, s.high)]
            writer.writerow(
                [system.name, s.name, *numbers, s.unit, s.better, s.comparable, s.protocol, s.clips, s.identities]
            )
    return out.getvalue()


def markdown_text(result: Result) -> str:
    """The page in Markdown: the table, what it rests on, what is missing."""
    parts = [f"# {result.title}", about_line(result), paper_form(result)]
    if any(not score.comparable for system in result.systems for score in system.scores):
        parts.append(
            f"{MARK} {STAND_IN} with published numbers: measured by a stand-in. Compare within this table only."
        )
    parts.append(interval_sentence())
    if result.paper.get("rows"):
        parts += ["## The paper's numbers", paper_table(result)]
    elif result.paper.get("said"):
        parts.append(result.paper["said"])
    if result.ordered:
        parts += ["## Controls", ordered_table(result)]
    parts += ["## All scores", full_table(result)]
    if result.missing:
        parts += [
            "## Not measured",
            *(f"- **{name}**: {' '.join(why.split())}" for name, why in result.missing.items()),
        ]
    if notes := all_notes(result):
        parts += ["## Remarks", *(f"- {name}: {note}" for name, some in notes.items() for note in some)]
    return "\n\n".join(_joined(parts)) + "\n"


def _joined(parts: Sequence[str]) -> list[str]:
    """List items that follow one another as one block."""
    blocks: list[str] = []
    for part in parts:
        if part.startswith("- ") and blocks and blocks[-1].startswith("- "):
            blocks[-1] += f"\n{part}"
        elif part:
            blocks.append(part)
    return blocks


def paper_form(result: Result) -> str:
    """Methods as rows, metrics as columns, with arrows and half-intervals."""
    names = columns_of(result)
    examples = [result.example(name) for name in names]
    head = ["method", *(s.title + ("" if s.comparable else f" {MARK}") for s in examples), "clips", "people"]
    rows = [
        [system.name, *(cell(system.score(name)) for name in names), str(system.clips), str(system.identities)]
        for system in result.systems
    ]
    return table(head, rows)


def full_table(result: Result) -> str:
    """Every score as a row, systems as columns."""
    head = ["score", "unit", "protocol", *(system.name for system in result.systems)]
    rows = []
    for name in result.names():
        s = result.example(name)
        title = s.title + ("" if s.comparable else f" {MARK}")
        rows.append([title, s.unit, f"`{s.protocol}`", *(cell(system.score(name), True) for system in result.systems)])
    return table(head, rows)


def ordered_table(result: Result) -> str:
    """What was written down before, and whether it came out."""
    rows = [
        [row["score"], row["control"], number_text(row["ours"]), number_text(row["theirs"]), row["outcome"]]
        for row in result.ordered
    ]
    return table(["score", "must separate from", "ours", "control", "outcome"], rows)


def paper_table(result: Result) -> str:
    """The paper's rows for the columns whose protocols agree."""
    names = result.paper["columns"]
    rows = [[row["method"], *(number_text(row.get(name)) for name in names)] for row in result.paper["rows"]]
    return table(["method", *names], rows) + f"\n\nSource: {result.paper['source']}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(text.replace('|', '/') for text in line)} |" for line in lines)


def cell(score: Score | None, whole: bool = False) -> str:
    """A value with its interval: its ends, or half its width."""
    if score is None or score.value is None:
        return "–"
    text = number_text(score.value)
    if score.low is None or score.high is None:
        return text
    if whole:
        return f"{text} [{number_text(score.low)}, {number_text(score.high)}]"
    return f"{text} ± {number_text((score.high - score.low) / 2)}"


def number_text(value: float | None) -> str:
    """A number with as many digits as can mean something."""
    if value is None:
        return "–"
    size = abs(value)
    return (
        f"{value:.0f}"
        if size >= 1000
        else f"{value:.1f}"
        if size >= 100
        else f"{value:.2f}"
        if size >= 1
        else f"{value:.3f}"
    )


def about_line(result: Result) -> str:
    """When, on what, with what."""
    data, made = result.data, result.made
    split = f", split `{data['split_hash']}`" if data.get("split_hash") else ""
    return (
        f"{made.get('date', '')}, longtake {made.get('version', '')} {made.get('commit', '')}, {made.get('hardware', '')}. "
        f"Judged on {data.get('said', '')}{split}."
    )


def interval_sentence() -> str:
    """What the intervals are."""
    return (
        "Intervals hold 95 % of the values when people (not frames, not clips) are drawn anew with replacement. "
        "The sign ± is half their width. With fewer than about ten people they are rough."
    )


def system_notes(system: System) -> list[str]:
    """Everything that must be said of a system, each sentence once."""
    reasons = grouped({clip: " ".join(why.split()) for clip, why in system.failed.items()})
    failed = [f"no video of {told(clips)}: {why}" for why, clips in reasons.items()]
    said = [f"{score.name}: {remark}" for score in system.scores for remark in score.remarks]
    return list(dict.fromkeys([*failed, *system.remarks, *said]))


def all_notes(result: Result) -> dict[str, list[str]]:
    """The remarks by whom they are about; what is said of every system is said once."""
    by_system = {system.name: system_notes(system) for system in result.systems}
    whom: dict[str, list[str]] = {}
    for name, notes in by_system.items():
        for note in notes:
            whom.setdefault(note, []).append(name)
    parts: dict[str, list[str]] = {"All": list(result.notes)}
    for note, names in whom.items():
        parts.setdefault(", ".join(names), []).append(note)
    return {name: notes for name, notes in parts.items() if notes}


def grouped(reasons: Mapping[str, str]) -> dict[str, list[str]]:
    """By reason, the clips it holds for."""
    clips: dict[str, list[str]] = {}
    for clip, why in reasons.items():
        clips.setdefault(why, []).append(clip)
    return clips
