"""Small clips and metrics made on the spot, for tests of the evaluation kit."""

from dataclasses import dataclass, field

import numpy as np
from films import film

from longtake.errors import NoFace, WeightsMissing
from longtake.evaluate.metrics.protocol import About, Quantity

COUNT = About("count", "How many frames.", {"count": Quantity("frames", "higher"), "half": Quantity("", "none")})
SPREAD = About(
    "spread_stand_in",
    "Distance of brightness.",
    {"spread": Quantity("", "lower")},
    frozenset({"real set"}),
    comparable=False,
)


def clips(folder, names, frames=4, **how):
    """Videos of a few frames, by name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        film(folder / f"{name}.mp4", [k * 0.04 for k in range(frames)], **how)
    return folder


@dataclass
class Count:
    """A clip metric: how many frames; counts how often it was asked."""

    about: About = COUNT
    begun: list = field(default_factory=list)
    refuses: tuple = ()  # clips in which it finds no face
    missing: bool = False
    kind = "clip"

    def ready(self):
        if self.missing:
            raise WeightsMissing("There are no weights.", do="longtake weights fetch")

    def begin(self, clip):
        self.begun.append(clip.name)
        if clip.name in self.refuses:
            raise NoFace("No face.")
        return _Counting()


class _Counting:
    def __init__(self):
        self.frames = 0

    def see(self, view):
        self.frames += len(view)

    def numbers(self):
        return {"count": float(self.frames), "half": float("nan") if self.frames == 1 else self.frames / 2}


@dataclass
class Spread:
    """A set metric: the distance of the mean brightness of two sets."""

    about: About = SPREAD
    kind = "set"

    def ready(self):
        pass

    def begin(self, clip):
        return _Summing()

    def value(self, generated, real):
        mean = [sum(s["sum"] for s in some) / sum(s["count"] for s in some) for some in (generated, real)]
        return {"spread": float(abs(mean[0] - mean[1]))}

    def remarks(self, generated, real):
        return [f"{len(generated)} against {len(real)}."]


class _Summing:
    def __init__(self):
        self.total, self.count = 0.0, 0

    def see(self, view):
        self.total += float(view.pictures.mean(axis=(1, 2, 3)).sum())
        self.count += len(view)

    def summary(self):
        return {"sum": np.float64(self.total), "count": np.int64(self.count)}
