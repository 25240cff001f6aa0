"""Set metrics by stand-in extractors: for want of published weights, under names of their own."""

from __future__ import annotations

from longtake.evaluate.metrics.extractors.projection import Projection
from longtake.evaluate.metrics.sets import FrechetMetric, frechet_metric

WARNING = "Not comparable with FID or FVD of any paper: only with itself."


def fid_projection() -> FrechetMetric:
    """A Fréchet distance of random projections of frames."""
    says = f"Fréchet distance of random projections of frames, real against generated. {WARNING}"
    return frechet_metric("fid_projection", says, Projection())


def fvd_projection() -> FrechetMetric:
    """A Fréchet distance of random projections of windows of 16 frames."""
    says = f"Fréchet distance of random projections of windows of 16 frames and their changes. {WARNING}"
    return frechet_metric("fvd_projection", says, Projection(frames=16))
