"""Pictures against the true pictures, frame by frame: PSNR and SSIM."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from longtake.evaluate.metrics.protocol import About, Clip, Quantity
from longtake.evaluate.metrics.view import View
from longtake.evaluate.pictures import PSNR_CEILING_DB, psnr_db

EVERY = 5
"""Each fifth frame is compared: five a second."""
SIGMA, WINDOW = 1.5, 11
K1, K2 = 0.01, 0.03

Distance = Callable[[UInt8[np.ndarray, "H W 3"], UInt8[np.ndarray, "H W 3"]], float]


@dataclass(frozen=True, eq=False)
class PairMetric:
    """The mean over frames of a distance between a frame and the true one."""

    about: About
    distance: Distance
    every: int = EVERY
    prepare: Callable[[], object] = bool  # loads what is needed, or raises; here nothing is
    kind = "clip"

    def ready(self) -> None:
        self.prepare()

    def begin(self, clip: Clip) -> _Mean:
        return _Mean(self)


@dataclass(eq=False)
class _Mean:
    metric: PairMetric
    total: float = 0.0
    count: int = 0

    def see(self, view: View) -> None:
        real, metric = view.real, self.metric
        if real is None:
            return
        found = view.shared(
            ("pairs", metric.about.name),
            lambda: [metric.distance(view.pictures[row], real[row]) for row in view.every(metric.every)],
        )
        self.total += sum(found)
        self.count += len(found)

    def numbers(self) -> dict[str, float]:
        return {self.metric.about.headline: self.total / self.count if self.count else float("nan")}


def ssim(a: UInt8[np.ndarray, "H W 3"], b: UInt8[np.ndarray, "H W 3"]) -> float:
    """The structural similarity of two pictures: windows of 11 pixels, Gaussian of 1.5, borders mirrored; 1 = equal."""
    return float(structure(a, b).mean()) if min(a.shape[:2]) >= WINDOW else float("nan")


def structure(a: UInt8[np.ndarray, "H W 3"], b: UInt8[np.ndarray, "H W 3"]) -> Float[np.ndarray, "H W 3"]:
    """The similarity round each pixel."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    mx, my = _blurred(x), _blurred(y)
    vx, vy, vxy = _blurred(x * x) - mx * mx, _blurred(y * y) - my * my, _blurred(x * y) - mx * my
    c1, c2 = (K1 * 255) ** 2, (K2 * 255) ** 2
    return ((2 * mx * my + c1) * (2 * vxy + c2)) / ((mx * mx + my * my + c1) * (vx + vy + c2))


def _blurred(x: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(x, (WINDOW, WINDOW), SIGMA, borderType=cv2.BORDER_REFLECT_101)


def psnr_metric() -> PairMetric:
    """PSNR in dB, the mean over frames."""
    about = About(
        "psnr",
        "Peak signal-to-noise ratio of each frame against the true one (RGB, 8 bits), mean over frames.",
        {"psnr": Quantity("dB", "higher")},
        frozenset({"real clip"}),
        {"every": EVERY, "equal_pictures_db": PSNR_CEILING_DB, "fps": 25, "size": "of the generated video"},
    )
    return PairMetric(about, lambda a, b: psnr_db(a, b))


def ssim_metric() -> PairMetric:
    """SSIM, the mean over frames."""
    about = About(
        "ssim",
        "Structural similarity of each frame with the true one (RGB, each channel by itself), mean over frames.",
        {"ssim": Quantity("", "higher")},
        frozenset({"real clip"}),
        {
            "every": EVERY,
            "window": WINDOW,
            "sigma": SIGMA,
            "k1": K1,
            "k2": K2,
            "borders": "mirrored",  # as torchmetrics; scikit-image leaves them out
            "fps": 25,
            "size": "of the generated video",
        },
    )
    return PairMetric(about, ssim)
