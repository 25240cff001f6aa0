"""How like the portrait a few frames are: identity, sharpness, colours, lids; the portrait itself is measured once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from longtake.clips import Portrait
from longtake.face.appearance import background_distance, background_mask, sharpness, skin_colour
from longtake.face.detect import TRACK_PASSES, landmarks_near, roi_of_landmarks, track
from longtake.face.identity import identities_of, identity_distance, identity_of
from longtake.face.lids import lid_opening


@dataclass(frozen=True)
class Likeness:
    """What was measured on frames, against the portrait; NaN where it could not be."""

    identity: float  # distance of the face in the last frame; above 0.6 it is called another person
    sharpness: float  # ratio: below 1 softer than the portrait as the decoder shows it
    background: float  # distance of colours in Lab
    skin: float  # distance of colours in Lab
    eyes: tuple[float, ...]  # opening of each frame's lids, in shares of the portrait's
    faces: float  # share of frames in which a face was found

    def numbers(self) -> dict[str, float | None]:
        """The measures by name, rounded for a record; of the eyes the least; None where there is none."""
        known = [value for value in self.eyes if value == value]
        values = {
            "identity": self.identity,
            "sharpness": self.sharpness,
            "background": self.background,
            "skin": self.skin,
            "eyes": min(known, default=float("nan")),
            "faces": self.faces,
        }
        return {name: round(value, 4) if value == value else None for name, value in values.items()}


@dataclass(frozen=True, eq=False)
class Yardstick:
    """A portrait, measured: what frames are compared with.

    Sharpness and colours are those of `picture`, the portrait as the decoder shows it: of a photograph with fine hair a
    small decoder shows a tenth of the detail, in every frame of every run.
    """

    picture: UInt8[np.ndarray, "H W 3"]
    landmarks: Float[np.ndarray, "468 3"]
    identity: Float32[np.ndarray, " 128"]  # by the network inside the package, whatever the model reads
    sharpness: float
    background: Bool[np.ndarray, "H W"]
    skin: Float[np.ndarray, " 3"]
    lids: float

    @classmethod
    def of(cls, portrait: Portrait, shown: UInt8[np.ndarray, "H W 3"]) -> Yardstick:
        """What the portrait measures; `shown` is what it looks like through the decoder."""
        picture = portrait.picture
        # Looked at as a frame is: landmarks differ a little between the photograph and its square.
        points = landmarks_near(picture, roi_of_landmarks(portrait.landmarks), TRACK_PASSES)
        points = portrait.landmarks if points is None else points
        return cls(
            picture=shown,
            landmarks=points,
            identity=identity_of(picture, points),
            sharpness=sharpness(shown, points),
            background=background_mask(picture),
            skin=skin_colour(shown, points),
            lids=float(lid_opening(picture[None], points[None])[0]),
        )

    def measure(self, frames: UInt8[np.ndarray, "n H W 3"]) -> tuple[Likeness, Float[np.ndarray, "n 468 3"]]:
        """How like the portrait the frames are, and the landmarks in them; the same for the same frames."""
        points = np.stack(list(track(frames, roi_of_landmarks(self.landmarks))))
        seen = np.flatnonzero(np.isfinite(points[:, 0, 0]))
        behind = [background_distance(frame, self.picture, self.background) for frame in frames]
        sharp = [sharpness(frames[i], points[i]) / max(self.sharpness, 1e-6) for i in seen]
        skin = [np.linalg.norm(skin_colour(frames[i], points[i]) - self.skin) for i in seen]
        identity = identities_of([frames[i] for i in seen[-1:]], [points[i] for i in seen[-1:]])
        return Likeness(
            identity=float(identity_distance(identity, self.identity[None])[0]) if len(seen) else float("nan"),
            sharpness=_median(sharp),
            background=_median(behind),
            skin=_median(skin),
            eyes=tuple((lid_opening(frames, points) / max(self.lids, 1e-6)).tolist()),
            faces=len(seen) / len(frames),
        ), points


def _median(values: list) -> float:
    return float(np.median(values)) if len(values) else float("nan")
