"""What the model makes of packed frames, ahead of time: through its autoencoder and back, the latents a little wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from longtake.media.pixels import as_frames, as_pictures
from longtake.models.autoencoder import Autoencoder
from longtake.train.face_clips import PackedClips

NOISE_STD = 0.15
"""Most of the noise; each clip gets from nothing to this. mini's decoder learned to forgive 0.2."""
MOVING = 0.5
"""Share of the noise's variance that is new in each frame: a denoiser errs partly anew. 0: a clip's frames err alike."""


@torch.inference_mode()
def make_own(
    folder: Path,
    autoencoder: Autoencoder,
    side: int = 256,
    noise_std: float = NOISE_STD,
    moving: float = MOVING,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """How many frames got a picture of the model's own (`own.uint8`) and its latents (`latents.float16`) beside them."""
    clips = PackedClips(folder)
    every = sorted([*clips.train, *clips.heldout], key=lambda clip: clip.start)
    shape = (0, 0)
    with open(folder / "own.uint8", "wb") as pictures, open(folder / "latents.float16", "wb") as codes:
        for k, clip in enumerate(every):
            std = noise_std * float(np.random.default_rng([seed, k]).uniform())
            frames = np.stack([_smaller(clips.sharp(frame), side) for frame in clip])
            wrong = clip_noise(
                len(clip), autoencoder.sizes.channels, side // autoencoder.sizes.factor, moving, (seed, k)
            )
            for first in range(0, len(clip), 8):
                latents = autoencoder.encode(as_pictures(frames[first : first + 8]))
                latents = (latents + std * wrong[first : first + 8]).half()
                pictures.write(as_frames(autoencoder.decode(latents.float())).tobytes())
                codes.write(latents.numpy().tobytes())
                shape = (latents.shape[1], latents.shape[2])
            progress(k + 1, len(every))
    path = folder / "index.json"
    index = json.loads(path.read_text())
    index["own"] = {"side": side, "latents": shape, "noise_std": noise_std, "moving": moving}
    path.write_text(json.dumps(index))
    return index["frames"]


def clip_noise(
    frames: int, channels: int, places: int, moving: float, seed: tuple[int, ...]
) -> Float[Tensor, "f c h w"]:
    """Noise of unit variance for each frame, of which the share `moving` is its own and the rest that of the clip."""
    rng = np.random.default_rng([*seed, 1])
    shape = (channels, places, places)
    common, own = rng.standard_normal(shape, np.float32), rng.standard_normal((frames, *shape), np.float32)
    return torch.from_numpy(np.sqrt(1 - moving).astype(np.float32) * common + np.sqrt(moving).astype(np.float32) * own)


def _smaller(picture: np.ndarray, side: int) -> np.ndarray:
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
