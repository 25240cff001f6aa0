"""What is worth knowing about a prompt track before it is used: overlaps, gaps, cues that nothing will be seen of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Literal

from longtake.clips import Cue, Prompts
from longtake.prompts import Track, named, titled
from longtake.times import clock


@dataclass(frozen=True)
class Remark:
    """One finding: its kind in a word, where it lies, and a sentence."""

    kind: Literal["past the end", "overlap", "gap", "unseen"]
    start_s: float
    stop_s: float
    said: str


def remarks(prompts: Prompts, seconds: float, fps: float) -> list[Remark]:
    """All findings about a track over so many seconds of speech, in order of time."""
    inside = [cue for cue in prompts.cues if cue.start_s < seconds]
    found = chain(_late(prompts.cues, seconds), _overlaps(inside), _unseen(inside, fps), _gaps(prompts, seconds, fps))
    return sorted(found, key=lambda remark: remark.start_s)


def late_prompts(prompts: Prompts, seconds: float) -> list[str]:
    """What a run says about cues that begin after its end: how many, and the first."""
    late = [remark.said for remark in _late(prompts.cues, seconds)]
    return [late[0] if len(late) == 1 else f"{late[0]} So do {len(late) - 1} more."] if late else []


def _late(cues: Iterable[Cue], seconds: float) -> Iterator[Remark]:
    for cue in cues:
        if cue.start_s >= seconds:
            said = f"{titled(cue)} begins after the end of the speech, which lasts {clock(seconds)}."
            yield Remark("past the end", cue.start_s, cue.stop_s or cue.start_s, said)


def _overlaps(cues: list[Cue]) -> Iterator[Remark]:
    """Each cue that begins while one with an end still holds: the later one wins there."""
    longest: Cue | None = None
    for cue in cues:
        if longest and longest.stop_s and cue.start_s < longest.stop_s:
            stop_s = min(longest.stop_s, math.inf if cue.stop_s is None else cue.stop_s)
            said = f"{titled(cue)} begins before {named(longest)} ends; from {clock(cue.start_s)} to {clock(stop_s)} it wins."
            yield Remark("overlap", cue.start_s, stop_s, said)
        if cue.stop_s and (longest is None or cue.stop_s > (longest.stop_s or 0)):
            longest = cue


def _unseen(cues: list[Cue], fps: float) -> Iterator[Remark]:
    """Cues that no frame shows: too short, or hidden by a later one from the first frame on."""
    shown = {id(turn.cue) for turn in Track(Prompts(tuple(cues)), fps).turns}
    for cue in cues:
        if id(cue) not in shown:
            yield Remark(
                "unseen", cue.start_s, cue.stop_s or cue.start_s, f"{titled(cue)} holds for less than a frame."
            )


def _gaps(prompts: Prompts, seconds: float, fps: float) -> Iterator[Remark]:
    """Times of which no cue says anything; a cue without text asks for that, so it leaves no gap."""
    turns = ((turn.frame / fps, turn.cue) for turn in Track(prompts, fps).turns)
    for (start_s, cue), (stop_s, _) in pairwise([(0.0, None), *turns, (seconds, None)]):
        stop_s = min(stop_s, seconds)
        if cue is None and start_s < stop_s:
            said = f"No prompt holds from {clock(start_s)} to {clock(stop_s)}: no words there."
            yield Remark("gap", start_s, stop_s, said)
