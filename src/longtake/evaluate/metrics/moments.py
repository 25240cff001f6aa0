"""What shows in moments: blinks, lips in silence, flicker, sharpness, a background that wanders."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from longtake.evaluate.eyes import blink_spans
from longtake.evaluate.face import background_psnr_db
from longtake.evaluate.metrics.curves import NAN, CurveMetric, Curves, curve_metric, mean, median, ratio
from longtake.evaluate.metrics.protocol import FPS, Quantity
from longtake.evaluate.metrics.view import View
from longtake.face.appearance import background_mask, sharpness
from longtake.face.measure import mouth_opening

RATE_NORM = (10.0, 30.0)
"""Blinks a minute: 17 at rest and 26 in conversation on average (Bentivoglio and others, 1997)."""
DURATION_NORM_S = (0.1, 0.4)
"""A spontaneous blink, from closing to open again."""
QUIET_DB, CLEAR = 35.0, 3
"""Silent is what lies so far below the clip's loud parts, with so many frames as silent on either side."""
FEWEST_SILENT = 10
SMALL = 128
"""Side at which flicker is looked for."""
EVERY = 5


def blinks() -> CurveMetric:
    """How often and how long the eyes close."""
    return curve_metric(
        "blink_rate",
        "Blinks a minute; people blink {:g} to {:g} times, for {} to {} s.".format(*RATE_NORM, *DURATION_NORM_S),
        {
            "blink_rate": Quantity("a minute", "none"),
            "duration": Quantity("s", "none", "mean of the blinks found"),
            "outside_norm": Quantity(
                "", "lower", "by what factor the rate leaves the human range, minus one; 0 inside"
            ),
        },
        lambda view: {"lids": view.eyes[:, :, 0].mean(axis=1)},
        _blinks,
        rate_norm=list(RATE_NORM),
        duration_norm_s=list(DURATION_NORM_S),
        lids="mediapipe iris",
    )


def _blinks(curves: Curves) -> dict[str, float]:
    lids = curves["lids"]
    if np.isfinite(lids).sum() < FPS:
        return {}
    spans = blink_spans(lids, FPS)
    rate = len(spans) / (len(lids) / FPS) * 60
    low, high = RATE_NORM
    outside = max(low / max(rate, 0.5), rate / high, 1.0) - 1
    return {"blink_rate": rate, "duration": mean(np.array([b - a for a, b in spans]) / FPS), "outside_norm": outside}


def silent_lips() -> CurveMetric:
    """How still the lips are while nothing is said."""
    return curve_metric(
        "silent_lips",
        "Mean speed of the mouth's opening while the sound is silent; lips that keep talking move.",
        {
            "silent_lips": Quantity("face heights a second", "lower"),
            "opening": Quantity("face heights", "lower", "median opening in silence"),
            "silent_share": Quantity("", "none", "of the frames"),
        },
        lambda view: {"mouth": mouth_opening(view.landmarks), "level": levels_db(view)},
        _silent,
        frozenset({"speech"}),
        below_db=QUIET_DB,
        clear_frames=CLEAR,
    )


def levels_db(view: View) -> Float[np.ndarray, " f"]:
    """The level of the sound of each frame, 40 ms."""
    assert view.session.speech is not None
    samples = view.session.speech.read(view.start_s, view.start_s + len(view) / FPS)
    power = np.square(samples.reshape(len(view), -1), dtype=np.float64).mean(axis=1)
    return 10 * np.log10(power + 1e-10)


def silent_frames(level: Float[np.ndarray, " f"]) -> Bool[np.ndarray, " f"]:
    """The frames well inside silence."""
    quiet = level < max(float(np.percentile(level, 95)) - QUIET_DB, -90.0)
    quiet |= level <= -90.0
    return cv2.erode(quiet.astype(np.uint8)[:, None], np.ones((2 * CLEAR + 1, 1), np.uint8))[:, 0].astype(bool)


def _silent(curves: Curves) -> dict[str, float]:
    silent = silent_frames(curves["level"])
    share = float(silent.mean())
    if silent.sum() < FEWEST_SILENT:
        return {"silent_share": share}
    speed = np.abs(np.diff(curves["mouth"], prepend=NAN)) * FPS
    inside = silent & np.concatenate([[False], silent[:-1]])
    return {
        "silent_lips": mean(speed[inside]),
        "opening": median(curves["mouth"][silent]),
        "silent_share": share,
    }


def flicker() -> CurveMetric:
    """How much frames stand out from their two neighbours."""
    return curve_metric(
        "flicker",
        f"Mean distance of a frame from the middle of its neighbours, at {SMALL} x {SMALL}: 0 for even motion.",
        {"flicker": Quantity("grey levels", "lower"), "ratio": Quantity("", "none", "to the true clip")},
        _flicker,
        lambda curves: {
            "flicker": mean(curves["ours"]),
            "ratio": ratio(mean(curves["ours"]), mean(curves["true"])) if "true" in curves else NAN,
        },
        side=SMALL,
    )


def _flicker(view: View) -> Curves:
    found = {"ours": view.shared("flicker", lambda: _standing_out(view, "flicker", view.pictures))}
    real = view.real
    if real is not None:
        found["true"] = view.shared("true flicker", lambda: _standing_out(view, "true flicker", real))
    return found


def _standing_out(view: View, key: str, pictures: UInt8[np.ndarray, "f H W 3"]) -> Float[np.ndarray, " _"]:
    """The curve of a block; the two frames before it are remembered by the session."""
    before = view.session.memory.get(key, [])
    small = [cv2.resize(x, (SMALL, SMALL), interpolation=cv2.INTER_AREA).astype(np.float32) for x in pictures]
    frames = [*before, *small]  # type: ignore[misc]
    view.session.memory[key] = frames[-2:]
    middles = [np.abs(b - (a + c) / 2).mean() for a, b, c in zip(frames, frames[1:], frames[2:], strict=False)]
    return np.array(middles, np.float64)


def sharp() -> CurveMetric:
    """How sharp the face is."""
    return curve_metric(
        "sharpness",
        "Variance of the Laplacian within the face's box, median over frames; depends on the picture's size.",
        {"sharpness": Quantity("grey levels squared", "none"), "ratio": Quantity("", "none", "to the true clip")},
        _sharpness,
        lambda curves: {
            "sharpness": median(curves["ours"]),
            "ratio": ratio(median(curves["ours"]), median(curves["true"])) if "true" in curves else NAN,
        },
        every=EVERY,
    )


def _sharpness(view: View) -> Curves:
    rows = view.every(EVERY)
    found = {"ours": np.array([sharpness(view.pictures[i], view.landmarks[i]) for i in rows])}
    if view.real is not None and view.real_landmarks is not None:
        found["true"] = np.array([sharpness(view.real[i], view.real_landmarks[i]) for i in rows])
    return found


def background() -> CurveMetric:
    """How well the background stays what it was in the clip's first frame."""
    return curve_metric(
        "background_psnr",
        "PSNR of the background against the clip's own first frame, mean over frames; falls where it wanders.",
        {"background_psnr": Quantity("dB", "higher")},
        _background,
        lambda curves: {"background_psnr": mean(curves["db"])},
        every=EVERY,
        mask="no person in the first frame, and a margin",
    )


def _background(view: View) -> Curves:
    first = view.session.once("first frame", lambda: view.pictures[0].copy())
    mask = view.session.once("background", lambda: background_mask(first))
    return {"db": background_psnr_db(view.pictures[view.every(EVERY)], first, mask)}
