"""What stands behind a puppet, and how its light falls."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

KINDS = ("plain", "gradient", "clutter", "room")


def draw_background(rng: np.random.Generator, size: int) -> tuple[Float32[np.ndarray, "size size 3"], str]:
    """A background and its kind: a plain wall, a gradient, blurred things, or a blurred room with window light."""
    kind = KINDS[rng.choice(len(KINDS), p=(0.3, 0.2, 0.25, 0.25))]
    y, x = np.mgrid[:size, :size].astype(np.float32) / size
    one, two = _tone(rng), _tone(rng)
    if kind == "plain":
        away = np.hypot(x - rng.uniform(0.2, 0.8), y - rng.uniform(0.2, 0.6))[..., None]
        picture = one * (1.08 - rng.uniform(0.1, 0.6) * away)
    else:
        angle = rng.uniform(0, 2 * np.pi)
        share = np.clip(0.5 + (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle), 0, 1)[..., None]
        picture = one * share + two * (1 - share)
    picture = np.ascontiguousarray(picture, np.float32)
    if kind == "clutter":
        _things(picture, rng, int(rng.integers(8, 20)))
        picture = cv2.GaussianBlur(picture, (0, 0), size * rng.uniform(0.012, 0.04))
    if kind == "room":
        _room(picture, rng)
        picture = cv2.GaussianBlur(picture, (0, 0), size * rng.uniform(0.01, 0.03))
    grain = rng.normal(0, 0.006, picture.shape).astype(np.float32)
    return np.clip(picture + grain, 0, 1), kind


def _tone(rng: np.random.Generator) -> np.ndarray:
    """A muted colour."""
    return (rng.uniform(0.12, 0.85) + rng.uniform(-0.12, 0.12, 3)).astype(np.float32)


def _things(picture: np.ndarray, rng: np.random.Generator, count: int) -> None:
    size = len(picture)
    for _ in range(count):
        corner = (rng.uniform(-0.1, 1.1, 2) * size).astype(int)
        colour = tuple(float(c) for c in _tone(rng))
        if rng.random() < 0.3:
            cv2.circle(picture, corner.tolist(), int(rng.uniform(0.02, 0.12) * size), colour, -1)
        else:
            far = corner + (rng.uniform(0.05, 0.4, 2) * size).astype(int)
            cv2.rectangle(picture, corner.tolist(), far.tolist(), colour, -1)


def _room(picture: np.ndarray, rng: np.random.Generator) -> None:
    """Shelves or wall panels, and sometimes a bright window."""
    size = len(picture)
    step = rng.uniform(0.12, 0.3) * size
    for i in range(int(size / step) + 1):
        shade = (picture[int(size / 2), int(size / 2)] * rng.uniform(0.6, 1.2)).tolist()
        place = int(i * step + rng.uniform(-0.1, 0.1) * step)
        thick = int(rng.uniform(0.02, 0.5) * step) + 1
        if rng.random() < 0.5:
            cv2.rectangle(picture, (place, 0), (place + thick, size), shade, -1)
        else:
            cv2.rectangle(picture, (0, place), (size, place + thick), shade, -1)
    if rng.random() < 0.5:
        left = int(rng.uniform(-0.2, 0.8) * size)
        wide, high = (rng.uniform(0.2, 0.5, 2) * size).astype(int).tolist()
        cv2.rectangle(picture, (left, 0), (left + wide, high), (0.95, 0.95, 0.92), -1)


def draw_light(rng: np.random.Generator) -> dict[str, list[float] | float]:
    """Where the light of a clip comes from and how strong it is, and what the camera makes of it."""
    angle = rng.uniform(0, 2 * np.pi)
    return {
        "direction": [float(np.cos(angle)), float(0.6 * np.sin(angle) - 0.3)],
        "strength": float(rng.uniform(0, 0.28)),
        "brightness": float(rng.normal(-0.01, 0.04)),
        "contrast": float(np.exp(rng.normal(0, 0.09))),
        "gamma": float(np.exp(rng.normal(0, 0.12))),
        "warmth": float(rng.normal(0, 0.035)),
        "green": float(rng.normal(0, 0.012)),
    }


def camera_table(light: dict) -> UInt8[np.ndarray, "256 3"]:
    """The clip's look-up table: brightness, contrast, gamma and colour temperature."""
    x = np.linspace(0, 1, 256)[:, None] ** light["gamma"]
    x = (x - 0.45) * light["contrast"] + 0.45 + light["brightness"]
    gains = np.array([1 + light["warmth"], 1 + light["green"], 1 - light["warmth"]])
    x = x * gains
    x = np.where(x > 0.8, 0.8 + 0.2 * np.tanh((x - 0.8) / 0.2), x)  # highlights roll off, as in a camera
    return np.clip(x * 255 + 0.5, 0, 255).astype(np.uint8)
