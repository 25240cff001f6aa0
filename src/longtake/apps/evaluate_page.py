"""The page of an evaluation: what was measured, on what, how sure it is, what may be compared; one file, nothing loaded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

from longtake.apps.evaluate_charts import LINES, STYLE, legend, lines, whiskers
from longtake.apps.evaluate_tables import STAND_IN, all_scores, heading, section, summary_table, wide
from longtake.evaluate.kit.results import Result
from longtake.evaluate.kit.strips import SIDE_PX, Shown
from longtake.evaluate.kit.tables import (
    about_line,
    all_notes,
    columns_of,
    interval_sentence,
    number_text,
)

MADE = "<!doctype html><!-- made by longtake evaluate -->"


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
    return section("Controls", f"<p>{said}</p>{wide(f'<tr>{head}</tr>{rows}')}")


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
    return section("Published numbers, same protocol and clips", said + wide(f"<tr><th>method</th>{head}</tr>{rows}"))


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
        drawn.append(f"<h3>{heading(score)}</h3>{lines(name, rows, result.window_s, _order(result))}")
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
                f'<div class="dots"><h3>{heading(result.example(name))}</h3>{whiskers(scores, _order(result))}</div>'
            )
    return section("How sure", f'<div class="grid2">{"".join(drawn)}</div>') if drawn else ""


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
    return section("Protocols", data + wide(f"<tr><th>hash</th><th>metric</th><th>parameters</th></tr>{rows}"))


def _order(result: Result) -> dict[str, int]:
    """The colour of each method."""
    return {system.name: place % LINES for place, system in enumerate(result.systems)}


def _list(title: str, notes: Sequence[str]) -> str:
    return f"<h3>{escape(title)}</h3><ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>"
