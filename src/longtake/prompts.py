"""The prompt track: cues checked and put in order, and for each frame what they say (docs/prompts.md).

One rule decides what holds: of the cues that have begun and not ended, the one that began last. A change takes the ease of the
cue that comes, or of the one that ends: between two texts their embeddings are mixed, from and to nothing the strength moves.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from longtake.clips import Cue, Prompts
from longtake.errors import PromptError
from longtake.times import clock

Given = str | Path | Prompts | Iterable[tuple[float, str] | Cue] | None
"""What a caller may say: one text for all of the video, a file, or cues."""
MOST_CUES, MOST_WORDS, MOST_CHARACTERS = 100_000, 200, 2_000
RANGES = {"strength": (0.0, 1.0), "ease_s": (0.0, 60.0), "pose": (0.0, 5.0), "face": (0.0, 5.0), "lip": (0.0, 5.0)}
NEGLIGIBLE = 1e-6


def prompts_of(given: Given) -> Prompts:
    """The prompt track that is meant, checked."""
    if isinstance(given, Path):
        from longtake.prompt_files import read_prompts

        return read_prompts(given)
    if isinstance(given, Prompts):
        return checked(given.cues, given.negative)
    if isinstance(given, str):
        return checked([Cue(0.0, given)])
    return checked(cue if isinstance(cue, Cue) else Cue(cue[0], cue[1]) for cue in given or ())


def checked(cues: Iterable[Cue], negative: str = "") -> Prompts:
    """The cues in order of time, their texts on one line, or a PromptError that says what is wrong with which."""
    track = sorted((_checked(cue) for cue in cues), key=lambda cue: cue.start_s)
    if len(track) > MOST_CUES:
        raise PromptError(f"There are {len(track)} prompts.", expected=f"at most {MOST_CUES}")
    for first, second in pairwise(track):
        if first.start_s == second.start_s:
            raise PromptError(f"Two prompts start at {first.start_s:g} s.", do="join their texts or move one")
    return Prompts(tuple(track), _text(negative, "The negative prompt"))


def named(cue: Cue) -> str:
    """A cue as messages call it."""
    text = cue.text if len(cue.text) <= 40 else f"{cue.text[:37]}..."
    return f"the prompt at {clock(cue.start_s)}" + (f" ('{text}')" if text else "")


def titled(cue: Cue) -> str:
    """The same at the beginning of a sentence."""
    name = named(cue)
    return name[0].upper() + name[1:]


def plain(prompts: Prompts) -> dict[str, Any]:
    """The track as JSON takes it; what is as ever is left out."""
    usual = {one.name: one.default for one in fields(Cue)}
    cues = [{k: v for k, v in asdict(cue).items() if v != usual[k]} for cue in prompts.cues]
    return ({"cues": cues} if cues else {}) | ({"negative": prompts.negative} if prompts.negative else {})


def from_plain(told: dict[str, Any]) -> Prompts:
    """The track that `plain` gave."""
    return Prompts(tuple(Cue(**cue) for cue in told.get("cues", ())), told.get("negative", ""))


@dataclass(frozen=True)
class Mix:
    """What the prompts say of one frame. Shares of texts add up to 1; strength 0: nothing is told."""

    texts: tuple[tuple[str, float], ...] = ()
    strength: float = 0.0
    negative: tuple[tuple[str, float], ...] = ()
    negative_strength: float = 0.0
    weights: tuple[float, float, float] = (1.0, 1.0, 1.0)  # pose, face, lip

    @property
    def told(self) -> bool:
        """Whether anything is told of the frame, to lead to or away from."""
        return bool(self.strength or self.negative_strength)


@dataclass(frozen=True)
class Turn:
    """A frame from which another cue holds (None: nothing), and over how many frames it comes."""

    frame: int
    cue: Cue | None
    ease: int


class Track:
    """The prompts over the frames of a video."""

    def __init__(self, prompts: Prompts, fps: float) -> None:
        self.prompts, self.negative = prompts, prompts.negative
        self.turns = list(turns(prompts.cues, fps))
        self.frames = [turn.frame for turn in self.turns]

    def at(self, frame: int) -> Mix:
        """What is said of one frame."""
        return self._mix(self._parts(frame))

    def text(self, frame: int) -> str:
        """What holds at a frame, in words; empty for nothing."""
        k = bisect_right(self.frames, frame) - 1
        cue = self.turns[k].cue if k >= 0 else None
        return cue.text if cue else ""

    def _parts(self, frame: int) -> list[tuple[Cue | None, float]]:
        """The cues that have a share in a frame, the latest first: each hides those before it as far as it has come."""
        parts, rest, k = [], 1.0, bisect_right(self.frames, frame) - 1
        while k >= 0 and rest > NEGLIGIBLE:
            turn = self.turns[k]
            come = min(1.0, (frame - turn.frame + 1) / (turn.ease + 1))
            parts.append((turn.cue, rest * come))
            rest, k = rest * (1 - come), k - 1
        return parts if k >= 0 or rest == 0 else [*parts, (None, rest)]

    def _mix(self, parts: list[tuple[Cue | None, float]]) -> Mix:
        said = [(cue.text, cue.strength, share) if cue else ("", 0.0, share) for cue, share in parts]
        away = [(self.negative if cue is None or cue.negative is None else cue.negative, 1.0, s) for cue, s in parts]
        weights = [
            # Around 1, so that ones stay exactly 1 whatever the shares.
            1 + sum(share * (getattr(cue, region) - 1) for cue, share in parts if cue)
            for region in ("pose", "face", "lip")
        ]
        return Mix(*_shares(said), *_shares(away), weights=(weights[0], weights[1], weights[2]))


def turns(cues: Iterable[Cue], fps: float) -> Iterator[Turn]:
    """The frames at which another cue holds than before, in order."""
    spans = [(_frame(cue.start_s, fps), _frame(cue.stop_s, fps), cue) for cue in cues]
    waiting, begun, holds = spans[::-1], [], None
    for frame in sorted({edge for start, stop, _ in spans for edge in (start, stop) if edge < math.inf}):
        while waiting and waiting[-1][0] <= frame:
            _, stop, cue = waiting.pop()
            heapq.heappush(begun, (-cue.start_s, stop, cue))
        while begun and begun[0][1] <= frame:
            heapq.heappop(begun)
        now: Cue | None = begun[0][2] if begun else None
        if now is holds:
            continue
        comes = now is not None and (holds is None or now.start_s > holds.start_s)
        giving = now if comes else holds
        assert giving is not None, "one of two different cues is there"
        yield Turn(int(frame), now, round(giving.ease_s * fps) if frame else 0)
        holds = now


def _frame(time_s: float | None, fps: float) -> float:
    """The first frame at or after a time."""
    return math.inf if time_s is None else math.ceil(time_s * fps - 1e-6)


def _shares(said: list[tuple[str, float, float]]) -> tuple[tuple[tuple[str, float], ...], float]:
    """The share of each text, and the strength of all, from (text, strength, share)."""
    amounts: dict[str, float] = {}
    for text, strength, share in said:
        if text and strength:
            amounts[text] = amounts.get(text, 0.0) + share * strength
    if not amounts:
        return (), 0.0
    whole = sum(amounts.values())
    lacking = sum(share * (1 - strength if text else 1.0) for text, strength, share in said)
    return tuple((text, amount / whole) for text, amount in amounts.items()), min(1.0, max(0.0, 1 - lacking))


def _checked(cue: Cue) -> Cue:
    start, stop = float(cue.start_s), None if cue.stop_s is None else float(cue.stop_s)
    if not math.isfinite(start) or start < 0:
        raise PromptError(f"A prompt starts at {start:g} s.", expected="a time of 0 or more, in seconds or as a clock")
    cue = replace(cue, start_s=start, text=" ".join(cue.text.split()))
    who = named(cue)
    if stop is not None and not (math.isfinite(stop) and stop > start):
        raise PromptError(
            f"{titled(cue)} ends at {stop:g} s.",
            expected="an end after its start",
            do="correct one of the two",
        )
    for name, (least, most) in RANGES.items():
        value = getattr(cue, name)
        if not least <= value <= most:
            shown = name.removesuffix("_s")
            raise PromptError(
                f"{shown} = {value:g} of {who} can't be used.", expected=f"a number from {least:g} to {most:g}"
            )
    negative = None if cue.negative is None else _text(cue.negative, f"The negative of {who}")
    return replace(cue, start_s=start, stop_s=stop, text=_text(cue.text, who), negative=negative)


def _text(text: str, who: str) -> str:
    """The text on one line; refused if no encoder could take all of it."""
    text = " ".join(text.split())
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise PromptError(f"{who[0].upper()}{who[1:]} has bytes that are no characters.", do="write it in UTF-8")
    words = len(text.split())
    if words > MOST_WORDS or len(text) > MOST_CHARACTERS:
        raise PromptError(
            f"{who[0].upper()}{who[1:]} has {words} words, {len(text)} characters.",
            expected=f"at most {MOST_WORDS} words and {MOST_CHARACTERS} characters; a few words steer best",
            do="shorten it, or give the parts their own times",
        )
    return text
