"""What prompts do, in rows of the gates: direction, effect, unseen phrasings, lip-sync and identity lost, reaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from longtake.evaluate.expressions import HELD, TRUE, curve
from longtake.evaluate.rows import Row, row
from longtake.evaluate.signals import Signals

GATED = (
    "smile",
    "laugh",
    "angry",
    "surprised",
    "brows_up",
    "squint",
    "look_left",
    "look_right",
    "turn_left",
    "turn_right",
    "tilt_left",
    "tilt_right",
    "nod",
    "shake",
)
"""The expressions that the gates ask for; chosen before any weights were trained."""
ARRIVED = 0.5
"""A change is visible once half of it is there."""
STAYS, SETTLED_S, REACTED_S = 3, 0.8, 0.6
"""Frames that it must stay visible; from when on it counts as done; until when it may take."""


@dataclass(frozen=True)
class Moved:
    """One expression asked of one clip."""

    name: str
    clip: str
    by: float  # its measure with the prompt, less that with the null prompt
    unseen: bool = False  # in a phrasing that training never saw


@dataclass(frozen=True)
class Reacted:
    """A prompt that comes within a clip."""

    name: str
    clip: str
    after_s: float  # until half of the change is there; infinite if it never is
    jump: float  # largest change of the frames there, over the 99th percentile of all others


def direction_rows(moved: Sequence[Moved], set: str) -> list[Row]:
    """Shares of clips that move the way they are asked: of the worst expression, and of all in phrasings never seen."""
    known = [one for one in moved if not one.unseen]
    shares, effects = _by_name(known, lambda by: by > 0), _by_name(known, lambda by: by)
    reached = {name: effect / TRUE[name] for name, effect in effects.items()}
    worst, weakest = min(shares, key=lambda n: shares[n]), min(reached, key=lambda n: reached[n])
    low = f"lowest {worst}; mean {np.mean(list(shares.values())):.2f} of {len(shares)} expressions, {len(known)} videos"
    weak = f"lowest {weakest}; mean {np.mean(list(reached.values())):.2f} of the puppets' own effect"
    rows = [row("words_direction", shares[worst], set, low), row("words_effect", reached[weakest], set, weak)]
    new = _by_name([one for one in moved if one.unseen], lambda by: by > 0)
    if new:
        count = sum(one.unseen for one in moved)
        worst = min(new, key=lambda n: new[n])
        note = f"lowest {worst}, {new[worst]:.2f}; {count} videos"
        rows.append(row("words_unseen_phrasings", np.mean([one.by > 0 for one in moved if one.unseen]), set, note))
    return rows


def cost_rows(synced: Iterable[tuple[float, float]], alike: Iterable[tuple[float, float]], set: str) -> list[Row]:
    """What prompts cost: mouth correlation and identity distance with a prompt and with the null prompt, in pairs."""
    lost = [null - asked for asked, null in synced]
    rise = [asked - null for asked, null in alike]
    worst = f"highest {np.nanmax(lost):.2f} of {len(lost)} videos"
    return [
        row("words_lip_sync_loss", np.nanmedian(lost), set, worst),
        row("words_identity_rise", np.nanmedian(rise), set, f"highest {np.nanmax(rise):.2f}"),
    ]


def reaction_rows(reacted: Sequence[Reacted], set: str) -> list[Row]:
    """How soon a prompt within a clip is seen, and whether the frames jump there."""
    times = [one.after_s for one in reacted]
    late = sum(time > REACTED_S for time in times)
    return [
        row("words_reaction_s", np.median(times), set, f"median; {late} of {len(times)} later than {REACTED_S} s"),
        row("words_jump", np.median([one.jump for one in reacted]), set, "frame change there over the 99th percentile"),
    ]


def reaction_s(name: str, asked: Signals, null: Signals, change: int) -> float:
    """Seconds from frame `change`, in which the prompt comes, until half of what it does is there to stay."""
    assert name in HELD, f"{name} has no sign in a single frame"
    more = _smooth(curve(name, asked) - curve(name, null))
    before = float(np.nanmedian(more[:change]))
    done = float(np.nanmedian(more[change + round(SETTLED_S * asked.fps) :]))
    if not done > max(before, 0.0):
        return float("inf")
    there = more[change:] - before >= ARRIVED * (done - before)
    for frame in range(len(there) - STAYS + 1):
        if there[frame : frame + STAYS].all():
            return frame / asked.fps
    return float("inf")


def jump(frames: UInt8[np.ndarray, "f H W 3"], change: int, fps: float) -> float:
    """The largest change from frame to frame within the reaction to a prompt, over the 99th percentile of all others."""
    moved = np.array([cv2.absdiff(a, b).mean() for a, b in pairwise(frames)])
    near = np.zeros(len(moved), bool)
    near[max(change - 1, 0) : change + round(REACTED_S * fps)] = True
    usual = float(np.percentile(moved[~near], 99))
    return float(moved[near].max()) / max(usual, 1e-6)


def _smooth(values: Float[np.ndarray, " f"]) -> Float[np.ndarray, " f"]:
    """Each frame's median with its neighbours': one frame lost by the tracker is no change."""
    padded = np.pad(values, 1, mode="edge")
    return np.nanmedian([padded[:-2], padded[1:-1], padded[2:]], axis=0)


def _by_name(moved: Sequence[Moved], value: Callable[[float], float]) -> dict[str, float]:
    names = dict.fromkeys(one.name for one in moved)  # where the face was lost, nothing moved
    return {name: float(np.mean([value(np.nan_to_num(one.by)) for one in moved if one.name == name])) for name in names}
