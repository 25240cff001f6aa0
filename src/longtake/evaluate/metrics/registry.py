"""The metrics by name. Light: a metric's module, and what it imports, is loaded when the metric is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from longtake.errors import SettingsError
from longtake.evaluate.metrics.protocol import Metric
from longtake.settings import did_you_mean

HOME = "longtake.evaluate.metrics."
METRICS = {
    "psnr": "pairs:psnr_metric",
    "ssim": "pairs:ssim_metric",
    "lpips": "perceptual:lpips_metric",
    "perceptual_faceapi": "perceptual:perceptual_faceapi",
    "musiq": "perceptual:musiq_metric",
    "faces_found": "faces:faces_found",
    "identity_faceapi": "faces:identity",
    "identity_arcface": "arcface:identity_arcface",
    "landmark_distance": "faces:landmark_distance",
    "mouth_correlation": "faces:mouth_correlation",
    "mouth_error": "faces:mouth_error",
    "lip_dynamics": "faces:lip_dynamics",
    "head_dynamics": "faces:head_dynamics",
    "brow_dynamics": "faces:brow_dynamics",
    "blink_rate": "moments:blinks",
    "silent_lips": "moments:silent_lips",
    "flicker": "moments:flicker",
    "sharpness": "moments:sharp",
    "background_psnr": "moments:background",
    "sync_c": "lipsync:sync_c",
    "sync_d": "lipsync:sync_d",
    "av_offset": "lipsync:av_offset",
    "sync_c_mini": "lipsync:sync_c_mini",
    "sync_d_mini": "lipsync:sync_d_mini",
    "av_offset_mini": "lipsync:av_offset_mini",
    "fid": "distributions:fid",
    "kid": "distributions:kid",
    "fvd": "distributions:fvd",
    "fid_facenet": "distributions:fid_facenet",
    "kid_facenet": "distributions:kid_facenet",
    "fid_faceapi": "distributions:fid_faceapi",
    "kid_faceapi": "distributions:kid_faceapi",
    "fid_projection": "distributions:fid_projection",
    "kid_projection": "distributions:kid_projection",
    "fvd_projection": "distributions:fvd_projection",
    "efid_landmarks": "expression:expression_metric",
}
"""Name → module and function that makes it. Names with a suffix are stand-ins: they compare only with themselves."""


def names() -> list[str]:
    """All metrics there are."""
    return list(METRICS)


def metric(name: str) -> Metric:
    """The metric of a name; `ready()` of it says whether it can be computed here."""
    if name not in METRICS:
        raise SettingsError(
            f"There is no metric '{name}'{did_you_mean(name, METRICS)}", expected=f"one of: {', '.join(METRICS)}"
        )
    module, function = METRICS[name].split(":")
    return getattr(importlib.import_module(HOME + module), function)()


def metrics(chosen: Iterable[str]) -> list[Metric]:
    """Several metrics; 'all' is each there is."""
    chosen = list(chosen)
    return [metric(name) for name in (names() if chosen == ["all"] else chosen)]
