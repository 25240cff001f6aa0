"""Which expressions a clip shows when: states that follow each other, each easing in over the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from longtake.corpus.expressions import NAMES, State, go_together

EMPTY_RATE = 0.12
"""How often a state asks for nothing: what the face does when no words are said."""
EXTRA_RATES = (0.35, 0.25)
"""How often a state with one expression gets a second, and one with two a third."""
INTENSITIES = ((0.25, 0.42), (0.5, 0.78), (0.85, 1.0))
INTENSITY_RATES = (0.22, 0.38, 0.40)
"""Slight, plain, strong."""
ALIKE: Mapping[str, float] = MappingProxyType({})
"""No expression is likelier than another."""
SHORTEST_S = 1.2
EASE_S = (0.3, 0.6)
COUNT_RATES = (0.25, 0.45, 0.3)
"""One, two or three states in a clip that has room for them."""


@dataclass(frozen=True)
class Span:
    """A state and the frames in which it holds; from `start` on it eases in."""

    start: int
    stop: int
    state: State = field(default_factory=dict)


def draw_spans(
    rng: np.random.Generator, frames: int, fps: float, often: Mapping[str, float] = ALIKE
) -> tuple[tuple[Span, ...], int]:
    """States for a clip, drawn at random, and how many frames each takes to ease in; `often` as in `draw_state`."""
    ease = round(float(rng.uniform(*EASE_S)) * fps)
    room = max(1, min(len(COUNT_RATES), int(frames / (SHORTEST_S * fps))))
    count = min(room, 1 + int(rng.choice(len(COUNT_RATES), p=COUNT_RATES)))
    spare = max(frames - round(count * SHORTEST_S * fps), 0)
    parts = rng.dirichlet(np.full(count, 2.0)) * spare + SHORTEST_S * fps
    edges = [0, *np.round(np.cumsum(parts)[:-1]).astype(int).tolist(), frames]
    spans: list[Span] = []
    for start, stop in pairwise(edges):
        state = draw_state(rng, spans[-1].state if spans else None, often)
        spans.append(Span(start, stop, state))
    return tuple(spans), ease


def draw_state(
    rng: np.random.Generator, before: State | None = None, often: Mapping[str, float] = ALIKE
) -> dict[str, float]:
    """A state drawn at random: none, one, two or three expressions that go together, each as likely as any other.

    It has nothing of the state `before`, and is not empty after an empty one. `often` makes expressions so many times likelier.
    """
    if rng.random() < EMPTY_RATE and before != {}:
        return {}
    names = [name for name in _shuffled(rng, often) if name not in (before or {})]
    chosen = [names.pop(0)]
    for rate in EXTRA_RATES:
        fitting = [name for name in names if go_together((*chosen, name))]
        if rng.random() >= rate or not fitting or "neutral" in chosen:
            break
        chosen.append(fitting[0])
        names.remove(fitting[0])
    return {name: _intensity(rng) for name in chosen}


def _shuffled(rng: np.random.Generator, often: Mapping[str, float]) -> list[str]:
    """All names at random, those of `often` so many times likelier to come first."""
    if not often:
        return [str(name) for name in rng.permutation(NAMES)]
    rates = np.array([often.get(name, 1.0) for name in NAMES])
    return [str(name) for name in rng.choice(NAMES, len(NAMES), replace=False, p=rates / rates.sum())]


def _intensity(rng: np.random.Generator) -> float:
    low, high = INTENSITIES[int(rng.choice(len(INTENSITIES), p=INTENSITY_RATES))]
    return round(float(rng.uniform(low, high)), 3)


def shares_of(spans: Sequence[Span], ease: int, frames: int) -> Float[np.ndarray, "spans f"]:
    """How much each state is there in each frame; in every frame the shares sum to 1."""
    shares = np.zeros((len(spans), frames))
    for i, span in enumerate(spans):
        since = np.arange(frames) - span.start
        come = np.clip((since + 1) / (ease + 1), 0.0, 1.0) if i else np.ones(frames)
        come = come * come * (3 - 2 * come)
        shares *= 1 - come
        shares[i] = come
    return shares


def levels_of(spans: Sequence[Span], ease: int, frames: int) -> Float[np.ndarray, "f names"]:
    """How strong each expression of `NAMES` is in each frame."""
    states = np.array([[span.state.get(name, 0.0) for name in NAMES] for span in spans]).reshape(len(spans), len(NAMES))
    return shares_of(spans, ease, frames).T @ states


def longest(spans: Sequence[Span]) -> Span:
    """The span that holds for the most frames."""
    return max(spans, key=lambda span: span.stop - span.start)
