"""Captions for clips that have none, by rules from what is measured on their frames: the offline default, always the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from jaxtyping import UInt8

from longtake.corpus.expressions import NAMES, State, go_together
from longtake.evaluate.expressions import HELD, TRUE, shown
from longtake.evaluate.signals import Signals, read_signals

Clip = tuple[dict[str, Any], UInt8[np.ndarray, "f H W 3"]]
"""A row of the manifest and its frames."""
PIECE_S = 1.0
"""Over so long one state is read."""
SEEN = 0.4
"""An expression counts from this share of what a puppet shows at full intensity."""
MOST = 3
EASE = 8
READ = (*HELD, "wink", "nod", "shake")
"""What the rules look for. How far a mouth opens hangs on what is said, how often eyes blink on longer than a piece."""


class Captioner(Protocol):
    """What writes captions for clips."""

    def captions(self, clips: Iterable[Clip]) -> Iterator[tuple[str, dict[str, Any]]]:
        """The name of each clip, and what its row gains: `states` with `ease`, or `texts`."""
        ...


class Rules:
    """Expressions read from landmarks, against how the same person usually looks."""

    def captions(self, clips: Iterable[Clip]) -> Iterator[tuple[str, dict[str, Any]]]:
        """The states of each clip, one a piece."""
        read = [(row["id"], row["voice"], pieces(read_signals(frames, row["fps"]))) for row, frames in clips]
        usual = {
            voice: _usual([p for _, whose, found in read if whose == voice for p in found]) for _, voice, _ in read
        }
        for name, voice, found in read:
            yield (
                name,
                {"states": states_of([(start, stop, p, usual[voice]) for start, stop, p in found]), "ease": EASE},
            )


def pieces(signals: Signals) -> list[tuple[int, int, dict[str, float]]]:
    """What each piece of a clip shows of each expression, with its frames; a rest too short joins the piece before it."""
    frames, step = len(signals["yaw"]), round(PIECE_S * signals.fps)
    starts = list(range(0, max(frames - step // 2, 1), step))
    return [
        (start, stop, {name: shown(name, signals.part(slice(start, stop))) for name in READ})
        for start, stop in zip(starts, [*starts[1:], frames], strict=True)
    ]


def _usual(found: list[tuple[int, int, dict[str, float]]]) -> dict[str, float]:
    """How much a person usually shows of each expression: the median over all pieces."""
    return {name: float(np.nanmedian([values[name] for _, _, values in found])) for name in READ}


def states_of(
    found: Sequence[tuple[int, int, Mapping[str, float], Mapping[str, float]]],
) -> list[tuple[int, int, State]]:
    """States with their frames: pieces beside each other that show the same are one."""
    spans: list[tuple[int, int, State]] = []
    for start, stop, values, usual in found:
        state = state_of(values, usual)
        if spans and spans[-1][2].keys() == state.keys():
            first, _, before = spans.pop()
            share = (stop - start) / (stop - first)
            start, state = first, {n: round((1 - share) * before[n] + share * state[n], 3) for n in state}
        spans.append((start, stop, state))
    return spans


def state_of(values: Mapping[str, float], usual: Mapping[str, float]) -> State:
    """The strongest expressions of a piece that can be seen on one face at once."""
    more = {name: float(np.nan_to_num(values[name] - usual[name])) for name in READ}
    strength = {name: more[name] / TRUE[name] for name in READ}
    chosen: list[str] = []
    # Of two that are wholly there the one that moves the face more: surprise has wide eyes too.
    for name in sorted(READ, key=lambda name: (-min(strength[name], 1.0), -more[name])):
        if strength[name] >= SEEN and len(chosen) < MOST and go_together((*chosen, name)):
            chosen.append(name)
    return {name: round(min(strength[name], 1.0), 3) for name in NAMES if name in chosen}
