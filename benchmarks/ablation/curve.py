"""Curves over time as an SVG picture."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 90, 28, 40
COLOURS = ("#1b7837", "#b2182b", "#2166ac", "#762a83", "#e08214", "#00868b", "#7f7f7f", "#c51b7d", "#8c6d31", "#000000")


def panels_svg(panels: Mapping[str, Mapping[str, np.ndarray]], window_s: float) -> str:
    """A panel for each measure, two beside each other."""
    down = -(-len(panels) // 2) * HEIGHT
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {down}" width="{2 * WIDTH}" '
    parts = [f'{head}font-family="sans-serif" font-size="12"><rect width="{2 * WIDTH}" height="{down}" fill="white"/>']
    for k, (what, curves) in enumerate(panels.items()):
        x, y = k % 2 * WIDTH, k // 2 * HEIGHT
        parts.append(f'<g transform="translate({x} {y})">{panel(curves, what, window_s)}</g>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def panel(curves: Mapping[str, np.ndarray], what: str, window_s: float) -> str:
    """The curves, each with its name at the right; a value for each window of `window_s` seconds."""
    every = np.concatenate(list(curves.values())) if curves else np.array([0.0, 1.0])
    low, high = float(np.nanmin(every)), float(np.nanmax(every))
    pad = 0.05 * (high - low) or 0.5
    low, high = low - pad, high + pad
    longest = max((len(curve) for curve in curves.values()), default=1) * window_s

    def place(second: float, value: float) -> tuple[float, float]:
        x = LEFT + (WIDTH - LEFT - RIGHT) * second / longest
        return round(x, 1), round(TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low), 1)

    lines = [_frame(what, place, longest, low, high)]
    ends: list[float] = []
    colours = dict(zip(curves, COLOURS, strict=False))
    for name, curve in sorted(curves.items(), key=lambda item: -item[1][-1]):
        colour = colours[name]
        points = [place((k + 0.5) * window_s, value) for k, value in enumerate(curve) if np.isfinite(value)]
        path = " ".join(f"{x},{y}" for x, y in points)
        lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        y = max(points[-1][1] + 4, ends[-1] + 15 if ends else 0)
        ends.append(y)
        lines.append(f'<text x="{WIDTH - RIGHT + 8}" y="{y}" fill="{colour}">{name}</text>')
    return "\n".join(lines)


def _frame(what: str, place, longest: float, low: float, high: float) -> str:
    marks = [f'<text x="{LEFT}" y="16">{what}</text>']
    for second in np.linspace(0, longest, 7):
        x, y = place(float(second), low)
        marks.append(f'<text x="{x}" y="{y + 18}" text-anchor="middle">{second:g} s</text>')
    for value in np.linspace(low, high, 6):
        x, y = place(0.0, float(value))
        end = place(longest, float(value))[0]
        marks.append(f'<line x1="{x}" y1="{y}" x2="{end}" y2="{y}" stroke="#ddd"/>')
        marks.append(f'<text x="{x - 6}" y="{y + 4}" text-anchor="end">{value:.3f}</text>')
    return "\n".join(marks)
