"""Identity by ArcFace, a network that `mini` was never told: the cosine with the portrait's vector (CSIM)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
from jaxtyping import Float

from longtake.errors import NoFace
from longtake.evaluate.metrics.curves import median, reference_picture
from longtake.evaluate.metrics.extractors.places import FILES, weight_file
from longtake.evaluate.metrics.protocol import FPS, About, Clip, Quantity
from longtake.evaluate.metrics.view import View
from longtake.face.insight import DETECTOR, EMBEDDER, InsightFace

EVERY = FPS
"""The detector is dear: one frame a second."""


@dataclass(frozen=True, eq=False)
class ArcFaceMetric:
    """The median over frames of the cosine."""

    about: About
    kind = "clip"

    def ready(self) -> None:
        network()

    def begin(self, clip: Clip) -> _Reader:
        return _Reader()


@dataclass(eq=False)
class _Reader:
    found: list[float] = field(default_factory=list)

    def see(self, view: View) -> None:
        wanted = view.session.once("arcface", lambda: identity(reference_picture(view)[0]))
        self.found += [cosine(identity(view.pictures[row]), wanted) for row in view.every(EVERY)]

    def numbers(self) -> dict[str, float]:
        values = np.array(self.found, np.float64)
        share = float(np.isfinite(values).mean()) if len(values) else float("nan")
        return {"identity_arcface": median(values), "found": share}


def identity(picture: np.ndarray) -> Float[np.ndarray, " 512"]:
    """Who is in a picture; NaN for nobody."""
    try:
        return network().embed(picture).identity
    except NoFace:
        return np.full(512, np.nan, np.float32)


def cosine(a: Float[np.ndarray, " d"], b: Float[np.ndarray, " d"]) -> float:
    """1 for one direction, 0 for none in common."""
    return float(a @ b / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-9))


@cache
def network() -> InsightFace:
    """Detector and embedder, their hashes compared."""
    detector, _ = weight_file(DETECTOR), weight_file(EMBEDDER)
    return InsightFace(detector.parent)


def identity_arcface() -> ArcFaceMetric:
    """CSIM by the published ArcFace network."""
    says = (
        "Cosine of the face's ArcFace vector with the portrait's, median over frames. "
        "Independent of mini; the published Hallo2 weights are conditioned on the same network."
    )
    quantities = {
        "identity_arcface": Quantity("", "higher"),
        "found": Quantity("", "higher", "share of read frames with a face"),
    }
    protocol = {
        "network": "glintr100",
        "sha256": [FILES[DETECTOR].sha256, FILES[EMBEDDER].sha256],
        "every": EVERY,
        "fps": FPS,
        "against": "portrait, else first true frame, else own first frame",
        "same_network_conditions": "hallo2",
    }
    return ArcFaceMetric(About("identity_arcface", says, quantities, frozenset({"extractor"}), protocol))
