"""E-FID by our definition: the Fréchet distance of how expressions are distributed, from landmarks in the head's own frame.

The paper takes E-FID from EMO, whose script was never published: expression coefficients of a face model, and the Fréchet
distance of their distributions. Ours reads 24 points of brows, lids and lips as the head has them (turned level, in distances of
the outer eye corners), right and down: 48 numbers of each frame with a face. They know the shape of a face too, so both sets
must show the same people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from longtake.evaluate.metrics.frechet import Gatherer, chance, count_of, frechet_distance, joined
from longtake.evaluate.metrics.protocol import About, Clip, Quantity, Summary
from longtake.evaluate.metrics.view import View
from longtake.face.measure import in_head_frame

POINTS = (70, 105, 107, 336, 334, 300, 159, 145, 386, 374, 61, 291, 0, 17, 13, 14, 37, 267, 84, 314, 82, 312, 87, 317)
"""Three of each brow, one of each lid, both corners of the mouth, seven pairs of the lips."""


@dataclass(frozen=True, eq=False)
class ExpressionMetric:
    """Everything about it is above."""

    about: About
    kind = "set"

    def ready(self) -> None:
        """Always is."""

    def begin(self, clip: Clip) -> Expressions:
        return Expressions()

    def value(self, generated: Sequence[Summary], real: Sequence[Summary]) -> dict[str, float]:
        if not count_of(generated) or not count_of(real):
            return dict.fromkeys(self.about.quantities, float("nan"))
        ours, theirs = joined(generated), joined(real)
        return {
            self.about.headline: frechet_distance(ours, theirs),
            "chance": chance(theirs, ours.count, theirs.count),
        }

    def remarks(self, generated: Sequence[Summary], real: Sequence[Summary]) -> list[str]:
        return ["Both sets must show the same people: landmarks also tell the shapes of faces."]


class Expressions:
    """Gathers the expressions of a clip."""

    def __init__(self) -> None:
        self.gatherer = Gatherer(2 * len(POINTS))

    def see(self, view: View) -> None:
        points = in_head_frame(view.landmarks)[:, POINTS, :2]
        self.gatherer.take(points.reshape(len(view), -1))

    def summary(self) -> Summary:
        return self.gatherer.summary()


def expression_metric() -> ExpressionMetric:
    """E-FID from landmarks."""
    name = "efid_landmarks"
    quantities = {
        name: Quantity("squared distances of the outer eye corners", "lower"),
        "chance": Quantity("", "none", "what two samples of one distribution, of these sizes, would be apart"),
    }
    protocol = {"landmarks": "mediapipe 468", "points": list(POINTS), "frame": "head, outer eye corners = 1", "fps": 25}
    says = "Fréchet distance of expressions, real against generated, by our own definition; not comparable with published E-FID."
    return ExpressionMetric(About(name, says, quantities, frozenset({"real set"}), protocol, comparable=False))
