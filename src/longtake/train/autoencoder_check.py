"""What the autoencoder keeps of a face: mouth and eye opening by landmarks, before and after, and who it is."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8


def kept(
    frames: UInt8[np.ndarray, "n H W 3"], found: UInt8[np.ndarray, "n H W 3"], people: np.ndarray
) -> dict[str, float]:
    """Correlations of mouth and eye opening within each person, and the median identity distance."""
    from longtake.face.detect import find_landmarks
    from longtake.face.identity import identities_of, identity_distance
    from longtake.face.measure import eye_opening, mouth_opening

    pairs = [(find_landmarks(a), find_landmarks(b)) for a, b in zip(frames, found, strict=True)]
    both = np.array([bool(len(a) and len(b)) for a, b in pairs])
    if both.sum() < 3:
        return {"faces": float(both.mean())}
    true = np.stack([a[0] for (a, b), ok in zip(pairs, both, strict=True) if ok])
    seen = np.stack([b[0] for (a, b), ok in zip(pairs, both, strict=True) if ok])
    who = people[both]
    one = identities_of(list(frames[both]), list(true))
    other = identities_of(list(found[both]), list(seen))
    distance = [identity_distance(a, b) for a, b in zip(one, other, strict=True)]
    return {
        "faces": float(both.mean()),
        "mouth_kept": _within(mouth_opening(true), mouth_opening(seen), who),
        "eyes_kept": _within(eye_opening(true).mean(-1), eye_opening(seen).mean(-1), who),
        "identity": float(np.median(distance)),
    }


def _within(a: np.ndarray, b: np.ndarray, who: np.ndarray) -> float:
    """Correlation after taking each person's mean away, so that different faces can't make it high."""
    a, b = a.astype(np.float64).copy(), b.astype(np.float64).copy()
    for person in np.unique(who):
        rows = who == person
        a[rows] -= a[rows].mean()
        b[rows] -= b[rows].mean()
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else 0.0
