"""Numbers from curves over time: correlation at one common lag, effect of phone classes, rates and ratios."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

Phone = tuple[str, float, float]
"""Symbol, start and end in seconds."""

LAGS = (-1, 0, 1)
"""Frames by which an output may follow (or lead) its speech; one for all clips."""
SILENT_PHONES = frozenset({"sil", "sp", "SIL", "<sil>", "_", ""})
CLOSURES = frozenset("pbm") | {"P", "B", "M"}
OPEN_VOWELS = frozenset({"ɑ", "ɑː", "a", "æ", "ɒ", "AA", "AE"})
OPENING_VOWELS = frozenset({"I", "W", "AY", "AW"})
"""Diphthongs (as in eye, cow) whose first half is an open vowel."""
FEWEST_FRAMES = 8
"""Below this many common frames a correlation says nothing and counts as none."""


def frame_times(frames: int, fps: float) -> Float[np.ndarray, " f"]:
    """The second that each frame shows."""
    return np.arange(frames) / fps


def voiced_frames(phones: Sequence[Phone], frames: int, fps: float) -> Bool[np.ndarray, " f"]:
    """Which frames lie in a phone that is not silence."""
    times = frame_times(frames, fps)
    voiced = np.zeros(frames, bool)
    for symbol, start, stop in phones:
        if symbol not in SILENT_PHONES:
            voiced |= (times >= start) & (times < stop)
    return voiced


def correlation(a: Float[np.ndarray, " f"], b: Float[np.ndarray, " f"]) -> float:
    """Pearson's r over the frames where both are known; 0 where one of them does not move or too little is known."""
    known = np.isfinite(a) & np.isfinite(b)
    if known.sum() < FEWEST_FRAMES:
        return 0.0
    a, b = a[known] - a[known].mean(), b[known] - b[known].mean()
    scale = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / scale if scale > 1e-9 else 0.0


def lagged(
    curve: Float[np.ndarray, " f"], truth: Float[np.ndarray, " f"], voiced: Bool[np.ndarray, " f"], lag: int
) -> tuple[Float[np.ndarray, " v"], Float[np.ndarray, " v"]]:
    """The voiced values of both curves, `curve` read `lag` frames later than `truth`."""
    frames = min(len(curve), len(truth))
    keep = [i for i in np.flatnonzero(voiced[:frames]) if 0 <= i + lag < frames]
    return curve[[i + lag for i in keep]], truth[keep]


def correlations(curves: Sequence, truths: Sequence, voiced: Sequence, lag: int) -> list[float]:
    """The correlation of each clip over its voiced frames."""
    return [correlation(*lagged(c, t, v, lag)) for c, t, v in zip(curves, truths, voiced, strict=True)]


def common_lag(curves: Sequence, truths: Sequence, voiced: Sequence) -> int:
    """The one lag in frames, the same for all clips, at which the median correlation is highest."""
    return max(LAGS, key=lambda lag: (np.median(correlations(curves, truths, voiced, lag)), -abs(lag)))


def swapped_correlations(
    curves: Sequence, truths: Sequence, voiced: Sequence, lag: int, others: int = 5
) -> list[float]:
    """For each clip the mean correlation with the truths of the next `others` clips, silences cut so that both speak."""
    spoken = [lagged(c, t, v, lag) for c, t, v in zip(curves, truths, voiced, strict=True)]
    count = len(spoken)
    result = []
    for i in range(count):
        pairs = [(spoken[i][0], spoken[(i + k) % count][1]) for k in range(1, min(others, count - 1) + 1)]
        cut = [(a[: min(len(a), len(b))], b[: min(len(a), len(b))]) for a, b in pairs]
        result.append(float(np.mean([correlation(a, b) for a, b in cut])) if cut else 0.0)
    return result


def openness_at(
    curve: Float[np.ndarray, " f"], phones: Sequence[Phone], fps: float, lag: int
) -> tuple[list[float], list[float]]:
    """Mouth opening at each open vowel and at each p, b or m: the mean over the frames that lie in the phone.

    A phone shorter than a frame is read at the frame nearest to its middle; of a diphthong the open half counts.
    """
    vowels, closures = [], []
    for symbol, start, stop in phones:
        if symbol in OPENING_VOWELS:
            stop = (start + stop) / 2
        group = closures if symbol in CLOSURES else vowels if symbol in OPEN_VOWELS | OPENING_VOWELS else None
        if group is None:
            continue
        first, last = int(np.ceil(start * fps)), int(np.ceil(stop * fps)) - 1
        if last < first:
            first = last = round((start + stop) / 2 * fps)
        part = curve[max(first + lag, 0) : last + lag + 1]
        if len(part) and np.isfinite(part).any():
            group.append(float(np.nanmean(part)))
    return vowels, closures


def effect_size(high: Sequence[float], low: Sequence[float]) -> float:
    """The difference of two means in pooled standard deviations (Cohen's d); 0 where it can't be told."""
    if len(high) < 2 or len(low) < 2:
        return 0.0
    freedom = len(high) + len(low) - 2
    pooled = ((len(high) - 1) * np.var(high, ddof=1) + (len(low) - 1) * np.var(low, ddof=1)) / freedom
    return float((np.mean(high) - np.mean(low)) / np.sqrt(pooled)) if pooled > 1e-12 else 0.0


def spread(curves: Float[np.ndarray, "f axes"]) -> float:
    """How much a set of curves moves: the root of the summed variances over known frames."""
    known = curves[np.isfinite(curves).all(axis=1)]
    return float(np.sqrt(known.var(axis=0).sum())) if len(known) > 1 else 0.0
