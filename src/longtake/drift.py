"""The drift guardian: each segment's tail is measured against the portrait, and a segment that went astray is made again.

What it decides depends on portrait, tail and segment index alone, so a resumed run decides as one that never stopped. It
looks at the tail because only what is in the tail can go on into the next segment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from jaxtyping import Float, UInt8

from longtake.clips import Portrait, Segment, Tail
from longtake.face.likeness import Likeness, Yardstick
from longtake.face.regions import eyes_of
from longtake.fade import cross_fade
from longtake.media.pixels import as_frames, as_pictures
from longtake.motion import whole_patches
from longtake.settings import DriftSettings, Settings

CONTINUED, SEED, CALM, ANCHORED = "continued", "seed", "calm", "anchored"
FADE_FRAMES = 8
"""Frames over which the continued segment gives way to the one anchored on the portrait."""
PAUSE_SEGMENTS = 8
"""Where a tail comes in bad, all was tried before: it is tried again in one of so many that are measured."""
TOLD_SHUT, NEIGHBOURS = 0.2, 2
"""Lids told to be this closed, up to so many frames away, explain closed eyes: the model's blinks lag a little."""
SHUT = 0.45
"""Shut eyes are read as open by about 0.4 of the portrait's: however narrow eyes are asked to be, these are not handed on."""
LINGERS = 15
"""Frames after which nothing is left of an expression that is not asked for any more: 0.6 s."""


class Maker(Protocol):
    """What makes a segment from a tail (`segments.Segments`)."""

    def make(self, tail: Tail | None, attempt: int = 0) -> tuple[Segment, Tail]: ...

    def lids(self, first_frame: int, frames: int) -> Float[np.ndarray, " f"] | None: ...

    def narrowed(self, first_frame: int, frames: int) -> Float[np.ndarray, " f"]: ...

    def shown(self) -> UInt8[np.ndarray, "H W 3"]: ...


@dataclass(frozen=True, eq=False)
class Measured:
    """A tail, how like the portrait it is, and where its faces are."""

    tail: Tail
    likeness: Likeness
    landmarks: Float[np.ndarray, "n 468 3"]


@dataclass(frozen=True, eq=False)
class Attempt:
    """One way in which a segment was made, and each measure in shares of its limit."""

    did: str
    segment: Segment
    measured: Measured
    shares: dict[str, float]

    @property
    def worst(self) -> float:
        """The largest share; above 1 a limit is passed."""
        return max(self.shares.values())


class Guardian:
    """Makes segments that stay close to one portrait, and notes what it measured and did."""

    def __init__(self, portrait: Portrait, settings: Settings) -> None:
        self.portrait, self.limits, self.patch_px = portrait, settings.drift, settings.motion.patch_px
        self.yardstick: Yardstick | None = None  # made when it is first needed, always the same
        self.latest: Measured | None = None  # saves measuring a tail twice; decides nothing

    def next(self, segments: Maker, tail: Tail | None) -> tuple[Segment, Tail]:
        """The segment after `tail` and its own tail: the first attempt within the limits, else the least bad one."""
        limits, dropped, given = self.limits, 0, tail
        if not limits.every or (tail.next_segment if tail else 0) % limits.every:
            return segments.make(tail)
        self.yardstick = self.yardstick or Yardstick.of(self.portrait, segments.shown())
        if limits.act and tail is not None:
            given, dropped = self.unlatched(segments, tail)
        attempts = [self._attempt(segments, CONTINUED, given, 0)]
        for number, did in enumerate(self._ways(tail), 1):
            if min(attempt.worst for attempt in attempts) <= 1:
                break
            attempts.append(self._again(segments, did, given, number, attempts))
        kept = min(attempts, key=lambda attempt: attempt.worst)
        # Random numbers go on as after the plain continuation, the only attempt that draws from a running generator.
        own = replace(kept.measured.tail, random=attempts[0].measured.tail.random)
        self.latest = replace(kept.measured, tail=own)
        return replace(kept.segment, notes=notes(kept, attempts, dropped)), own

    def measure(self, tail: Tail) -> Measured:
        """How like the portrait the frames of a tail are."""
        assert self.yardstick is not None, "next() makes it"
        if self.latest is None or self.latest.tail is not tail:
            self.latest = Measured(tail, *self.yardstick.measure(as_frames(torch.as_tensor(tail.pictures))))
        return self.latest

    def unlatched(self, segments: Maker, tail: Tail) -> tuple[Tail, int]:
        """The tail without eyes that nobody told to close, and in how many frames they were dropped.

        Handed on, closed eyes would close the eyes of the next segment, and its of the next. Without them the portrait
        decides. A model that is told when to blink has told blinks go on across the border, and eyes that words narrow (a
        wink, a squint, laughter) may be as narrow as asked.
        """
        measured, height, width = self.measure(tail), *tail.pictures.shape[2:]
        least = self.limits.eyes - max(0.0, self.limits.eyes - SHUT) * asked_narrow(segments, tail)
        shut = np.array(measured.likeness.eyes) < least
        shut &= ~told_shut(segments, tail)
        if not shut.any():
            return tail, 0
        pictures = tail.pictures.copy()
        for i in np.flatnonzero(shut):
            pictures[i, :, whole_patches(eyes_of(measured.landmarks[i], height, width), self.patch_px)] = 0
        return replace(tail, pictures=pictures), int(shut.sum())

    def _ways(self, tail: Tail | None) -> tuple[str, ...]:
        """What may be tried after the plain continuation, in order."""
        limits = self.limits
        if not limits.act:
            return ()
        if tail is None:
            return (SEED,) * limits.tries  # the first segment starts from the portrait already
        hopeless = max(shares(self.measure(tail).likeness, limits).values()) > 1
        if hopeless and tail.next_segment // limits.every % PAUSE_SEGMENTS:
            return ()
        return (SEED, CALM, ANCHORED)[: limits.tries]

    def _again(self, segments: Maker, did: str, tail: Tail | None, number: int, before: list[Attempt]) -> Attempt:
        """One more attempt, in the way that it is called."""
        if tail is None or did == SEED:
            return self._attempt(segments, did, tail, number)
        if did == CALM:
            return self._attempt(segments, did, calm(tail), number)
        again = self._attempt(segments, did, anchored(tail, self.portrait.picture), number)
        continued = min(before, key=lambda attempt: attempt.worst).segment.frames
        return replace(
            again, segment=replace(again.segment, frames=cross_fade(continued[:FADE_FRAMES], again.segment.frames))
        )

    def _attempt(self, segments: Maker, did: str, tail: Tail | None, number: int) -> Attempt:
        segment, own = segments.make(tail, number)
        measured = self.measure(own)
        return Attempt(did, segment, measured, shares(measured.likeness, self.limits))


def shares(likeness: Likeness, limits: DriftSettings) -> dict[str, float]:
    """Each measure in shares of its limit: above 1 it is passed. What could not be measured counts as no drift."""
    found = {
        "identity": likeness.identity / limits.identity,
        "softness": limits.softest / (likeness.sharpness or 1e-6),
        "sharpness": likeness.sharpness / limits.sharpest,
        "background": likeness.background / limits.background,
        "skin": likeness.skin / limits.skin,
        "faces": limits.faces / max(likeness.faces, 1e-3),
    }
    return {name: share for name, share in found.items() if share == share}


def notes(kept: Attempt, attempts: list[Attempt], dropped: int) -> dict[str, Any]:
    """What was measured and done, for the record of the segment."""
    found: dict[str, Any] = kept.measured.likeness.numbers()
    found["passed"] = [name for name, share in kept.shares.items() if share > 1]
    if dropped:
        found["eyes_dropped"] = dropped
    if len(attempts) > 1:
        found["kept"] = kept.did
        found["tried"] = [{"did": attempt.did, "worst": round(attempt.worst, 4)} for attempt in attempts]
    return found


def told_shut(segments: Maker, tail: Tail) -> np.ndarray:
    """In which frames of the tail the model was told to close the eyes, or just before or after them."""
    count = len(tail.pictures)
    lids = segments.lids(tail.next_frame - count - NEIGHBOURS, count + 2 * NEIGHBOURS)
    if lids is None:
        return np.zeros(count, bool)
    around = np.lib.stride_tricks.sliding_window_view(lids, 2 * NEIGHBOURS + 1)
    return around.max(axis=1) > TOLD_SHUT


def asked_narrow(segments: Maker, tail: Tail) -> Float[np.ndarray, " n"]:
    """How far words close the eyes in each frame of the tail, or did just before: 0 not at all, 1 shut."""
    count, first = len(tail.pictures), tail.next_frame - len(tail.pictures)
    before = min(LINGERS, first)
    asked = segments.narrowed(first - before, count + before)
    return np.array([asked[max(0, before + k - LINGERS) : before + k + 1].max() for k in range(count)])


def calm(tail: Tail) -> Tail:
    """The tail at rest: its last frame repeated, so that the place is kept and the speed is gone."""
    return replace(tail, pictures=np.broadcast_to(tail.pictures[-1:], tail.pictures.shape).copy())


def anchored(tail: Tail, picture: UInt8[np.ndarray, "H W 3"]) -> Tail:
    """The tail with copies of the portrait for frames, as before the first segment."""
    copies = np.broadcast_to(as_pictures(picture[None]).numpy(), tail.pictures.shape)
    return replace(tail, pictures=copies.copy())
