"""How much of an expression a video shows: a signed measure for each, on signals that know nothing of captions.

A measure is told in usual wanderings: how far the signals go by themselves while a puppet speaks without an expression.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from longtake.evaluate.eyes import blinks
from longtake.evaluate.signals import Signals

USUAL = {
    "corners": 0.013,
    "width": 0.019,
    "lip": 0.006,
    "brows": 0.0037,
    "inner": 0.0044,
    "between": 0.0018,
    "lids": 0.014,
    "one_lid": 0.010,
    "right": 0.034,
    "down": 0.011,
    "yaw": 0.69,
    "pitch": 0.74,
    "roll": 0.28,
    "mouth": 0.018,
}
"""Spread of each signal over two seconds of a puppet without an expression."""

HELD: dict[str, dict[str, float]] = {
    "smile": {"width": 1, "corners": 0.5},
    "laugh": {"width": 1, "mouth": 1},
    "sad": {"inner": 1, "lip": 1},
    "angry": {"inner": -1, "between": -1, "lids": -1},
    "surprised": {"brows": 1, "lids": 1},
    "disgusted": {"lip": -1, "inner": -1},
    "afraid": {"inner": 1, "lids": 1, "width": 1},
    "brows_up": {"brows": 1},
    "brows_down": {"brows": -1, "between": -1},
    "eyes_wide": {"lids": 1},
    "squint": {"lids": -1},
    "look_left": {"right": -1},
    "look_right": {"right": 1},
    "look_up": {"down": -1, "pitch": -0.5},
    "look_down": {"down": 1, "pitch": 0.5},
    "turn_left": {"yaw": -1},
    "turn_right": {"yaw": 1},
    "tilt_left": {"roll": -1},
    "tilt_right": {"roll": 1},
}
"""Expressions that a frame shows: weights of signals, each over its usual spread."""
STEP_S = 0.12
"""Over so long is speed measured: a nod takes two thirds of a second, and noise of the landmarks counts little."""


def curve(name: str, signals: Signals) -> Float[np.ndarray, " f"]:
    """How much each frame shows of an expression of `HELD`."""
    return np.sum([weight * signals[of] / USUAL[of] for of, weight in HELD[name].items()], axis=0)


def shown(name: str, signals: Signals) -> float:
    """How much a video shows of an expression; more is more, and only differences of two videos of a person mean anything."""
    if name in HELD:
        return float(np.nanmedian(curve(name, signals)))
    return float(MOVING[name](signals))


def _speed(signals: Signals, of: str) -> float:
    step = max(1, round(STEP_S * signals.fps))
    return float(np.nanmean(np.abs(signals[of][step:] - signals[of][:-step]))) / (STEP_S * USUAL[of])


def _stillness(signals: Signals) -> float:
    return -sum(float(np.nanstd(signals[of])) / USUAL[of] for of in ("yaw", "pitch", "roll", "brows", "right"))


def _wink(signals: Signals) -> float:
    return abs(float(np.nanmedian(signals["one_lid"]))) / USUAL["one_lid"]


def _blinks(signals: Signals) -> float:
    """Blinks a second."""
    return len(blinks(signals["lids"], signals.fps)) * signals.fps / max(len(signals["lids"]), 1)


def _mouth(signals: Signals) -> float:
    return float(np.nanpercentile(signals["mouth"], 90)) / USUAL["mouth"]


MOVING = {
    "neutral": _stillness,
    "wink": _wink,
    "blink_often": _blinks,
    "nod": lambda signals: _speed(signals, "pitch") - 0.5 * _speed(signals, "yaw"),
    "shake": lambda signals: _speed(signals, "yaw") - 0.5 * _speed(signals, "pitch"),
    "mouth_wide": _mouth,
    "mouth_small": lambda signals: -_mouth(signals),
}
"""Expressions that only a stretch of time shows, or that have no sign in a frame."""

TRUE: dict[str, float] = {
    "smile": 8.6,
    "laugh": 9.3,
    "sad": 8.8,
    "angry": 16.5,
    "surprised": 23.1,
    "disgusted": 12.0,
    "afraid": 12.3,
    "neutral": 1.3,
    "brows_up": 20.9,
    "brows_down": 10.0,
    "eyes_wide": 2.5,
    "squint": 6.9,
    "wink": 9.5,
    "blink_often": 1.1,
    "look_left": 4.9,
    "look_right": 5.4,
    "look_up": 6.6,
    "look_down": 5.2,
    "turn_left": 9.7,
    "turn_right": 9.1,
    "tilt_left": 32.9,
    "tilt_right": 32.3,
    "nod": 18.4,
    "shake": 34.8,
    "mouth_wide": 2.2,
    "mouth_small": 2.8,
}
"""What the puppets themselves reach at full intensity against none: the mean over people, in the measures above."""
