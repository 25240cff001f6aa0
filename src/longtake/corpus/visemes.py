"""Phone times become mouth shapes: events, co-articulation, and closures that really close."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

Phone = tuple[str, float, float]
"""Symbol, start and end in seconds."""

NAMES = ("sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "ih", "oh", "ou")

SHAPES: dict[str, dict[str, float]] = {
    "sil": {},
    "PP": {"mouthPress": 0.3, "mouthRollLower": 0.16, "mouthRollUpper": 0.12},
    "FF": {"jawOpen": 0.07, "mouthRollLower": 0.6, "mouthUpperUp": 0.32},
    "TH": {"jawOpen": 0.16, "mouthUpperUp": 0.14, "mouthLowerDown": 0.18},
    "DD": {"jawOpen": 0.13, "mouthUpperUp": 0.1, "mouthLowerDown": 0.2},
    "kk": {"jawOpen": 0.2, "mouthLowerDown": 0.1, "mouthUpperUp": 0.05},
    "CH": {"jawOpen": 0.11, "mouthFunnel": 0.5, "mouthPucker": 0.2, "mouthUpperUp": 0.12, "mouthLowerDown": 0.2},
    "SS": {"jawOpen": 0.06, "mouthStretch": 0.25, "mouthUpperUp": 0.16, "mouthLowerDown": 0.28},
    "nn": {"jawOpen": 0.14, "mouthUpperUp": 0.08, "mouthLowerDown": 0.18},
    "RR": {"jawOpen": 0.15, "mouthPucker": 0.32, "mouthFunnel": 0.26},
    "aa": {"jawOpen": 0.54, "mouthLowerDown": 0.2, "mouthUpperUp": 0.12},
    "E": {"jawOpen": 0.31, "mouthStretch": 0.22, "mouthLowerDown": 0.22, "mouthUpperUp": 0.14},
    "ih": {"jawOpen": 0.15, "mouthStretch": 0.28, "mouthSmile": 0.14, "mouthLowerDown": 0.28, "mouthUpperUp": 0.14},
    "oh": {"jawOpen": 0.38, "mouthPucker": 0.32, "mouthFunnel": 0.34},
    "ou": {"jawOpen": 0.15, "mouthPucker": 0.62, "mouthFunnel": 0.34},
}
"""Weights of the face model's expressions for each mouth shape; a name without its side sets both sides."""

DOMINANCE = {"sil": 0.8, "PP": 2.5, "FF": 2.5, "CH": 2.2, "ou": 2.2}
SEALED = {"PP": 1.0, "FF": 0.75}
"""How much of the mouth's opening a shape takes away, whatever its neighbours want."""
OPENING = ("jawOpen", "mouthUpperUp", "mouthLowerDown", "mouthFunnel", "mouthPucker")
LEAD_S = 0.02
"""Lips are ahead of the sound by about this much."""
TIMES_EARLY_S = 0.010
"""The stored phone times are early by this much (measured on vowels and sibilants); it is added to each."""


@dataclass(frozen=True)
class Event:
    """One mouth shape held for a while."""

    viseme: str
    start_s: float
    stop_s: float


def shift_phones(phones: Sequence[Sequence], by_s: float, seconds: float) -> list[Phone]:
    """Phones moved in time and cut to 0..seconds."""
    moved = ((str(symbol), float(start) + by_s, float(stop) + by_s) for symbol, start, stop in phones)
    return [(s, round(max(a, 0.0), 4), round(min(b, seconds), 4)) for s, a, b in moved if b > 0 and a < seconds]


def events_of(phones: Sequence[Phone], table: dict[str, list[str]]) -> list[Event]:
    """The mouth shapes of phones; a diphthong is two shapes, one in each half."""
    events = []
    for symbol, start, stop in phones:
        shapes = table.get(symbol, ["sil"])
        edges = np.linspace(start, stop, len(shapes) + 1)
        events += [Event(v, float(a), float(b)) for v, a, b in zip(shapes, edges[:-1], edges[1:], strict=True)]
    return events


def viseme_shares(events: Sequence[Event], frames: int, fps: float) -> Float32[np.ndarray, "frames 15"]:
    """How much of each mouth shape is in each frame: Gaussians in time, weighted by dominance, normalised (co-articulation)."""
    times = np.arange(frames) / fps
    shares = np.full((frames, len(NAMES)), 0.0)
    for event in events:
        width = max(0.6 * (event.stop_s - event.start_s), 0.045)
        centre = (event.start_s + event.stop_s) / 2 - LEAD_S
        shares[:, NAMES.index(event.viseme)] += DOMINANCE.get(event.viseme, 1.0) * np.exp(
            -0.5 * ((times - centre) / width) ** 2
        )
    shares[:, 0] += 1e-3
    return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def seals(events: Sequence[Event], frames: int, fps: float, ease_s: float = 0.05) -> Float32[np.ndarray, " frames"]:
    """How closed the lips are held in each frame (1: shut), as p, b, m and f, v demand; a frame in the middle is always shut."""
    times = np.arange(frames) / fps
    held = np.zeros(frames)
    for event in events:
        if event.viseme in SEALED:
            middle = (event.start_s + event.stop_s) / 2 - LEAD_S
            reach = max((event.stop_s - event.start_s) / 2, 0.5 / fps)  # else it could fall between two frames
            outside = np.maximum(np.abs(times - middle) - reach, 0)
            held = np.maximum(held, SEALED[event.viseme] * np.clip(1 - outside / ease_s, 0, 1))
    return held.astype(np.float32)


def mouth_curves(
    events: Sequence[Event],
    frames: int,
    fps: float,
    index: dict[str, int],
    amplitude: float | Float32[np.ndarray, " frames"] = 1.0,
) -> tuple[Float32[np.ndarray, "frames e"], Float32[np.ndarray, "frames 15"], Float32[np.ndarray, " frames"]]:
    """Expression weights of a speaking mouth, the shares of the mouth shapes behind them, and how far the lips are sealed.

    `amplitude` is how far the mouth goes, of its usual way. `index` gives the place of each expression, with `_L` and
    `_R` where it has sides.
    """
    shares = viseme_shares(events, frames, fps)
    shapes = np.stack([_row(SHAPES[name], index) for name in NAMES])
    weights = np.reshape(amplitude, (-1, 1)) * shares @ shapes
    held = seals(events, frames, fps)[:, None]
    opening = _row(dict.fromkeys(OPENING, 1.0), index) > 0
    weights = np.where(opening, weights * (1 - held), weights)
    press = _row(SHAPES["PP"], index)
    closed = np.clip((held - 0.8) / 0.2, 0, 1)  # only full closures press; f and v keep their own shape
    return np.maximum(weights, closed * press).astype(np.float32), shares, closed[:, 0].astype(np.float32)


def _row(named: dict[str, float], index: dict[str, int]) -> Float32[np.ndarray, " e"]:
    row = np.zeros(len(index), np.float32)
    for name, value in named.items():
        for full in (name,) if name in index else (f"{name}_L", f"{name}_R"):
            row[index[full]] = value
    return row
