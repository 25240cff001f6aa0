"""The expressions that words can ask for, and what each does to a puppet at full intensity.

Left and right are the viewer's. A state is name → intensity 0..1: what is absent is 0, 0.3 is slight, 1 is strong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

State = Mapping[str, float]


@dataclass(frozen=True)
class Expression:
    """What an expression adds at intensity 1; units and signs as in `puppet.Pose`."""

    weights: Mapping[str, float] = field(default_factory=dict)  # of the face model, brows up to 1.4
    angles: tuple[float, float, float] = (0.0, 0.0, 0.0)  # degrees: right, down, clockwise
    gaze: tuple[float, float] = (0.0, 0.0)  # iris radii: right, down
    closed: tuple[float, float] = (0.0, 0.0)  # lids held closed: the subject's left, right
    swing: tuple[float, float, float] = (0.0, 0.0, 0.0)  # the head to and fro: degrees of yaw, of pitch, times a second
    blinks: float = 0.0  # a minute, beside the usual ones
    mouth: float = 1.0  # how much of its usual way the speaking mouth goes
    calm: float = 1.0  # how much of its usual wandering the face keeps


EXPRESSIONS: dict[str, Expression] = {
    "smile": Expression({"mouthSmile": 1.0, "cheekSquint": 0.6, "eyeSquint": 0.2, "mouthDimple": 0.3}),
    "laugh": Expression(
        {
            "mouthSmile": 0.9,
            "cheekSquint": 0.8,
            "eyeSquint": 0.5,
            "jawOpen": 0.26,
            "mouthUpperUp": 0.3,
            "browOuterUp": 0.2,
        },
        angles=(0.0, -3.0, 0.0),
        swing=(0.0, 1.3, 3.1),
    ),
    "sad": Expression(
        {"mouthFrown": 1.0, "browInnerUp": 1.2, "mouthShrugLower": 0.35, "eyeSquint": 0.1}, angles=(0.0, 3.0, 0.0)
    ),
    "angry": Expression({"browDown": 1.3, "noseSneer": 0.45, "eyeSquint": 0.45, "mouthFrown": 0.3, "mouthPress": 0.3}),
    "surprised": Expression({"browInnerUp": 1.1, "browOuterUp": 1.2, "eyeWide": 1.1, "jawOpen": 0.2}),
    "disgusted": Expression(
        {
            "noseSneer": 0.95,
            "mouthUpperUp": 0.22,
            "browDown": 0.5,
            "eyeSquint": 0.5,
            "cheekSquint": 0.4,
            "mouthFrown": 0.3,
        },
        angles=(0.0, -1.5, 0.0),
    ),
    "afraid": Expression(
        {"browInnerUp": 1.3, "eyeWide": 1.0, "mouthStretch": 0.9, "mouthFrown": 0.25, "jawOpen": 0.06},
        angles=(0.0, -1.5, 0.0),
    ),
    "neutral": Expression(calm=0.35),
    "brows_up": Expression({"browInnerUp": 1.2, "browOuterUp": 1.4}),
    "brows_down": Expression({"browDown": 1.4}),
    "eyes_wide": Expression({"eyeWide": 1.4}),
    "squint": Expression({"eyeSquint": 1.0, "cheekSquint": 0.5}, closed=(0.4, 0.4)),
    "wink": Expression({"cheekSquint_L": 0.5}, closed=(1.0, 0.0)),
    "blink_often": Expression(blinks=60.0),
    "look_left": Expression(angles=(-3.5, 0.0, 0.0), gaze=(-0.85, 0.0)),
    "look_right": Expression(angles=(3.5, 0.0, 0.0), gaze=(0.85, 0.0)),
    "look_up": Expression({"eyeWide": 0.4}, angles=(0.0, -4.0, 0.0), gaze=(0.0, -0.65)),
    "look_down": Expression(angles=(0.0, 4.0, 0.0), gaze=(0.0, 0.7)),
    "turn_left": Expression(angles=(-10.0, 0.0, 0.0)),
    "turn_right": Expression(angles=(10.0, 0.0, 0.0)),
    "tilt_left": Expression(angles=(0.0, 0.0, -9.0)),
    "tilt_right": Expression(angles=(0.0, 0.0, 9.0)),
    "nod": Expression(swing=(0.0, 5.0, 1.5)),
    "shake": Expression(swing=(6.5, 0.0, 1.6)),
    "mouth_wide": Expression(mouth=1.6),
    "mouth_small": Expression(mouth=0.3),
}
NAMES = tuple(EXPRESSIONS)

MOODS = ("smile", "laugh", "sad", "angry", "surprised", "disgusted", "afraid", "neutral")
_MIXED = {
    ("smile", "laugh"),
    ("smile", "surprised"),
    ("laugh", "surprised"),
    ("surprised", "afraid"),
    ("sad", "afraid"),
}
_MIXED |= {("angry", "disgusted"), ("sad", "angry")}
"""Moods that a face can show at once."""
OPPOSITES: frozenset[frozenset[str]] = frozenset(
    frozenset(pair)
    for pair in (
        *(pair for pair in combinations(MOODS, 2) if pair not in _MIXED),
        ("brows_up", "brows_down"),
        ("eyes_wide", "squint"),
        ("look_left", "look_right"),
        ("look_up", "look_down"),
        ("turn_left", "turn_right"),
        ("tilt_left", "tilt_right"),
        ("nod", "shake"),
        ("mouth_wide", "mouth_small"),
    )
)
"""Pairs that exclude each other."""
HIDING: frozenset[frozenset[str]] = OPPOSITES | frozenset(
    frozenset(pair)
    for pair in (
        *combinations(MOODS, 2),
        *(("surprised", other) for other in ("brows_down", "brows_up", "squint", "eyes_wide", "mouth_small")),
        *(("afraid", other) for other in ("brows_down", "brows_up", "squint", "eyes_wide")),
        *(("angry", other) for other in ("brows_up", "brows_down", "eyes_wide", "squint")),
        *(("disgusted", other) for other in ("brows_up", "brows_down", "eyes_wide", "squint")),
        *(("laugh", other) for other in ("mouth_small", "eyes_wide", "squint", "nod", "shake")),
        *(("sad", other) for other in ("brows_up", "brows_down")),
        *(("wink", other) for other in ("squint", "blink_often", "eyes_wide", "look_down")),
        ("squint", "blink_often"),
        ("squint", "look_down"),
        ("turn_left", "shake"),
        ("turn_right", "shake"),
        ("turn_left", "look_right"),
        ("turn_right", "look_left"),
    )
)
"""Pairs of which one would hide the other: no puppet is asked for both."""


def contradictions(state: State) -> list[tuple[str, str]]:
    """The pairs in a state that exclude each other, in the order of `NAMES`."""
    asked = [name for name in NAMES if state.get(name, 0) > 0]
    return [pair for pair in combinations(asked, 2) if frozenset(pair) in OPPOSITES]


def go_together(names: tuple[str, ...]) -> bool:
    """Whether all of these can be seen on one face at once."""
    return not any(frozenset(pair) in HIDING for pair in combinations(names, 2))
