"""A stand-in for pictures: what the early and middle stages of the face-api network see, averaged over the picture."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

SIDE = 150
STAGES = 3
"""Of four: the last knows who it is rather than how it looks."""


class FaceApi:
    """Means of 32, 64 and 128 channels over a picture of 150 x 150; trained for recognition, shipped with the package."""

    name, dim, frames, comparable, looks_at = "faceapi", 224, 1, False, "picture"
    source = "early and middle features of the shipped face-api recognition network, averaged over the picture"
    sha256 = ""

    def ready(self) -> None:
        """Always is."""

    def __call__(self, pictures: UInt8[np.ndarray, "b H W 3"]) -> Float32[np.ndarray, "b 224"]:
        import torch

        from longtake.face.identity import features

        small = np.stack([cv2.resize(x, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for x in pictures])
        stages = features(torch.from_numpy(small))[:STAGES]
        return torch.cat([stage.mean((2, 3)) for stage in stages], dim=1).numpy()
