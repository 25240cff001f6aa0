"""Curves of several methods, and dots with their intervals, as SVG by hand; the colours and the style of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from longtake.apps.chart import HEIGHT, LEFT, RIGHT, WIDTH, Scale, round_step, time_axis, value_grid
from longtake.evaluate.kit.results import Score

LINES = 8
COLOURS = ("#1f5fa8", "#b3541e", "#2e7d32", "#8e24aa", "#00838f", "#8a6d00", "#c2185b", "#546e7a")
ROW = 24
DOTS_WIDTH, DOTS_LEFT = 420, 130


def lines(name: str, rows: Mapping[str, Sequence[float | None]], window_s: float, order: Mapping[str, int]) -> str:
    """A line for each method; a gap where nothing was measured, a dot where a value stands alone."""
    known = [value for values in rows.values() for value in values if value is not None]
    if not known:
        return "<p>It was not measured.</p>"
    margin = (max(known) - min(known)) * 0.08 or abs(known[0]) * 0.1 or 0.1
    scale, end_s = Scale(min(known) - margin, max(known) + margin), window_s * max(map(len, rows.values()))

    def x(time_s: float) -> float:
        return LEFT + time_s / end_s * (WIDTH - LEFT - RIGHT)

    parts = [*value_grid(scale), *time_axis(0.0, end_s, x)]
    for method, values in rows.items():
        colour = f"c{order[method]}"
        for piece in stretches(values):
            points = [(x((place + 0.5) * window_s), scale.y(value)) for place, value in piece]
            joined = "L".join(f"{a:.1f} {b:.1f}" for a, b in points)
            dots = "".join(f'<circle class="{colour}" cx="{a:.1f}" cy="{b:.1f}" r="2.5"/>' for a, b in points)
            parts.append(f'<g class="{colour}"><title>{escape(method)}</title><path d="M{joined}"/>{dots}</g>')
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(name)} over time">{"".join(parts)}</svg>'
    )


def stretches(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """The values with their places, cut where one is missing."""
    pieces: list[list[tuple[int, float]]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append((place, value))
    return [piece for piece in pieces if piece]


def whiskers(scores: Mapping[str, Score], order: Mapping[str, int]) -> str:
    """A dot for each method at its value, and a line as long as its interval."""
    ends = [v for s in scores.values() for v in (s.value, s.low, s.high) if v is not None]
    low, high = min(ends), max(ends)
    margin = (high - low) * 0.06 or abs(low) * 0.1 or 0.1
    low, high = low - margin, high + margin

    def x(value: float) -> float:
        return DOTS_LEFT + (value - low) / (high - low) * (DOTS_WIDTH - DOTS_LEFT - 14)

    height = ROW * len(scores) + 22
    parts = [*_ticks(low, high, x, height)]
    for place, (method, score) in enumerate(scores.items()):
        y, colour = 12 + place * ROW, f"c{order[method]}"
        parts.append(f'<text x="{DOTS_LEFT - 8}" y="{y + 4}" text-anchor="end">{escape(shortened(method))}</text>')
        if score.low is not None and score.high is not None:
            parts.append(f'<g class="{colour}"><path d="M{x(score.low):.1f} {y}H{x(score.high):.1f}"/></g>')
        assert score.value is not None
        parts.append(f'<circle class="{colour}" cx="{x(score.value):.1f}" cy="{y}" r="4"/>')
    return f'<svg viewBox="0 0 {DOTS_WIDTH} {height}" role="img">{"".join(parts)}</svg>'


def _ticks(low: float, high: float, x, height: float) -> list[str]:
    step = round_step((high - low) / 4)
    first = int(-(-low // step))
    values = [k * step for k in range(first, int(high // step) + 1)]
    return [
        f'<line class="grid" x1="{x(v):.1f}" x2="{x(v):.1f}" y1="2" y2="{height - 18}"/>'
        f'<text x="{x(v):.1f}" y="{height - 5}" text-anchor="middle">{v:.6g}</text>'
        for v in values
    ]


def shortened(name: str, most: int = 18) -> str:
    """The name, cut where it would not fit beside a drawing."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def legend(order: Mapping[str, int]) -> str:
    """Which colour is which method."""
    dots = "".join(
        f'<span><svg viewBox="0 0 10 10"><circle class="c{colour}" cx="5" cy="5" r="4"/></svg> {escape(name)}</span>'
        for name, colour in order.items()
    )
    return f'<p class="legend">{dots}</p>'


STYLE = """body{font:15px/1.5 system-ui,sans-serif;color:#222;background:#fff;max-width:1080px;margin:2em auto;padding:0 1em}
h1{font-size:1.5em;margin-bottom:0}h2{font-size:1.15em;margin:1.8em 0 .2em}h3{font-size:.95em;margin:1em 0 .1em}
p{margin:.3em 0 .6em}svg{width:100%;height:auto}text{font-size:11px;fill:#666}.grid{stroke:#e8e8e8}.axis{stroke:#888}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.87em}
td,th{text-align:left;padding:.25em 1em .25em 0;border-bottom:1px solid #eee;vertical-align:top;font-weight:normal}
tr:first-child th{font-weight:600;border-bottom:1px solid #999}td{font-variant-numeric:tabular-nums}
tr td code{white-space:pre-wrap;overflow-wrap:anywhere}small{display:block;color:#666;font-size:.85em;max-width:30em}
.mark{font-size:.72em;font-weight:600;color:#8a3d00;background:#fff1e0;border-radius:3px;padding:0 .35em;
white-space:nowrap}.good td:nth-child(6){color:#2e7d32}.unsure td:nth-child(6){color:#8a6d00}
.bad td:nth-child(6){color:#b3261e;font-weight:600}figure{margin:0 0 2px;display:flex;align-items:center;gap:.6em}
figcaption{width:7.5em;font-size:.8em;color:#444;text-align:right;flex:none;overflow-wrap:anywhere}
img{max-width:calc(100% - 8em);height:auto}ul{font-size:.87em;margin:.2em 0;padding-left:1.3em}
.legend span{padding-right:1.4em}.legend svg{width:10px;height:10px}
.grid2{display:grid;gap:.4em 2em;grid-template-columns:repeat(auto-fill,minmax(380px,1fr))}code{font-size:.92em}
""" + "".join(f".c{i}{{fill:{c}}}g.c{i} path{{fill:none;stroke:{c};stroke-width:1.8}}\n" for i, c in enumerate(COLOURS))
