"""Rows of the gates table from what was measured on all clips."""

from collections.abc import Callable, Sequence

import numpy as np

from longtake.evaluate.comparing import Compared, Seen
from longtake.evaluate.curves import (
    common_lag,
    correlation,
    correlations,
    effect_size,
    openness_at,
    swapped_correlations,
)
from longtake.evaluate.eyes import agreement
from longtake.evaluate.minute import Lost
from longtake.evaluate.real import Spoken
from longtake.evaluate.rows import Row, row


def lag_of(clips: Sequence[Compared]) -> int:
    """The one lag for all clips, in frames."""
    return common_lag(*_curves(clips))


def clip_rows(clips: Sequence[Compared], lag: int, set: str) -> list[Row]:
    """The rows of the model's videos of all clips."""
    ours, truths, voiced = _curves(clips)
    each = correlations(ours, truths, voiced, lag)
    low, high = np.percentile(each, [25, 75])
    energy = _ratios(clips, lambda seen: seen.motion_energy)
    return [
        row("mouth_correlation", np.median(each), set, f"quartiles {low:.2f}, {high:.2f}; lag {lag}"),
        row("mouth_correlation_swapped", np.median(swapped_correlations(ours, truths, voiced, lag)), set),
        row("identity_distance", _median(clips, lambda c: c.output.identity), set),
        row("motion_energy_ratio", np.median(energy), set),
        row("head_motion_ratio", np.median(_ratios(clips, lambda seen: seen.head_motion)), set),
        row("border_jump", _median(clips, lambda c: c.output.border_jump), set, "change between segments over within"),
        row("blink_rate", _per_minute(clips, lambda c: c.output.blinks), set),
        row("faces_found", np.concatenate([c.output.found for c in clips]).mean(), set),
        row("psnr_db", _median(clips, lambda c: c.output.psnr_db), set),
        row("perceptual_distance", _median(clips, lambda c: c.output.perceptual), set, "face-api features, not LPIPS"),
        row("mouth_range_ratio", np.median(_mouth_ranges(clips)), set, "spread of the mouth opening, ours over true"),
    ]


def vowel_row(name: str, pairs: Sequence[tuple[list[float], list[float]]], set: str) -> Row:
    """The row of openness on open vowels against closures, pooled over all videos."""
    vowels = [value for high, _ in pairs for value in high]
    closures = [value for _, low in pairs for value in low]
    return row(name, effect_size(vowels, closures), set, f"{len(vowels)} open vowels, {len(closures)} closures")


def fixture_openness(clips: Sequence[Compared], fps: float, lag: int) -> list[tuple[list[float], list[float]]]:
    """Openness on open vowels and closures in the model's videos of the clips, whose phone times are exact."""
    return [openness_at(clip.output.mouth, clip.phones, fps, lag) for clip in clips]


def minute_rows(lost: Lost, set: str) -> list[Row]:
    """The rows of the one-minute video."""
    return [
        row("drift_identity", abs(lost.identity), set, "last 5 s against first 5 s"),
        row("drift_sharpness", lost.sharpness, set),
        row("background_psnr_drop_db", lost.background_psnr_drop_db, set),
    ]


def silent_row(correlated: Sequence[float], set: str) -> Row:
    """The row of the same portraits given silence: the mouth must not know the words."""
    return row("audio_zeroed_correlation", float(np.median(correlated)), set, f"{len(correlated)} clips")


def real_rows(spoken: Sequence[Spoken], portraits: Sequence[Spoken]) -> list[Row]:
    """The rows on real recordings, and on real portraits."""
    heard = f"{len(spoken)} real recordings, invented faces"
    shown = f"{len(portraits)} real recordings and portraits"
    rows = [vowel_row("vowel_closure_effect", [(s.vowels, s.closures) for s in spoken], heard)]
    for suffix, group, set in (("real_speech", spoken, heard), ("real_portraits", portraits, shown)):
        minutes = sum(s.seconds for s in group) / 60
        rows += [
            row(f"identity_distance_{suffix}", np.median([s.identity for s in group]), set),
            row(f"faces_found_{suffix}", np.mean([s.found for s in group]), set),
            row(f"blink_rate_{suffix}", sum(s.blinks for s in group) / minutes, set),
        ]
    return [*rows, vowel_row("vowel_closure_effect_real_portraits", [(s.vowels, s.closures) for s in portraits], shown)]


def reference_rows(clips: Sequence[Compared], set: str, fps: float) -> list[Row]:
    """What the truth itself, the truth through our autoencoder, and a still portrait reach: for comparison."""
    _, truths, voiced = _curves(clips)
    labels = [correlation(c.truth.mouth[c.voiced], c.label_mouth[c.voiced]) for c in clips]
    met, false = np.sum([agreement(c.truth_blinks, c.label_blinks) for c in clips], axis=0)
    count = sum(len(c.label_blinks) for c in clips)
    rows = [
        row("truth_mouth_correlation_label", np.median(labels), set, "the measure against the puppet's exact opening"),
        row("truth_identity_distance", _median(clips, lambda c: c.truth.identity), set),
        row("truth_blink_rate", _per_minute(clips, lambda c: c.truth.blinks), set),
        row("truth_blink_recall", met / max(count, 1), set, f"{met} of {count} blinks seen, {false} false"),
        vowel_row("truth_vowel_closure_effect", [openness_at(c.truth.mouth, c.phones, fps, 0) for c in clips], set),
        row("still_psnr_db", _median(clips, lambda c: c.still.psnr_db), set),
        row("still_perceptual_distance", _median(clips, lambda c: c.still.perceptual), set),
    ]
    if any(c.ceiling is None for c in clips):
        return rows
    through = [c.ceiling for c in clips if c.ceiling]
    rows += [
        row("ceiling_mouth_correlation", np.median(correlations([s.mouth for s in through], truths, voiced, 0)), set),
        row("ceiling_identity_distance", np.median([s.identity for s in through]), set),
        row("ceiling_blink_rate", sum(s.blinks for s in through) / sum(c.seconds for c in clips) * 60, set),
        row("ceiling_psnr_db", np.median([s.psnr_db for s in through]), set),
        row("ceiling_perceptual_distance", np.median([s.perceptual for s in through]), set),
    ]
    return rows


def _curves(clips: Sequence[Compared]) -> tuple[list, list, list]:
    return [c.output.mouth for c in clips], [c.truth.mouth for c in clips], [c.voiced for c in clips]


def _median(clips: Sequence[Compared], value: Callable[[Compared], float]) -> float:
    return float(np.median([value(clip) for clip in clips]))


def _ratios(clips: Sequence[Compared], value: Callable[[Seen], float]) -> list[float]:
    return [value(clip.output) / max(value(clip.truth), 1e-9) for clip in clips]


def _per_minute(clips: Sequence[Compared], count: Callable[[Compared], int]) -> float:
    return sum(map(count, clips)) / sum(clip.seconds for clip in clips) * 60


def _mouth_ranges(clips: Sequence[Compared]) -> list[float]:
    return [float(np.nanstd(c.output.mouth) / max(np.nanstd(c.truth.mouth), 1e-9)) for c in clips]
