"""Metrics that are numbers of curves: a few values of each frame are kept, and the number comes from all of them at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, UInt8

from longtake.evaluate.metrics.protocol import FPS, About, Clip, Need, Quantity
from longtake.evaluate.metrics.view import View

Curves = Mapping[str, Float[np.ndarray, " f"]]
Read = Callable[[View], Curves]
Finish = Callable[[Curves], dict[str, float]]
NAN = float("nan")


@dataclass(frozen=True, eq=False)
class CurveMetric:
    """What is read of each frame, and what is made of the curves."""

    about: About
    read: Read
    finish: Finish
    kind = "clip"

    def ready(self) -> None:
        """Always is: the face networks ship with the package."""

    def begin(self, clip: Clip) -> _CurveReader:
        return _CurveReader(self)


@dataclass(eq=False)
class _CurveReader:
    metric: CurveMetric
    parts: dict[str, list[np.ndarray]] = field(default_factory=dict)

    def see(self, view: View) -> None:
        # A whole clip's reader and a window's are shown the same block.
        curves = view.shared(("curves", self.metric.about.name), lambda: self.metric.read(view))
        for name, curve in curves.items():
            self.parts.setdefault(name, []).append(np.asarray(curve, np.float64))

    def numbers(self) -> dict[str, float]:
        nothing = dict.fromkeys(self.metric.about.quantities, NAN)
        if not self.parts:
            return nothing
        return nothing | self.metric.finish({name: np.concatenate(parts) for name, parts in self.parts.items()})


def curve_metric(
    name: str,
    says: str,
    quantities: Mapping[str, Quantity],
    read: Read,
    finish: Finish,
    needs: frozenset[Need] = frozenset(),
    comparable: bool = True,
    **protocol: object,
) -> CurveMetric:
    """A metric of curves under a name, measured at 25 frames a second."""
    about = About(name, says, quantities, needs, {"fps": FPS, "landmarks": "mediapipe 468", **protocol}, comparable)
    return CurveMetric(about, read, finish)


def median(values: Float[np.ndarray, " f"]) -> float:
    """The median of those that are known; NaN if none is."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else NAN


def mean(values: Float[np.ndarray, " f"]) -> float:
    """The mean of those that are known; NaN if none is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else NAN


def ratio(ours: float, true: float) -> float:
    """How many times as much; NaN where the truth has none."""
    return ours / true if true > 1e-9 else NAN


def reference_picture(view: View) -> tuple[UInt8[np.ndarray, "H W 3"], str]:
    """The picture that a clip is judged against, and which it is: portrait, first true frame, or own first frame."""

    def find() -> tuple[np.ndarray, str]:
        if view.session.portrait is not None:
            return view.session.portrait, "portrait"
        if view.clip.real is not None:
            from longtake.evaluate.metrics.reading import at_25

            return next(at_25(view.clip.real, [])), "first true frame"
        return view.pictures[0], "own first frame"

    return view.session.once("reference", find)
