"""A curve over time as SVG text, by hand: no plotting library, nothing loaded from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 860, 190
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 14, 28
MOST_POINTS = 600
"""A longer curve is drawn as the means of so many stretches, with a band from the least to the greatest value."""


@dataclass(frozen=True)
class Mark:
    """A moment at which something was done; `kind` is the class that its colour hangs on."""

    time_s: float
    kind: str
    said: str


@dataclass(frozen=True)
class Scale:
    """Values to the height of the drawing; `log` for ratios, of which half and twice are as far from 1."""

    low: float
    high: float
    log: bool = False

    def y(self, value: float) -> float:
        """The place of a value in pixels from the top, inside the drawing."""
        low, high, at = (math.log(max(v, 1e-6)) if self.log else v for v in (self.low, self.high, value))
        share = min(max((at - low) / (high - low), 0.0), 1.0)
        return TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)

    def ticks(self) -> list[float]:
        """A few round values inside."""
        if self.log:
            steps = [b * 10.0**e for e in range(-3, 4) for b in (1, 2, 5)]
            return [v for v in steps if self.low <= v <= self.high]
        step = round_step((self.high - self.low) / 4)
        return [k * step for k in range(math.ceil(self.low / step), math.floor(self.high / step + 1e-9) + 1)]


def chart(
    name: str,
    times_s: Sequence[float],
    values: Sequence[float | None],
    end_s: float,
    scale: Scale,
    limits: Sequence[float] = (),
    marks: Sequence[Mark] = (),
) -> str:
    """The drawing of values over time: a gap where a value is None, dashed lines for limits, ticks for marks."""
    begin_s = times_s[0] if times_s else 0.0
    span = max(end_s - begin_s, 1e-6)

    def x(time_s: float) -> float:
        return LEFT + (time_s - begin_s) / span * (WIDTH - LEFT - RIGHT)

    parts = [*value_grid(scale), *time_axis(begin_s, end_s, x)]
    for limit in limits:
        y = scale.y(limit)
        parts.append(f'<line class="limit" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
    parts += _curves(times_s, values, x, scale)
    for mark in marks:
        place = x(mark.time_s)
        parts.append(
            f'<g class="{escape(mark.kind)}"><title>{escape(mark.said)}</title><path d="M{place:.1f} {TOP}V{HEIGHT - BOTTOM}"/>'
            f'<path d="M{place:.1f} {TOP + 2}l-4 -9h8z"/></g>'
        )
    inside = "".join(parts)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(name)}">{inside}</svg>'


def thinned(
    times_s: Sequence[float], values: Sequence[float | None], most: int = MOST_POINTS
) -> list[tuple[float, float | None, float | None, float | None]]:
    """Time, mean, least and greatest value of at most `most` stretches; None where nothing was measured."""
    size = max(1, math.ceil(len(values) / most))
    result = []
    for start in range(0, len(values), size):
        known = [value for value in values[start : start + size] if value is not None]
        told = (sum(known) / len(known), min(known), max(known)) if known else (None, None, None)
        result.append((times_s[start], *told))
    return result


def clock(time_s: float) -> str:
    """A time as 1:02:03, or 2:03 below an hour."""
    whole = round(time_s)
    hours, minutes, seconds = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def round_step(wanted: float, steps: Sequence[float] = (1, 2, 5, 10)) -> float:
    """The first of 1, 2 or 5 times a power of ten that is not below what is wanted."""
    power = 10.0 ** math.floor(math.log10(max(wanted, 1e-9)))
    return next(step * power for step in steps if step * power >= wanted * (1 - 1e-9))


def _curves(times_s: Sequence[float], values: Sequence[float | None], x, scale: Scale) -> list[str]:
    """The line, a piece for each stretch without a gap, and where values were joined the band round it."""
    pieces: list[list[tuple[float, float, float, float]]] = [[]]
    for time_s, mean, low, high in thinned(times_s, values):
        if mean is None or low is None or high is None:
            pieces.append([])
        else:
            pieces[-1].append((x(time_s), scale.y(mean), scale.y(low), scale.y(high)))
    drawn = []
    for piece in filter(None, pieces):
        if any(low != high for _, _, low, high in piece):
            edge = [(at, low) for at, _, low, _ in piece] + [(at, high) for at, _, _, high in reversed(piece)]
            drawn.append(f'<path class="band" d="M{_path(edge)}z"/>')
        ends = piece if len(piece) > 1 else [piece[0], piece[0]]  # a lone value shows as a dot
        drawn.append(f'<path class="curve" d="M{_path([(at, mean) for at, mean, _, _ in ends])}"/>')
    return drawn


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def value_grid(scale: Scale) -> list[str]:
    lines = []
    for value in scale.ticks():
        y = scale.y(value)
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    return lines


def time_axis(begin_s: float, end_s: float, x) -> list[str]:
    span = max(end_s - begin_s, 1.0)
    step = next((s for s in (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200) if span / s <= 10), 14400)
    y = HEIGHT - BOTTOM
    lines = [f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>']
    for k in range(math.ceil(begin_s / step), math.floor(end_s / step + 1e-9) + 1):
        place = x(k * step)
        lines.append(f'<line class="axis" x1="{place:.1f}" x2="{place:.1f}" y1="{y}" y2="{y + 4}"/>')
        lines.append(f'<text x="{place:.1f}" y="{y + 18}" text-anchor="middle">{clock(k * step)}</text>')
    return lines
