"""The page of an evaluation: what was measured, on what, how sure it is, what may be compared; one file, nothing loaded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

from longtake.apps.evaluate_charts import LINES, STYLE, legend, lines, whiskers
from longtake.evaluate.kit.results import Result, Score, System
from longtake.evaluate.kit.strips import SIDE_PX, Shown
from longtake.evaluate.kit.tables import (
    about_line,
    all_notes,
    columns_of,
    interval_sentence,
    number_text,
)

MADE = "<!doctype html><!-- made by longtake evaluate -->"
STAND_IN = (
    '<span class="mark" title="measured by a stand-in: compares with nothing outside this page">not comparable</span>'
)


def page(result: Result, shown: Sequence[Shown] = ()) -> str:
    """The whole page."""
    parts = [
        f"<h1>{escape(result.title)}</h1><p>{escape(about_line(result).replace('`', ''))}</p>",
        reading(result),
        summary_table(result),
        controls(result),
        published(result),
        side_by_side(shown),
        curves(result),
        intervals(result),
        all_scores(result),
        not_measured(result),
        remarks(result),
        protocols(result),
    ]
    return (
        f'{MADE}\n<html lang="en"><head><meta charset="utf-8"><title>{escape(result.title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"{''.join(parts)}</body></html>\n"
    )


def reading(result: Result) -> str:
    """How to read the page."""
    stand_ins = any(not score.comparable for system in result.systems for score in system.scores)
    marked = (
        f"Scores marked {STAND_IN} are measured by stand-ins for networks that are not here: they order the rows of this "
        "page, and compare with no published number."
        if stand_ins
        else ""
    )
    return (
        f"<p>{escape(interval_sentence())} An arrow says which way is better. Scores compare only where the eight digits of "
        f"their protocols are equal, and the clips are the same. {marked}</p>"
    )


def summary_table(result: Result) -> str:
    """The paper's form: a row for each method, a column for each metric."""
    names = columns_of(result)
    if not names:
        return section("Scores", "<p>Nothing could be measured.</p>")
    head = "".join(f"<th>{_title(result.example(name))}</th>" for name in names)
    best = {name: _best(result, name) for name in names}
    rows = "".join(
        f'<tr><th scope="row">{escape(system.name)}{_about(system)}</th>'
        + "".join(_cell(system.score(name), system.name in best[name]) for name in names)
        + f"<td>{system.clips}</td><td>{system.identities}</td><td>{system.seconds:.0f}</td></tr>"
        for system in result.systems
    )
    table = f"<tr><th>method</th>{head}<th>clips</th><th>people</th><th>seconds</th></tr>{rows}"
    return section("Scores", _wide(table) + "<p>Bold: the best of the methods judged here (true clips apart).</p>")


def controls(result: Result) -> str:
    """What was expected of the controls before anything was run, and what came out."""
    if not result.ordered:
        return ""
    rows = "".join(
        f'<tr class="{_kind(row)}"><td>{escape(row["score"])}</td><td>{escape(row["control"])}</td>'
        f"<td>{escape(row['expected'])}</td><td>{number_text(row['ours'])}</td><td>{number_text(row['theirs'])}</td>"
        f"<td>{escape(row['outcome'])}</td><td>{escape(row['why'])}</td></tr>"
        for row in result.ordered
    )
    head = (
        "<th>score</th><th>control</th><th>ours must be</th><th>ours</th><th>control's</th><th>outcome</th><th>why</th>"
    )
    said = (
        "Which score must tell the model from which control was written down before anything was run "
        "(<code>evaluate/kit/ordering.py</code>). “Not sure”: the order is right, the interval of the difference holds zero."
    )
    return section("Controls", f"<p>{said}</p>{_wide(f'<tr>{head}</tr>{rows}')}")


def _kind(row: dict) -> str:
    return {True: "good" if row.get("sure") else "unsure", False: "bad", None: ""}[row["in_order"]]


def published(result: Result) -> str:
    """Published numbers, where they compare; else why there are none."""
    paper = result.paper
    if not paper.get("rows"):
        return section("Published numbers", f"<p>{escape(paper['said'])}</p>") if paper.get("said") else ""
    head = "".join(f"<th>{escape(name)}</th>" for name in paper["columns"])
    rows = "".join(
        f'<tr><th scope="row">{escape(row["method"])}</th>'
        + "".join(f"<td>{number_text(row.get(name))}</td>" for name in paper["columns"])
        + "</tr>"
        for row in paper["rows"]
    )
    said = f"<p>Source: {escape(paper['source'])}. {escape(paper.get('said', ''))}</p>"
    return section("Published numbers, same protocol and clips", said + _wide(f"<tr><th>method</th>{head}</tr>{rows}"))


def side_by_side(shown: Sequence[Shown]) -> str:
    """A few clips, method under method."""
    if not shown:
        return ""
    blocks = []
    for clip in shown:
        times = ", ".join(f"{time:.1f}" for time in clip.times_s)
        rows = "".join(
            f'<figure><figcaption>{escape(strip.label)}</figcaption><img height="{SIDE_PX}" '
            f'alt="{escape(clip.clip)} by {escape(strip.label)}" src="data:image/webp;base64,{strip.data}"></figure>'
            for strip in clip.strips
        )
        blocks.append(f"<h3>{escape(clip.clip)}</h3><p>At {times} s.</p>{rows}")
    return section("Side by side", "".join(blocks))


def curves(result: Result) -> str:
    """Each score over time, a line for each method."""
    names = list(dict.fromkeys(name for system in result.systems for name in system.curves))
    if not names or not result.window_s:
        return ""
    drawn = []
    for name in names:
        rows = {system.name: system.curves[name] for system in result.systems if name in system.curves}
        score = result.example(name)
        drawn.append(f"<h3>{_title(score)}</h3>{lines(name, rows, result.window_s, _order(result))}")
    said = f"The mean over clips in each {result.window_s:g} s; clips that end earlier leave the mean."
    return section("Over time", f"<p>{said}</p>{legend(_order(result))}{''.join(drawn)}")


def intervals(result: Result) -> str:
    """Values and intervals as dots and lines, a drawing for each score."""
    drawn = []
    for name in columns_of(result):
        scores = {
            system.name: score for system in result.systems if (score := system.score(name)) and score.value is not None
        }
        if len(scores) > 1:
            drawn.append(
                f'<div class="dots"><h3>{_title(result.example(name))}</h3>{whiskers(scores, _order(result))}</div>'
            )
    return section("How sure", f'<div class="grid2">{"".join(drawn)}</div>') if drawn else ""


def all_scores(result: Result) -> str:
    """Every score as a row, with what it is."""
    head = "".join(f"<th>{escape(system.name)}</th>" for system in result.systems)
    rows = []
    for name in result.names():
        s = result.example(name)
        cells = "".join(_cell(system.score(name), whole=True) for system in result.systems)
        rows.append(
            f'<tr><th scope="row">{_title(s)}<small>{escape(s.says)}</small></th><td>{escape(s.unit)}</td>'
            f"<td><code>{escape(s.protocol)}</code></td>{cells}</tr>"
        )
    return section("All scores", _wide(f"<tr><th>score</th><th>unit</th><th>protocol</th>{head}</tr>{''.join(rows)}"))


def not_measured(result: Result) -> str:
    """Metrics that could not be computed here, and what to do."""
    if not result.missing:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(why).replace(chr(10), "<br>")}</td></tr>'
        for name, why in result.missing.items()
    )
    return section("Not measured, and how to get it", f"<table>{rows}</table>")


def remarks(result: Result) -> str:
    """Everything that was done to clips or left out, by whom it is about."""
    blocks = [_list(name, notes) for name, notes in all_notes(result).items()]
    return section("Remarks", "".join(blocks)) if blocks else ""


def protocols(result: Result) -> str:
    """Every pinned parameter, by the hash that stands beside the scores."""
    used = {score.protocol for system in result.systems for score in system.scores}
    rows = "".join(
        f"<tr><td><code>{escape(digits)}</code></td><th scope='row'>{escape(known['metric'])}"
        f"{'' if known['comparable'] else ' ' + STAND_IN}<small>{escape(known['says'])}</small></th>"
        f"<td><code>{escape(json.dumps(known['protocol'], ensure_ascii=False))}</code></td></tr>"
        for digits, known in result.protocols.items()
        if digits in used
    )
    data = f"<p>Clips: <code>{escape(json.dumps(result.data, ensure_ascii=False))}</code></p>"
    return section("Protocols", data + _wide(f"<tr><th>hash</th><th>metric</th><th>parameters</th></tr>{rows}"))


def section(title: str, inside: str) -> str:
    """A part of the page under a heading."""
    return f"<section><h2>{escape(title)}</h2>{inside}</section>"


def _wide(rows: str) -> str:
    return f'<div class="wide"><table>{rows}</table></div>'


def _title(score: Score) -> str:
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


def _order(result: Result) -> dict[str, int]:
    """The colour of each method."""
    return {system.name: place % LINES for place, system in enumerate(result.systems)}


def _list(title: str, notes: Sequence[str]) -> str:
    return f"<h3>{escape(title)}</h3><ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>"
