"""What a puppet does besides speaking: expressions that change in the clip, over a wandering head, blinks, brows and gaze."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from longtake.blinks import BLINK, REST_S
from longtake.corpus.captions import caption
from longtake.corpus.expressions import EXPRESSIONS
from longtake.corpus.states import ALIKE, Span, draw_spans, levels_of, longest

HEAD_DEG = np.array([5.0, 3.0, 2.5])
"""How far the head wanders by itself: right, down, clockwise."""
GAZE = (0.35, 0.14)
GAZE_LOW, GAZE_HIGH = (-0.9, -0.7), (0.9, 0.75)
BROWS = 0.3
BROW_MOVERS = ("sad", "angry", "surprised", "disgusted", "afraid", "brows_up", "brows_down")


@dataclass(frozen=True)
class Performance:
    """A clip's motion, frame by frame; signs and units as in `puppet.Pose`."""

    spans: tuple[Span, ...]
    ease: int  # frames that a state takes to come
    caption: str  # of the state that holds longest
    levels: Float32[np.ndarray, "frames names"]  # how strong each expression is
    angles: Float32[np.ndarray, "frames 3"]
    gaze: Float32[np.ndarray, "frames 2"]
    closed: Float32[np.ndarray, "frames 2"]  # lids: the subject's left, right
    brows: Float32[np.ndarray, "frames 2"]  # raised, drawn together
    mouth: Float32[np.ndarray, " frames"]  # how far the speaking mouth goes, of its usual way


def perform(
    rng: np.random.Generator,
    frames: int,
    fps: float,
    spans: Sequence[Span] | None = None,
    ease: int = 10,
    calm: bool = False,
    often: Mapping[str, float] = ALIKE,
) -> Performance:
    """A performance drawn at random; with `spans` it shows those states; `calm`, the one drawn without any of its states.

    Expressions of `often` are drawn so many times as often.
    """
    words = np.random.default_rng(rng.integers(2**63))  # else another wording would be another face
    if spans is None:
        spans, ease = draw_spans(rng, frames, fps, often)
    if calm:
        spans = (Span(0, frames),)
    levels = levels_of(spans, ease, frames)
    shown = levels * (1 + 0.08 * wander(rng, frames, fps, 1, slow_s=1.5))
    kept = _scaled(levels, "calm")[:, None]
    angles = wander(rng, frames, fps, 3, slow_s=1.1) * HEAD_DEG * rng.uniform(0.5, 1.0) * kept
    gaze = fixations(rng, frames, fps) * GAZE * kept - 0.05 * angles[:, :2]
    lean, look = shown @ _table("angles"), shown @ _table("gaze")
    angles = angles * (1 - 0.5 * np.clip(np.abs(lean) / 2.5, 0, 1)) + lean + _swings(rng, shown, fps)
    gaze = np.clip(gaze * (1 - 0.7 * np.clip(np.abs(look) / 0.4, 0, 1)) + look, GAZE_LOW, GAZE_HIGH)
    moved = np.max([levels[:, list(EXPRESSIONS).index(name)] for name in BROW_MOVERS], axis=0)
    brows = np.clip(wander(rng, frames, fps, 2, slow_s=0.35), 0, 1) * rng.uniform(0, BROWS, 2)
    brows = brows * kept * (1 - np.clip(2 * moved, 0, 1))[:, None]
    held = np.clip(levels, 0, 1) ** 0.7 @ _table("closed")  # a slight wink is half a closed eye, not a third
    blink = blinks(rng, frames, fps, levels @ _table("blinks"))[:, None]
    fields = (shown, angles, gaze, np.maximum(held, blink), brows, _scaled(shown, "mouth"))
    return Performance(
        tuple(spans), ease, caption(longest(spans).state, words), *(np.asarray(f, np.float32) for f in fields)
    )


def _table(of: str) -> Float[np.ndarray, names * axes]:
    return np.array([getattr(expression, of) for expression in EXPRESSIONS.values()])


def _scaled(levels: Float[np.ndarray, "f names"], of: str) -> Float[np.ndarray, " f"]:
    """A factor that is 1 without expressions, and each expression's own at full intensity."""
    return np.exp(levels @ np.log(_table(of)))


def _swings(rng: np.random.Generator, levels: Float[np.ndarray, "f names"], fps: float) -> Float[np.ndarray, "f 3"]:
    """Nodding and shaking, each clip at its own pace."""
    yaw, pitch, per_s = _table("swing").T
    pace, phase = rng.uniform(0.85, 1.15), rng.uniform(0, 2 * np.pi)
    turn = np.sin(2 * np.pi * per_s * pace * np.arange(len(levels))[:, None] / fps + phase)
    still = np.zeros(len(levels))
    return np.stack([(levels * turn) @ yaw, (levels * turn) @ pitch, still], axis=1)


def wander(rng: np.random.Generator, frames: int, fps: float, count: int, slow_s: float) -> np.ndarray:
    """Slow random motion within -1..1 that starts anywhere: smoothed noise of two speeds."""
    margin = int(4 * slow_s * fps) + 1
    out = np.zeros((frames, count))
    for share, slow in ((0.7, slow_s), (0.3, 0.4 * slow_s)):
        sigma = slow * fps
        steps = np.arange(-margin, margin + 1)
        bell = np.exp(-0.5 * (steps / sigma) ** 2)
        bell /= np.sqrt((bell**2).sum())
        noise = rng.standard_normal((frames + 2 * margin, count))
        out += share * np.stack([np.convolve(noise[:, n], bell, "valid") for n in range(count)], axis=1)
    return np.tanh(0.75 * out)


def blinks(
    rng: np.random.Generator, frames: int, fps: float, more: Float[np.ndarray, " frames"] | None = None
) -> np.ndarray:
    """Closure of the lids: 8 to 25 blinks a minute, each person with an own rhythm, and `more` a minute in each frame."""
    rate = rng.uniform(8, 25) + (np.zeros(frames) if more is None else more)
    regular = rng.uniform(2, 5)
    closure = np.zeros(frames)
    times = np.arange(frames + 1) / fps
    due = np.concatenate([[0], np.cumsum(rate / 60 / fps)])  # blinks to be expected up to each frame
    count, last = -rng.uniform(0, 1), -1.0
    places = np.arange(len(BLINK)) / 25.0
    while True:
        count += rng.gamma(regular, 1 / regular)
        speed = rng.uniform(0.85, 1.3)
        deep = 1.0 if rng.random() < 0.9 else rng.uniform(0.5, 0.8)
        if count >= due[-1]:
            return closure
        if count < 0:
            continue
        time = max(float(np.interp(count, due, times)), last + REST_S)
        count, last = max(count, float(np.interp(time, times, due))), time
        closure = np.maximum(closure, deep * np.interp(np.arange(frames) / fps - time, places * speed, BLINK, 0, 0))


def fixations(rng: np.random.Generator, frames: int, fps: float) -> np.ndarray:
    """Where the eyes rest, right and down: quick jumps between fixations, often back to the viewer."""
    gaze = np.zeros((frames, 2))
    start = 0
    while start < frames:
        stop = start + max(2, int(fps * rng.uniform(0.4, 2.2)))
        if rng.random() < 0.55:
            gaze[start:stop] = np.clip(rng.normal(0, 1, 2), -2, 2)
        start = stop
    gaze[1:] = 0.75 * gaze[1:] + 0.25 * gaze[:-1]
    return gaze
