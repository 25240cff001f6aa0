"""What a puppet does besides speaking: head, blinks, brows, gaze and mood, with a caption that says it in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from longtake.blinks import BLINK

MOODS: dict[str, dict[str, float]] = {
    "calm": {},
    "happy": {"mouthSmile": 0.5, "cheekSquint": 0.35, "eyeSquint": 0.15, "browOuterUp": 0.1},
    "sad": {"mouthFrown": 0.45, "browInnerUp": 0.6, "eyeSquint": 0.1},
    "angry": {"browDown": 0.7, "noseSneer": 0.3, "eyeSquint": 0.3, "mouthFrown": 0.2},
    "surprised": {"browInnerUp": 0.7, "browOuterUp": 0.75, "eyeWide": 0.5, "jawOpen": 0.05},
    "serious": {"browDown": 0.35, "mouthPress": 0.12},
    "doubtful": {"browOuterUp_L": 0.7, "browDown_R": 0.45, "mouthLeft": 0.12},
    "tender": {"mouthSmile": 0.28, "browInnerUp": 0.35},
}
"""Expression weights of each mood at full strength."""
MOODS_OF = {
    "happy": ("happy", "happy", "tender"),
    "sad": ("sad", "sad", "tender"),
    "angry": ("angry", "angry", "serious"),
    "surprised": ("surprised", "surprised", "doubtful"),
    "calm": ("calm", "calm", "tender"),
    "question": ("doubtful", "surprised", "calm"),
    "news": ("serious", "calm", "calm"),
}
"""Moods that go with a category of speech; any mood goes with the others."""
LOOKS = {
    "": (0.0, 0.0),
    "looking left": (-1.0, 0.0),
    "looking right": (1.0, 0.0),
    "looking up": (0.0, -1.0),
    "looking down": (0.0, 1.0),
}
"""Directions as the viewer sees them: right and down in the picture."""


@dataclass(frozen=True)
class Performance:
    """A clip's motion, frame by frame; signs and units as in `puppet.Pose`."""

    mood: str
    caption: str
    angles: Float32[np.ndarray, "frames 3"]
    gaze: Float32[np.ndarray, "frames 2"]
    blink: Float32[np.ndarray, " frames"]
    brows: Float32[np.ndarray, "frames 2"]  # raised, drawn together
    strength: Float32[np.ndarray, " frames"]  # of the mood


def perform(rng: np.random.Generator, frames: int, fps: float, category: str = "") -> Performance:
    """A performance drawn at random; moods follow the category of the speech."""
    moods = MOODS_OF.get(category, tuple(MOODS))
    mood = moods[rng.integers(len(moods))]
    look = list(LOOKS)[rng.choice(len(LOOKS), p=(0.44, 0.17, 0.17, 0.1, 0.12))]
    strong = rng.uniform(0.45, 1.0)
    words = [("very " if strong > 0.85 and mood != "calm" else "") + mood] + ([look] if look else [])
    toward = np.array(LOOKS[look])
    lean = np.array([toward[0] * rng.uniform(2.0, 4.5), toward[1] * rng.uniform(1.0, 2.5), 0.0])
    limits = np.array([5.0, 3.0, 2.5]) * rng.uniform(0.5, 1.0)
    angles = wander(rng, frames, fps, 3, slow_s=1.1) * limits * (1 - 0.5 * (np.abs(lean) > 0)) + lean
    gaze = fixations(rng, frames, fps) * (0.35, 0.14)
    gaze = np.clip(gaze + toward * (0.5, 0.3) - 0.05 * angles[:, :2] * (toward == 0), (-0.85, -0.3), (0.85, 0.35))
    brows = np.clip(wander(rng, frames, fps, 2, slow_s=0.35), 0, 1) * rng.uniform(0, 0.45, 2)
    strength = strong * (1 + 0.15 * wander(rng, frames, fps, 1, slow_s=1.5)[:, 0])
    fields = [angles, gaze, blinks(rng, frames, fps), brows, strength]
    return Performance(mood, ", ".join(words), *(np.asarray(f, np.float32) for f in fields))


def wander(rng: np.random.Generator, frames: int, fps: float, count: int, slow_s: float) -> np.ndarray:
    """Slow random motion within -1..1 that starts anywhere: smoothed noise of two speeds."""
    margin = int(4 * slow_s * fps) + 1
    out = np.zeros((frames, count))
    for share, slow in ((0.7, slow_s), (0.3, 0.4 * slow_s)):
        sigma = slow * fps
        steps = np.arange(-margin, margin + 1)
        bell = np.exp(-0.5 * (steps / sigma) ** 2)
        bell /= np.sqrt((bell**2).sum())
        noise = rng.standard_normal((frames + 2 * margin, count))
        out += share * np.stack([np.convolve(noise[:, n], bell, "valid") for n in range(count)], axis=1)
    return np.tanh(0.75 * out)


def blinks(rng: np.random.Generator, frames: int, fps: float) -> np.ndarray:
    """Closure of the lids: 8 to 25 blinks a minute, each person with an own rhythm."""
    rate = rng.uniform(8, 25) / 60
    regular = rng.uniform(2, 5)
    closure = np.zeros(frames)
    time = -rng.uniform(0, 1 / rate)
    places = np.arange(len(BLINK)) / 25.0
    while True:
        time += max(rng.gamma(regular, 1 / (rate * regular)), 0.4)
        if time * fps >= frames:
            return closure
        speed = rng.uniform(0.85, 1.3)
        deep = 1.0 if rng.random() < 0.9 else rng.uniform(0.5, 0.8)
        closure = np.maximum(closure, deep * np.interp(np.arange(frames) / fps - time, places * speed, BLINK, 0, 0))


def fixations(rng: np.random.Generator, frames: int, fps: float) -> np.ndarray:
    """Where the eyes rest, right and down: quick jumps between fixations, often back to the viewer."""
    gaze = np.zeros((frames, 2))
    start = 0
    while start < frames:
        stop = start + max(2, int(fps * rng.uniform(0.4, 2.2)))
        if rng.random() < 0.55:
            gaze[start:stop] = np.clip(rng.normal(0, 1, 2), -2, 2)
        start = stop
    gaze[1:] = 0.75 * gaze[1:] + 0.25 * gaze[:-1]
    return gaze
