"""Faults of known levels, and whether distances rise with them: what a judge of pictures has to be able to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from longtake.evaluate.metrics.frechet import Gatherer, frechet_distance, joined

LEVELS = (0.15, 0.4, 0.7, 1.0)
FEWEST = 20
"""Faces below which a ranking says nothing."""

Features = Callable[[UInt8[np.ndarray, "b H W 3"]], Float[np.ndarray, "b d"]]


def _blur(face: np.ndarray, level: float, _: np.random.Generator) -> np.ndarray:
    return cv2.GaussianBlur(face, (0, 0), max(0.05, level * len(face) / 20))


def _noise(face: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    return _bytes(face + rng.normal(0, 40 * level, face.shape))


def _drift(face: np.ndarray, level: float, _: np.random.Generator) -> np.ndarray:
    """Colours that wander, as they do in long videos."""
    return _bytes(face * (1 + level * np.array([0.35, 0.0, -0.35])) + 20 * level)


def _blocks(face: np.ndarray, level: float, _: np.random.Generator) -> np.ndarray:
    quality = round(60 - 57 * level)
    found = cv2.imdecode(cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    assert found is not None, "what was just encoded can be decoded"
    return found


def _ghost(face: np.ndarray, level: float, _: np.random.Generator) -> np.ndarray:
    """A second picture of itself, moved aside: what bad blending leaves."""
    moved = np.roll(face, (len(face) // 10, len(face) // 12), axis=(0, 1)).astype(np.float32)
    return _bytes(face * (1 - level / 2) + moved * level / 2)


FAULTS: dict[str, Callable] = {"blur": _blur, "noise": _noise, "drift": _drift, "blocks": _blocks, "ghost": _ghost}
"""What is done to a picture at a level of 0 to 1."""


def spoiled(
    face: UInt8[np.ndarray, "H W 3"], fault: str, level: float, rng: np.random.Generator
) -> UInt8[np.ndarray, "H W 3"]:
    """The face with a fault; none at level 0."""
    return FAULTS[fault](face, level, rng) if level > 0 else face


def ranking(
    faces: UInt8[np.ndarray, "n H W 3"], features: Features, others: UInt8[np.ndarray, "m H W 3"] | None = None
) -> dict[str, float]:
    """For each fault the share of steps up in level that also raise the Fréchet distance; 1: the order is kept.

    Beside the faults: frozen (fewer and fewer different frames) and, with `others`, wrong people in a growing share of frames.
    """
    if len(faces) < FEWEST:
        return {}
    rng = np.random.default_rng(0)
    half = rng.permutation(len(faces))
    real, shown = features(faces[half[::2]]), faces[half[1::2]]
    sets = {
        name: [np.stack([spoiled(face, name, level, rng) for face in shown]) for level in LEVELS] for name in FAULTS
    }
    sets["frozen"] = [shown[np.arange(len(shown)) % max(1, round(len(shown) * (1 - level) ** 2))] for level in LEVELS]
    if others is not None:
        sets["wrong_people"] = [_mixed(shown, others, level, rng) for level in LEVELS]
    clean = apart(real, features(shown))
    return {name: rising([clean, *(apart(real, features(x)) for x in made)]) for name, made in sets.items()}


def apart(a: Float[np.ndarray, "n d"], b: Float[np.ndarray, "m d"]) -> float:
    """The Fréchet distance of two sets of rows."""
    parts = []
    for rows in (a, b):
        gatherer = Gatherer(rows.shape[1])
        gatherer.take(rows)
        parts.append(joined([gatherer.summary()]))
    return frechet_distance(*parts)


def rising(distances: Sequence[float]) -> float:
    """The share of steps that go up."""
    return float(np.mean(np.diff(distances) > 0))


def _mixed(faces: np.ndarray, others: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    mixed = faces.copy()
    changed = rng.permutation(len(faces))[: round(level * len(faces))]
    mixed[changed] = others[rng.integers(0, len(others), len(changed))]
    return mixed


def _bytes(values: np.ndarray) -> UInt8[np.ndarray, "H W 3"]:
    return np.clip(values, 0, 255).astype(np.uint8)
