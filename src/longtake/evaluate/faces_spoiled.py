"""Held-out faces spoiled as the enhancer meets them: by the model itself, and by the synthetic chain."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from longtake.face.align import SIDE, aligned_square, cut_square
from longtake.face.detect import Roi
from longtake.face.framing import at_centres
from longtake.train.degrade import Degradation, worsen
from longtake.train.face_clips import steady_squares

if TYPE_CHECKING:
    from longtake.models.autoencoder import Autoencoder

NOISE_STD, MOVING = 0.1, 0.5
"""What the latents of the model's own pictures are wrong by, and the share of it that is new in each frame."""
MODEL_PX = 256
Video = UInt8[np.ndarray, "f H W 3"]


@dataclass(frozen=True, eq=False)
class Spoiled:
    """Aligned faces of one clip, cut by one square so that what stands still stays still: what is seen, and the truth."""

    true: Video
    given: Video  # as `longtake enhance` cuts it
    enlarged: Video  # by Lanczos
    landmarks: Float[np.ndarray, "f 468 2"]  # in pixels of the square


def by_model(frames: Video, landmarks: Float[np.ndarray, "f 468 2"], autoencoder: "Autoencoder", seed: int) -> Spoiled:
    """As mini shows it: through its latents, which are a little wrong."""
    return _cut(frames, landmarks, decoded(wrong_latents(frames, autoencoder, seed), autoencoder))


def by_chain(frames: Video, landmarks: Float[np.ndarray, "f 468 2"], seed: int) -> Spoiled:
    """As an old recording shows it: blurred, half as large, grainy, compressed; the same in all frames but for the grain."""
    how = chain(seed)
    return _cut(frames, landmarks, np.stack([worsen(frame, how, k) for k, frame in enumerate(frames)]))


def still(frame: UInt8[np.ndarray, "H W 3"], landmarks: Float[np.ndarray, "468 2"], count: int) -> Spoiled:
    """One frame so many times, under the chain's grain."""
    frames = np.repeat(frame[None], count, axis=0)
    return by_chain(frames, np.repeat(landmarks[None], count, axis=0), 0)


def chain(seed: int) -> Degradation:
    """The chain of one clip: moderate, and a little different from clip to clip."""
    rng = np.random.default_rng([seed, 6])
    blur = float(rng.uniform(0.8, 2.0))
    return Degradation(
        (blur, blur), 0.0, 2.0, cv2.INTER_LINEAR, float(rng.uniform(2, 6)), int(rng.integers(65, 90)), seed, True
    )


def wrong_latents(frames: Video, autoencoder: "Autoencoder", seed: int) -> Float[np.ndarray, "f c h w"]:
    """The latents of the frames at the model's size, with noise."""
    import torch

    from longtake.media.pixels import as_pictures
    from longtake.train.own import clip_noise

    small = np.stack([cv2.resize(frame, (MODEL_PX, MODEL_PX), interpolation=cv2.INTER_AREA) for frame in frames])
    like = autoencoder.latent_std
    with torch.inference_mode():
        parts = [autoencoder.encode(as_pictures(part).to(like)) for part in np.array_split(small, len(small))]
        found = torch.cat(parts).float().cpu()
    wrong = clip_noise(len(found), found.shape[1], found.shape[2], MOVING, (seed, 7))
    return (found + NOISE_STD * wrong).numpy()


def decoded(latents: Float[np.ndarray, "f c h w"], autoencoder: "Autoencoder") -> Video:
    """The model's pictures of latents."""
    import torch

    from longtake.media.pixels import as_frames

    with torch.inference_mode():
        given = torch.from_numpy(latents).to(autoencoder.latent_std)
        parts = [as_frames(autoencoder.decode(part)) for part in given.split(4)]
    return np.concatenate(parts)


def _cut(frames: Video, landmarks: Float[np.ndarray, "f 468 2"], small: UInt8[np.ndarray, "f h w 3"]) -> Spoiled:
    """True and spoiled frames, cut by one square; `small` shows the same at another size."""
    square = steady_squares([aligned_square(points) for points in landmarks], follow=False)[0]
    scale = small.shape[1] / frames.shape[1]
    less = Roi(square.x * scale, square.y * scale, square.side * scale, square.angle)
    affine = square.affine(SIDE)
    return Spoiled(
        true=np.stack([cut_square(frame, square) for frame in frames]),
        given=np.stack([cut_square(frame, less) for frame in small]),
        enlarged=np.stack([_lanczos(frame, less) for frame in small]),
        landmarks=np.asarray(landmarks, np.float64) @ affine[:, :2].T + affine[:, 2],
    )


def _lanczos(picture: UInt8[np.ndarray, "h w 3"], square: Roi) -> UInt8[np.ndarray, "side side 3"]:
    """What the picture shows in the square, by Lanczos."""
    affine = at_centres(square.affine(SIDE))
    return cv2.warpAffine(picture, affine, (SIDE, SIDE), flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
