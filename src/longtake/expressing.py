"""Words from the speech itself: an automatic prompt track out of loudness, pitch and pauses (docs/prompts.md).

A stress raises the eyebrows, a strong one and the end of a phrase make the head nod, a loud stretch opens the mouth wider, a
pause is calm. What is loud or high is measured against the seconds around it. The sound is read in pieces that are
forgotten; each finding depends on a bounded stretch of it, so the pieces make no difference.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from longtake.clips import Cue, Prompts, Speech
from longtake.media.prosody import FLOOR_DB, HOP_S, Prosody, prosody
from longtake.media.stress import STRESSED, Stress, peaks, runs, without_gaps
from longtake.prompts import MOST_CUES, checked, turns

TEXTS = {
    "brows_up": "eyebrows raised",
    "nod": "nodding",
    "mouth_wide": "speaking with the mouth wide",
    "neutral": "calm",
}
"""What is asked for, in plain phrasings of the expressions that words were learned from (corpus/wording.py)."""
EASE_S, GRID_S = 0.3, 0.1
"""How softly everything comes and goes, and the steps of time that cues begin and end at."""
PIECE_S = 20.0
"""Sound read at a time; a finding may depend on as much before and after its piece."""
STRONGLY = 1.1
"""Prominence that makes the head nod too; that of any stress raises the eyebrows."""
GAP_S, LONGEST_PAUSE_S, SHORTEST_S = 0.3, 3.0, 0.5
"""Silence that ends a phrase; how long one is filled with calm; what is shorter than the last is not shown."""
REST_S = {"brows_up": 2.5, "nod": 3.0}
"""From one of a kind to the next, at least."""
LEAST_VOICED_S = 0.6
"""In the two seconds before a pause, or what ended was no phrase: noises have no pitch."""


@dataclass(frozen=True, order=True)
class Moment:
    """An expression that the speech suggests, and when."""

    start_s: float
    stop_s: float
    name: str
    strength: float = 1.0


def expressive_cues(speech: Speech, piece_s: float = PIECE_S) -> tuple[Cue, ...]:
    """The cues that a speech suggests, in order of time; none for silence."""
    moments = sorted(_rested(sorted(_joined(_moments(speech, piece_s)))))
    return tuple(_cues(moments, speech.seconds))


def merged(own: Prompts, suggested: Sequence[Cue], fps: float) -> Prompts:
    """The track with suggested cues where nothing of its own holds; they end where something of its own begins."""
    taken, kept = {cue.start_s for cue in own.cues}, []
    free = _free(own, fps)
    start_s, stop_s = next(free)
    for cue in suggested:
        while cue.start_s >= stop_s:
            start_s, stop_s = next(free)
        end_s = min(stop_s, math.inf if cue.stop_s is None else cue.stop_s)
        if cue.start_s >= start_s and cue.start_s not in taken and end_s - cue.start_s > EASE_S:
            kept.append(Cue(cue.start_s, cue.text, end_s, cue.strength, cue.ease_s))
    room = MOST_CUES - len(own.cues)  # some 70 hours
    return checked([*own.cues, *kept[:room]], own.negative) if kept else own


def _free(own: Prompts, fps: float) -> Iterator[tuple[float, float]]:
    """The stretches in which no cue holds, the last one without an end."""
    start_s: float | None = 0.0
    for turn in turns(own.cues, fps):
        time_s = turn.frame / fps
        if turn.cue is not None and start_s is not None:
            yield start_s, time_s
        start_s = time_s if turn.cue is None else None
    yield (math.inf if start_s is None else start_s), math.inf


def _moments(speech: Speech, piece_s: float) -> Iterator[Moment]:
    """What each piece of the speech suggests, judged with the pieces before and after it in sight."""
    size = round(piece_s / HOP_S)
    count = math.ceil(speech.seconds / HOP_S)
    nothing = Prosody(np.full(size, FLOOR_DB), np.zeros(size))
    parts = [nothing, prosody(speech, 0, size)]
    for first in range(0, count, size):
        parts.append(prosody(speech, first + size, size) if first + size < count else nothing)
        level = np.concatenate([part.level_db for part in parts])
        pitch = np.concatenate([part.pitch_hz for part in parts])
        yield from _found(level, pitch, first - size, first, first + size)
        parts = parts[1:]


def _found(
    level: Float[np.ndarray, " hops"], pitch: Float[np.ndarray, " hops"], origin: int, first: int, stop: int
) -> Iterator[Moment]:
    """What the hops from `first` up to `stop` suggest; the numbers begin at hop `origin`."""
    voice = Stress.of(level, pitch, origin)
    spoken = without_gaps(voice.spoken, round(GAP_S / HOP_S))
    inside = slice(first - origin, stop - origin)

    def at(k: int) -> float:
        return round((origin + int(k)) * HOP_S, 2)

    for k in peaks(voice.prominence, inside):
        much = float(voice.prominence[k])
        strength = round(min(1.0, 0.6 + 0.4 * (much - STRESSED)), 2)
        yield Moment(at(k) - 0.2, at(k) + 0.9, "brows_up", strength)
        if much > STRONGLY:
            yield Moment(at(k) - 0.2, at(k) + 0.9, "nod", strength)
    for k in (np.flatnonzero(spoken[:-1] & ~spoken[1:]) + 1).tolist():
        if inside.start <= k < inside.stop and voice.voiced[max(0, k - 100) : k].sum() >= LEAST_VOICED_S / HOP_S:
            longest = round(LONGEST_PAUSE_S / HOP_S)
            silent = int(np.append(spoken[k : k + longest], True).argmax())
            yield Moment(at(k) - 0.5, at(k) + 0.5, "nod", 0.7)
            yield Moment(at(k) + 0.5, at(k + silent) - 0.1, "neutral")
    for begin, end in runs(voice.loud):
        if end - begin >= SHORTEST_S / HOP_S:
            yield Moment(at(max(begin, inside.start)), at(min(end, inside.stop)), "mouth_wide")


def _joined(moments: Iterable[Moment]) -> Iterator[Moment]:
    """Loud stretches that two pieces cut in two are one again; everything else as it comes."""
    open_one: Moment | None = None
    for moment in moments:
        if moment.name != "mouth_wide":
            yield moment
        elif moment.start_s >= moment.stop_s:
            continue  # lay outside its piece
        elif open_one and abs(moment.start_s - open_one.stop_s) < HOP_S / 2:
            open_one = Moment(open_one.start_s, moment.stop_s, "mouth_wide")
        else:
            if open_one:
                yield open_one
            open_one = moment
    if open_one:
        yield open_one


def _rested(moments: Iterable[Moment]) -> Iterator[Moment]:
    """The moments without those that come too soon after one of their kind, and those that are too short to be seen."""
    latest: dict[str, float] = {}
    for moment in moments:
        since = moment.start_s - latest.get(moment.name, -math.inf)
        if moment.stop_s - moment.start_s >= SHORTEST_S and since >= REST_S.get(moment.name, 0.0):
            latest[moment.name] = moment.start_s
            yield moment


def _cues(moments: Sequence[Moment], seconds: float) -> Iterator[Cue]:
    """One cue for each stretch in which the same is asked for; calm gives way to everything else."""
    spans = [(round(max(m.start_s, 0) / GRID_S), round(min(m.stop_s, seconds) / GRID_S), m) for m in moments]
    spans = [span for span in spans if span[0] < span[1]]
    edges = sorted({edge for start, stop, _ in spans for edge in (start, stop)})
    waiting, holding = spans[::-1], []
    for begin, end in pairwise(edges):
        while waiting and waiting[-1][0] <= begin:
            holding.append(waiting.pop())
        holding = [span for span in holding if span[1] > begin]
        asked = {span[2].name: span[2].strength for span in holding}
        if len(asked) > 1:
            asked.pop("neutral", None)
        if asked:
            text = ", ".join(TEXTS[name] for name in TEXTS if name in asked)
            yield Cue(round(begin * GRID_S, 3), text, round(end * GRID_S, 3), max(asked.values()), EASE_S)
