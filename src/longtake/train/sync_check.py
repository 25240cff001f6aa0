"""How well the small SyncNet tells lips that go with the sound from lips that are shifted, on clips it never saw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

from longtake.models.judges import SyncNetMini
from longtake.train.lips import PER_FRAME, LipClip, LipStore
from longtake.train.syncnet import LEAD, mel_windows, mouth_windows, sound_length

LENGTHS_S = (1.0, 1.5, 2.0)
"""Over which distances are averaged: what both choices have in common."""
SHIFTS = (5, 8, 10, 15, 20, 25)
"""Frames, in both directions: 0.2 to 1 s."""
FPS = 25


def check(model: SyncNetMini, store: LipStore, limit: int = 60) -> dict[str, float]:
    """The share of right choices between in sync and shifted, 0.2 to 1 s, over 1.5 s: in all, by source, length and shift.

    `swapped`: between a clip's own sound and that of the clip before it.
    """
    clips = store.split(heldout=True, frames=FPS + model.sizes.frames)
    answers: dict[str, list[float]] = {}
    before: dict[str, np.ndarray] = {}
    for clip in [c for source in sorted({c.source for c in clips}) for c in clips if c.source == source][:limit]:
        faces, sounds = vectors(model, store, clip)
        if clip.source in before:
            answers.setdefault("swapped", []).append(float(_nearer(faces, sounds, before[clip.source])))
        before[clip.source] = sounds
        for length_s in LENGTHS_S:
            for shift in SHIFTS:
                right = choices(faces, sounds, round(length_s * FPS), shift)
                answers.setdefault(f"{length_s:g}s", []).extend(right)
                if length_s == 1.5:
                    for name in ("accuracy", f"accuracy_{clip.source}", f"shift_{shift}"):
                        answers.setdefault(name, []).extend(right)
    return {name: float(np.mean(right)) for name, right in answers.items() if right}


@torch.no_grad()
def vectors(model: SyncNetMini, store: LipStore, clip: LipClip) -> tuple[np.ndarray, np.ndarray]:
    """The vectors of all windows of a clip: faces, sounds."""
    device, count = model.sharpness.device, clip.frames - model.sizes.frames + 1
    mouths = torch.from_numpy(store.mouths_of(clip, 0, clip.frames))[None].to(device)
    sound = torch.from_numpy(store.sound_of(clip, -LEAD, sound_length(clip.frames)))[None].to(device)
    faces = model.faces(mouth_windows(mouths, model.sizes.frames)[0])
    sounds = model.sounds(mel_windows(sound.float(), model.sizes, count)[0])
    assert PER_FRAME * clip.frames <= sound.shape[1]
    return faces.cpu().numpy(), sounds.cpu().numpy()


def choices(
    faces: Float[np.ndarray, "n d"], sounds: Float[np.ndarray, "n d"], length: int, shift: int
) -> Sequence[float]:
    """1 for every stretch whose own sound is nearer than the sound `shift` frames later, or earlier; 0 otherwise.

    Stretches begin every half length; both choices are averaged over the same frames.
    """
    right = []
    for first in range(0, len(faces) - length - shift + 1, max(1, length // 2)):
        for lips, own, other in (
            (faces[first:], sounds[first:], sounds[first + shift :]),
            (faces[first + shift :], sounds[first + shift :], sounds[first:]),
        ):
            right.append(float(_nearer(lips[:length], own, other)))
    return right


def _nearer(faces: np.ndarray, own: np.ndarray, other: np.ndarray) -> bool:
    """Whether the first sound is nearer to the faces than the second, over what all three have."""
    count = min(len(faces), len(own), len(other))
    near, far = (np.linalg.norm(faces[:count] - x[:count], axis=1).mean() for x in (own, other))
    return bool(near < far)
