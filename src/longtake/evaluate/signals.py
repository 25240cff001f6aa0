"""What a face does in each frame, in numbers from landmarks, lids and irises: networks that never saw a caption."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from longtake.face.detect import landmarks_of
from longtake.face.lids import read_eyes
from longtake.face.measure import head_pose, in_head_frame, mouth_opening

CORNERS = (61, 291)
UPPER_INNER, UPPER_OUTER, UNDER_NOSE = 13, 0, 2
BROWS = (70, 63, 105, 66, 107, 300, 293, 334, 296, 336)
INNER_BROWS, BETWEEN_BROWS = (107, 55, 336, 285), (107, 336)


@dataclass(frozen=True, eq=False)
class Signals:
    """Curves by name, one value a frame, NaN where no face was found; lengths in distances of the outer eye corners."""

    fps: float
    curves: Mapping[str, Float[np.ndarray, " f"]]

    def __getitem__(self, name: str) -> Float[np.ndarray, " f"]:
        return self.curves[name]

    def part(self, frames: slice) -> Signals:
        """The same for some of the frames."""
        return Signals(self.fps, {name: curve[frames] for name, curve in self.curves.items()})


def read_signals(frames: UInt8[np.ndarray, "f H W 3"], fps: float) -> Signals:
    """The signals of a video."""
    landmarks = landmarks_of(frames)
    return signals_of(landmarks, read_eyes(frames, landmarks), fps)


def signals_of(landmarks: Float[np.ndarray, "f 468 3"], eyes: Float[np.ndarray, "f 2 3"], fps: float = 25.0) -> Signals:
    """The signals of tracked landmarks, and of eyes as `read_eyes` gives them."""
    x, y, _ = np.moveaxis(in_head_frame(landmarks), -1, 0)
    yaw, pitch, roll = head_pose(landmarks).T
    curves = {
        "corners": y[:, UPPER_INNER] - y[:, CORNERS].mean(axis=1),  # of the mouth, above its middle
        "width": x[:, CORNERS[1]] - x[:, CORNERS[0]],  # of the mouth
        "lip": y[:, UPPER_OUTER] - y[:, UNDER_NOSE],  # from nose to upper lip
        "brows": -y[:, BROWS].mean(axis=1),
        "inner": -y[:, INNER_BROWS].mean(axis=1),
        "between": x[:, BETWEEN_BROWS[1]] - x[:, BETWEEN_BROWS[0]],
        "lids": eyes[:, :, 0].mean(axis=1),
        "one_lid": eyes[:, 0, 0] - eyes[:, 1, 0],
        "right": eyes[:, :, 1].mean(axis=1),
        "down": eyes[:, :, 2].mean(axis=1),
        "yaw": yaw,
        "pitch": pitch,
        "roll": roll,
        "mouth": mouth_opening(landmarks),
    }
    return Signals(fps, {name: np.asarray(curve, np.float64) for name, curve in curves.items()})
