"""Measures of a talking face, from landmarks over its frames, and of how far a long video drifts.

Blinks are in `eyes`, what one frame looks like in `longtake.face.appearance`.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from longtake.face.appearance import sharpness
from longtake.face.detect import track
from longtake.face.identity import identities_of, identity_distance
from longtake.face.measure import head_pose, mouth_opening


@dataclass(frozen=True, eq=False)
class FaceCurves:
    """What was measured in each frame of a video; NaN where no face was found."""

    fps: float
    landmarks: Float[np.ndarray, "f 468 3"]
    identity: Float[np.ndarray, "f 128"]  # NaN in the frames between those that were read
    sharpness: Float[np.ndarray, " f"]

    @property
    def found_share(self) -> float:
        """The share of frames in which a face was found."""
        return float(np.isfinite(self.landmarks[:, 0, 0]).mean()) if len(self.landmarks) else 0.0

    @property
    def mouth(self) -> Float[np.ndarray, " f"]:
        """Mouth opening in face heights."""
        return mouth_opening(self.landmarks)

    @property
    def pose(self) -> Float[np.ndarray, "f 3"]:
        """Yaw, pitch and roll in degrees."""
        return head_pose(self.landmarks)

    @property
    def head_motion(self) -> float:
        """How much the head moves: see `head_motion`."""
        return head_motion(self.landmarks, self.fps)

    def identity_distances(self, identity: Float[np.ndarray, " 128"]) -> Float[np.ndarray, " f"]:
        """The distance of each frame's face from an identity; NaN where it was not read."""
        return identity_distance(self.identity, identity[None])


def measure_face(
    frames: Iterable[UInt8[np.ndarray, "H W 3"]], fps: float = 25.0, identity_every: int = 5
) -> FaceCurves:
    """The face curves of a video, frame by frame as it comes, so that its length costs no memory.

    Identity is the dearest measure and the slowest to change: it is read in every fifth frame by default.
    """
    tracked, copies = itertools.tee(frames)
    landmarks, identity, sharp = [], [], []
    for i, (points, frame) in enumerate(zip(track(tracked), copies, strict=True)):
        read = i % identity_every == 0
        landmarks.append(points)
        identity.append(identities_of([frame], [points])[0] if read else np.full(128, np.nan, np.float32))
        sharp.append(sharpness(frame, points))
    return FaceCurves(
        fps=fps,
        landmarks=np.asarray(landmarks, np.float32).reshape(-1, 468, 3),
        identity=np.asarray(identity, np.float32).reshape(-1, 128),
        sharpness=np.asarray(sharp, np.float64),
    )


def head_motion(landmarks: Float[np.ndarray, "f 468 3"], fps: float) -> float:
    """The mean speed of the head in degrees a second, over 0.2 s steps so that measuring noise counts little."""
    return head_motion_of(head_pose(landmarks), fps)


def head_motion_of(pose: Float[np.ndarray, "f 3"], fps: float) -> float:
    """The same from yaw, pitch and roll in degrees."""
    step = max(1, round(0.2 * fps))
    if len(pose) <= step:
        return 0.0
    speed = np.linalg.norm(pose[step:] - pose[:-step], axis=-1) * fps / step
    return float(np.nanmean(speed)) if np.isfinite(speed).any() else float("nan")


def motion_energy(frames: UInt8[np.ndarray, "f H W 3"]) -> float:
    """The mean absolute change from frame to frame, in grey levels: 0 for a still."""
    if len(frames) < 2:
        return 0.0
    pairs = itertools.pairwise(frames)
    return float(np.mean([cv2.absdiff(a, b).mean() for a, b in pairs]))


def background_psnr_db(
    frames: Iterable[UInt8[np.ndarray, "H W 3"]], portrait: UInt8[np.ndarray, "H W 3"], mask: Bool[np.ndarray, "H W"]
) -> Float[np.ndarray, " f"]:
    """How close the background of each frame is to the portrait's, as PSNR in dB; NaN if the mask is empty."""
    target = portrait[mask].astype(np.float64)
    if not target.size:
        return np.array([np.nan for _ in frames])
    errors = np.array([np.mean((frame[mask] - target) ** 2) for frame in frames])
    return 10.0 * np.log10(255.0**2 / np.maximum(errors, 1e-2))


@dataclass(frozen=True)
class Drift:
    """How the last seconds of a video differ from the first."""

    identity: float  # rise of the identity distance to the portrait
    sharpness: float  # ratio, last to first
    background_psnr_db: float  # fall in dB


def border_jump(frames: UInt8[np.ndarray, "f H W 3"], segment: int) -> float:
    """How much more frames change from one segment to the next than within one: 1 where no seam can be seen.

    Give it the upper half of the face, which the mouth does not move. NaN for less than two segments or a still.
    """
    change = np.array([cv2.absdiff(a, b).mean() for a, b in itertools.pairwise(frames)])
    border = np.arange(1, len(frames)) % segment == 0
    if not border.any() or change[~border].mean() == 0:
        return float("nan")
    return float(change[border].mean() / change[~border].mean())


def drift(
    curves: FaceCurves,
    background_db: Float[np.ndarray, " f"],
    identity: Float[np.ndarray, " 128"],
    window_s: float = 5.0,
) -> Drift:
    """The drift between the first and the last `window_s` seconds of a video."""
    count = max(1, round(window_s * curves.fps))
    first, last = slice(0, count), slice(-count, None)
    distances = curves.identity_distances(identity)
    return Drift(
        identity=float(np.nanmedian(distances[last]) - np.nanmedian(distances[first])),
        sharpness=float(np.nanmedian(curves.sharpness[last]) / np.nanmedian(curves.sharpness[first])),
        background_psnr_db=float(np.nanmean(background_db[first]) - np.nanmean(background_db[last])),
    )
