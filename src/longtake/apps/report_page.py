"""The page of a run: a curve for each measure, what the guardian did, settings and inputs; one file, nothing loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from statistics import median
from typing import Any

from longtake.apps.chart import Mark, Scale, chart, clock
from longtake.journal.plan import flat
from longtake.journal.records import Record

MADE = "<!doctype html><!-- made by longtake report -->"
MOST_ROWS = 200
"""Of the table of what was done; the curves show all."""


@dataclass(frozen=True)
class Run:
    """What the journal of a run tells."""

    name: str
    plan: Mapping[str, Any]
    records: Sequence[Record]

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.plan["settings"]["video"]["fps"]

    @cached_property
    def times_s(self) -> list[float]:
        """When each segment begins in the video."""
        begun = [self.plan.get("first_frame", 0), *(record.frames for record in self.records)]
        return [frame / self.fps for frame in begun[:-1]]

    @property
    def end_s(self) -> float:
        """Where the last segment that was recorded ends."""
        return self.records[-1].frames / self.fps

    def curve(self, measure: str) -> list[float | None]:
        """One measure of the guardian for each segment; None where there is none."""
        return [record.notes.get(measure) for record in self.records]

    def limit(self, name: str) -> float:
        """One of the limits the run was made with."""
        return self.plan["settings"].get("drift", {}).get(name, float("nan"))


def page(run: Run) -> str:
    """The whole page."""
    marks = list(marks_of(run))
    drawings = "".join(_drawing(run, marks, *drawing) for drawing in drawings_of(run))
    return (
        f'{MADE}\n<html lang="en"><head><meta charset="utf-8"><title>{escape(run.name)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>{escape(run.name)}</h1><p>{escape(summary(run))}</p><p>Dashed lines are limits.</p>{LEGEND if marks else ''}"
        f"{drawings}{_events(run)}{_settings(run)}</body></html>\n"
    )


def summary(run: Run) -> str:
    """The run in three sentences."""
    total = run.plan["frames"]
    count, work_s = len(run.records), sum(record.seconds for record in run.records)
    left = "" if run.records[-1].frames >= total else f" of {clock(total / run.fps)}"
    segments = _times(count, "segment", "segments")
    made = f"{clock(run.end_s - run.times_s[0])}{left} of video in {segments} took {clock(work_s)} of work."
    over = sum(bool(record.notes.get("passed")) for record in run.records)
    again = sum("tried" in record.notes for record in run.records)
    eyes = sum("eyes_dropped" in record.notes for record in run.records)
    if not any(record.notes for record in run.records):
        return f"{made} Nothing was measured in it."
    acted = "" if run.plan["settings"].get("drift", {}).get("act", True) else " The guardian was not allowed to act."
    return (
        f"{made} {_times(again, 'segment was', 'segments were')} made again, and {_times(over, 'was', 'were')} kept beyond "
        f"a limit. Closed eyes were withheld from {_times(eyes, 'segment', 'segments')}.{acted}"
    )


def drawings_of(run: Run) -> Iterator[tuple[str, str, list[float | None], list[float], bool]]:
    """Name, what it is, values, limits, and whether it is a ratio."""
    limit = run.limit
    yield (
        "Identity",
        "Distance of the face from the portrait's; at 0.6 another person.",
        run.curve("identity"),
        [limit("identity")],
        False,
    )
    yield (
        "Sharpness",
        "Fine detail of the face, in shares of the portrait's as the decoder shows it.",
        run.curve("sharpness"),
        [limit("softest"), limit("sharpest")],
        True,
    )
    colours = "Distance of its colours from the portrait's (Lab); 2 is hardly seen."
    yield "Background", colours, run.curve("background"), [limit("background")], False
    yield "Skin", colours, run.curve("skin"), [limit("skin")], False
    yield (
        "Eyes",
        "How far the lids are open in the tail, where they are least, in shares of the portrait's; blinks dip.",
        run.curve("eyes"),
        [limit("eyes")],
        False,
    )
    work = [record.seconds for record in run.records]
    yield "Work", "Seconds of work for each segment.", list(work), [], False


def marks_of(run: Run) -> Iterator[Mark]:
    """Where the guardian acted."""
    for time_s, record in zip(run.times_s, run.records, strict=True):
        notes = record.notes
        kind = "failed" if notes.get("passed") else "again" if "tried" in notes else "eyes"
        if kind != "eyes" or "eyes_dropped" in notes:
            yield Mark(time_s, kind, f"{clock(time_s)}, segment {record.segment}: {_done(notes)}")


def sentence(values: Sequence[float | None], times_s: Sequence[float]) -> str:
    """What a curve shows."""
    known = [(value, time_s) for value, time_s in zip(values, times_s, strict=True) if value is not None]
    if not known:
        return "It was not measured."
    numbers = [value for value, _ in known]
    (low, low_s), (high, high_s) = min(known), max(known)
    tenth = max(1, len(numbers) // 10)
    first, last = median(numbers[:tenth]), median(numbers[-tenth:])
    said = (
        f"Usually {median(numbers):.2f}, least {low:.2f} at {clock(low_s)}, most {high:.2f} at {clock(high_s)}; "
        f"{first:.2f} in the first tenth, {last:.2f} in the last."
    )
    gone = len(values) - len(known)
    return said + (f" Not measured in {_times(gone, 'segment', 'segments')}." if gone else "")


def _drawing(
    run: Run, marks: Sequence[Mark], name: str, about: str, values: list[float | None], limits: list[float], ratio: bool
) -> str:
    limits = [limit for limit in limits if limit == limit]
    known = [value for value in values if value is not None]
    reach = [*known, *limits] or [1.0]
    scale = Scale(min(reach) / 1.15, max(reach) * 1.15, True) if ratio else Scale(0.0, max(reach) * 1.1 or 1.0)
    drawn = chart(name, run.times_s, values, run.end_s, scale, limits, marks)
    return (
        f"<section><h2>{name}</h2><p>{about} {escape(sentence(values, run.times_s))}</p>{drawn}</section>"
        if known
        else f"<section><h2>{name}</h2><p>{about} It was not measured.</p></section>"
    )


def _events(run: Run) -> str:
    """The table of segments in which something was done or a limit stayed passed."""
    told = [
        (clock(time_s), record.segment, ", ".join(record.notes.get("passed", [])) or "none", _done(record.notes))
        for time_s, record in zip(run.times_s, run.records, strict=True)
        if record.notes.keys() & {"tried", "eyes_dropped"} or record.notes.get("passed")
    ]
    if not told:
        return ""
    rows = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in told[:MOST_ROWS])
    more = f"<p>And {len(told) - MOST_ROWS} more.</p>" if len(told) > MOST_ROWS else ""
    head = "<tr><th>at</th><th>segment</th><th>limits passed in the end</th><th>done</th></tr>"
    return f"<section><h2>What was done</h2><table>{head}{rows}</table>{more}</section>"


def _done(notes: Mapping[str, Any]) -> str:
    """What was done for one segment, in words."""
    said = [f"closed eyes withheld in {notes['eyes_dropped']} frames"] if "eyes_dropped" in notes else []
    if "tried" in notes:
        tries = ", ".join(f"{way['did']} {way['worst']:.2f}" for way in notes["tried"])
        said.append(f"tried (worst share of a limit): {tries}; kept: {notes['kept']}")
    return "; ".join(said) or "kept as it was"


def _settings(run: Run) -> str:
    plan = {name: value for name, value in run.plan.items() if name not in ("format", "finished")}
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(str(value))}</td></tr>" for name, value in flat(plan).items()
    )
    return f"<section><h2>Settings and inputs</h2><table>{rows}</table></section>"


def _times(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


STYLE = """body{font:15px/1.5 system-ui,sans-serif;color:#222;background:#fff;max-width:900px;margin:2em auto;padding:0 1em}
h1{font-size:1.5em;margin-bottom:0}h2{font-size:1.1em;margin:1.6em 0 0}p{margin:.3em 0 .6em}svg{width:100%;height:auto}
text{font-size:11px;fill:#666}.grid{stroke:#e8e8e8}.axis{stroke:#888}.curve{fill:none;stroke:#1f5fa8;stroke-width:1.6;
stroke-linecap:round;stroke-linejoin:round}.band{fill:#1f5fa8;opacity:.18}.limit{stroke:#b3261e;stroke-dasharray:6 4}
.again path{stroke:#2e7d32;fill:#2e7d32}.failed path{stroke:#b3261e;fill:#b3261e}.eyes path{stroke:#8a6d00;fill:#8a6d00}
g path:first-of-type{stroke-width:1;opacity:.45}table{border-collapse:collapse;font-size:.87em}td,th{text-align:left;
padding:.15em 1.2em .15em 0;border-bottom:1px solid #eee;vertical-align:top;overflow-wrap:anywhere}
.legend span{padding-right:1.4em}.legend svg{width:10px;height:9px}"""
LEGEND = (
    '<p class="legend">'
    + "".join(
        f'<span><svg viewBox="0 0 10 9"><g class="{kind}"><path d="M0 0"/><path d="M5 9L1 0h8z"/></g></svg> {said}</span>'
        for kind, said in (
            ("again", "made again, within the limits"),
            ("failed", "kept beyond a limit"),
            ("eyes", "closed eyes withheld"),
        )
    )
    + "</p>"
)
