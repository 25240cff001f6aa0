"""How a voice stresses: what of a sound is spoken, voiced and loud, and how prominent each moment is among those around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float

from longtake.media.prosody import HOP_S

AROUND_S = 8.0
"""What is loud or high is so against so much before and after."""
BELOW_VOICE_DB, QUIETEST_DB = 25.0, -55.0
"""Silence is so far below the loudest tenth around, or quieter than this."""
LEAST_SPREAD_DB, LEAST_SPREAD_ST = 3.0, 2.0
"""Voices that hardly change are measured by these instead of by their own changes: dB, semitones."""
STRESSED, RISE = 0.7, 0.5
"""Prominence of a stress, and by how much it must have risen just before."""
LOUD = 0.5
"""So many spreads above the usual level a stretch is loud: its mean over more than half a second."""


@dataclass(frozen=True, eq=False)
class Stress:
    """What is spoken, voiced and loud, and how prominent each hop is: about 1 is a stress, 0 the usual."""

    spoken: Bool[np.ndarray, " hops"]
    voiced: Bool[np.ndarray, " hops"]
    loud: Bool[np.ndarray, " hops"]
    prominence: Float[np.ndarray, " hops"]

    @staticmethod
    def of(level: Float[np.ndarray, " hops"], pitch: Float[np.ndarray, " hops"], origin: int) -> Stress:
        """The same out of levels and pitches that begin at hop `origin`."""
        high = 12 * np.log2(np.maximum(pitch, 1.0) / 100)
        usual = _usual(level, high, pitch > 0, origin)
        spoken = level > usual[:, 0]
        voiced = spoken & (pitch > 0)
        louder = (_smooth(level, spoken, 5) - usual[:, 1]) / usual[:, 2]
        higher = (_smooth(high, voiced, 5) - usual[:, 3]) / usual[:, 4]
        near = _smooth(voiced.astype(float), np.ones_like(voiced), 5) > 0.5
        prominence = np.where(near, np.clip(louder, -1, 2.5) + np.clip(higher, -1, 2.5), 0.0) / 2
        wide = (_smooth(level, spoken, 15) - usual[:, 1]) / usual[:, 2]
        return Stress(spoken, voiced, spoken & (wide > LOUD), np.round(prominence, 2))


def _usual(
    level: Float[np.ndarray, " hops"], high: Float[np.ndarray, " hops"], pitched: Bool[np.ndarray, " hops"], origin: int
) -> Float[np.ndarray, "hops 5"]:
    """For each hop, of the seconds around it: the level of silence, middle and spread of level and of pitch in the speech.

    Measured at every full second of the sound and passed over evenly between them.
    """
    second, reach = round(1 / HOP_S), round(AROUND_S / HOP_S)
    places = np.arange(-origin % second, len(level), second)
    found = [_usual_of(*(x[max(0, k - reach) : k + reach] for x in (level, high, pitched))) for k in places]
    return np.stack([np.interp(np.arange(len(level)), places, column) for column in np.array(found).T], axis=1)


def _usual_of(level: np.ndarray, high: np.ndarray, pitched: np.ndarray) -> tuple[float, float, float, float, float]:
    silence = max(float(np.percentile(level, 90)) - BELOW_VOICE_DB, QUIETEST_DB)
    spoken, sung = level[level > silence], high[pitched & (level > silence)]
    middle, loud = np.percentile(spoken, (50, 90)) if len(spoken) else (0.0, 0.0)
    tone, top = np.percentile(sung, (50, 90)) if len(sung) else (0.0, 0.0)
    return silence, middle, max(loud - middle, LEAST_SPREAD_DB), tone, max(top - tone, LEAST_SPREAD_ST)


def _smooth(x: Float[np.ndarray, " hops"], there: np.ndarray, reach: int) -> Float[np.ndarray, " hops"]:
    """The mean over `reach` hops before and after, of those that are there; a hop's own number where none is."""
    ones = np.ones(2 * reach + 1)
    count = np.convolve(there.astype(float), ones, "same")
    return np.where(count > 0.5, np.convolve(np.where(there, x, 0.0), ones, "same") / np.maximum(count, 1.0), x)


def peaks(prominence: Float[np.ndarray, " hops"], inside: slice) -> Iterator[int]:
    """The stressed hops: the first largest within half a second each way, risen to there in the second before."""
    reach = round(0.5 / HOP_S)
    for k in np.flatnonzero(prominence >= STRESSED):
        if not inside.start <= k < inside.stop:
            continue
        before, after = prominence[max(0, k - reach) : k], prominence[k + 1 : k + 1 + reach]
        rise = prominence[k] - prominence[max(0, k - 2 * reach) : k + 1].min()
        if rise >= RISE and prominence[k] > before.max(initial=-1) and prominence[k] >= after.max(initial=-1):
            yield int(k)


def runs(true: Bool[np.ndarray, " hops"]) -> Iterator[tuple[int, int]]:
    """Where each run of true hops begins and ends."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], true, [False]]).astype(np.int8)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def without_gaps(true: Bool[np.ndarray, " hops"], longest: int) -> Bool[np.ndarray, " hops"]:
    """The same with short gaps closed."""
    closed = true.copy()
    for (_, end), (begin, _) in pairwise(runs(true)):
        if begin - end < longest:
            closed[end:begin] = True
    return closed
