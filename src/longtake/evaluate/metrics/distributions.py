"""The set metrics by name: those of the papers, and stand-ins that need no weights."""

from __future__ import annotations

from longtake.evaluate.metrics.extractors.faceapi import FaceApi
from longtake.evaluate.metrics.extractors.i3d import I3D
from longtake.evaluate.metrics.extractors.inception import Inception
from longtake.evaluate.metrics.extractors.projection import Projection
from longtake.evaluate.metrics.kid import KernelMetric, kernel_metric
from longtake.evaluate.metrics.sets import FrechetMetric, frechet_metric

WARNING = "Not comparable with any published number: only with itself."


def fid() -> FrechetMetric:
    """FID as in the papers."""
    return frechet_metric(
        "fid", "Fréchet distance of Inception features of frames, real against generated.", Inception()
    )


def kid() -> KernelMetric:
    """KID as in its paper, over all rows kept."""
    return kernel_metric("kid", "Kernel distance of Inception features of frames, real against generated.", Inception())


def fvd() -> FrechetMetric:
    """FVD on windows of 16 frames."""
    return frechet_metric(
        "fvd", "Fréchet distance of I3D logits of windows of 16 frames, real against generated.", I3D()
    )


def fid_faceapi() -> FrechetMetric:
    """A Fréchet distance of the shipped recognition network's early features."""
    says = f"Fréchet distance of early features of the face-api network, real against generated. {WARNING}"
    return frechet_metric("fid_faceapi", says, FaceApi())


def kid_faceapi() -> KernelMetric:
    """A kernel distance of the same features."""
    says = f"Kernel distance of early features of the face-api network, real against generated. {WARNING}"
    return kernel_metric("kid_faceapi", says, FaceApi())


def fid_facenet() -> FrechetMetric:
    """A Fréchet distance of our own face network's features."""
    from longtake.evaluate.metrics.extractors.mini import MiniFaceNet

    says = f"Fréchet distance of our own face network's features, real against generated. {WARNING}"
    return frechet_metric("fid_facenet", says, MiniFaceNet())


def kid_facenet() -> KernelMetric:
    """A kernel distance of the same features."""
    from longtake.evaluate.metrics.extractors.mini import MiniFaceNet

    says = f"Kernel distance of our own face network's features, real against generated. {WARNING}"
    return kernel_metric("kid_facenet", says, MiniFaceNet())


def fid_projection() -> FrechetMetric:
    """A Fréchet distance of random projections of frames."""
    says = f"Fréchet distance of random projections of frames, real against generated. {WARNING}"
    return frechet_metric("fid_projection", says, Projection())


def kid_projection() -> KernelMetric:
    """A kernel distance of random projections of frames."""
    says = f"Kernel distance of random projections of frames, real against generated. {WARNING}"
    return kernel_metric("kid_projection", says, Projection())


def fvd_projection() -> FrechetMetric:
    """A Fréchet distance of random projections of windows of 16 frames."""
    says = f"Fréchet distance of random projections of windows of 16 frames and their changes. {WARNING}"
    return frechet_metric("fvd_projection", says, Projection(frames=16))
