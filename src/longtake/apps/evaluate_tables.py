"""The tables of an evaluation's page: a row for each method, or a row for each score."""

from __future__ import annotations

from html import escape

from longtake.evaluate.kit.results import Result, Score, System
from longtake.evaluate.kit.tables import columns_of, number_text

STAND_IN = (
    '<span class="mark" title="measured by a stand-in: compares with nothing outside this page">not comparable</span>'
)


def summary_table(result: Result) -> str:
    """The paper's form: a row for each method, a column for each metric."""
    names = columns_of(result)
    if not names:
        return section("Scores", "<p>Nothing could be measured.</p>")
    head = "".join(f"<th>{heading(result.example(name))}</th>" for name in names)
    best = {name: _best(result, name) for name in names}
    rows = "".join(
        f'<tr><th scope="row">{escape(system.name)}{_about(system)}</th>'
        + "".join(_cell(system.score(name), system.name in best[name]) for name in names)
        + f"<td>{system.clips}</td><td>{system.identities}</td><td>{system.seconds:.0f}</td></tr>"
        for system in result.systems
    )
    table = f"<tr><th>method</th>{head}<th>clips</th><th>people</th><th>seconds</th></tr>{rows}"
    return section("Scores", wide(table) + "<p>Bold: the best of the methods judged here (true clips apart).</p>")


def all_scores(result: Result) -> str:
    """Every score as a row, with what it is."""
    head = "".join(f"<th>{escape(system.name)}</th>" for system in result.systems)
    rows = []
    for name in result.names():
        s = result.example(name)
        cells = "".join(_cell(system.score(name), whole=True) for system in result.systems)
        rows.append(
            f'<tr><th scope="row">{heading(s)}<small>{escape(s.says)}</small></th><td>{escape(s.unit)}</td>'
            f"<td><code>{escape(s.protocol)}</code></td>{cells}</tr>"
        )
    return section("All scores", wide(f"<tr><th>score</th><th>unit</th><th>protocol</th>{head}</tr>{''.join(rows)}"))


def section(title: str, inside: str) -> str:
    """A part of the page under a heading."""
    return f"<section><h2>{escape(title)}</h2>{inside}</section>"


def wide(rows: str) -> str:
    """A table that scrolls by itself where it is wider than the page."""
    return f'<div class="wide"><table>{rows}</table></div>'


def heading(score: Score) -> str:
    """What a score is called, marked if it compares with nothing."""
    return escape(score.title) + ("" if score.comparable else f" {STAND_IN}")


def _about(system: System) -> str:
    return f"<small>{escape(system.about)}</small>" if system.about else ""


def _cell(score: Score | None, best: bool = False, whole: bool = False) -> str:
    if score is None or score.value is None:
        why = escape("; ".join(score.remarks)) if score else ""
        return f'<td title="{why}">–</td>'
    value = f"<b>{number_text(score.value)}</b>" if best else number_text(score.value)
    if score.low is None or score.high is None:
        return f"<td>{value}</td>"
    if whole:
        return (
            f"<td>{value}<small>{number_text(score.low)} to {number_text(score.high)}<br>{_counts(score)}</small></td>"
        )
    return f"<td>{value}<small>± {number_text((score.high - score.low) / 2)}</small></td>"


def _counts(score: Score) -> str:
    return f"{score.clips} clips, {score.identities} people"


def _best(result: Result, name: str) -> set[str]:
    from longtake.evaluate.kit.evaluating import REAL

    values = {
        system.name: score.value
        for system in result.systems
        if system.name != REAL and (score := system.score(name)) and score.value is not None
    }
    better = result.example(name).better
    if better == "none" or len(values) < 2:
        return set()
    top = (max if better == "higher" else min)(values.values())
    return {system for system, value in values.items() if value == top}
