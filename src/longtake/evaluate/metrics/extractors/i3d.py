"""The features of FVD: logits of the I3D network of Kinetics-400, as StyleGAN-V's program file has it."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from longtake.errors import WeightsMismatch
from longtake.evaluate.metrics.extractors.places import FILES, weight_file

WEIGHTS = "i3d_torchscript.pt"
SIDE = 224


class I3D:
    """Windows of 16 frames, 400 logits each; frames are brought to 224 x 224 here, values to -1..1."""

    name, dim, frames, comparable, looks_at = "i3d", 400, 16, True, "picture"
    source = "I3D of Kinetics-400 (RGB), the TorchScript file of StyleGAN-V"
    sha256 = FILES[WEIGHTS].sha256

    def ready(self) -> None:
        network()

    def __call__(self, pictures: UInt8[np.ndarray, "b f H W 3"]) -> Float32[np.ndarray, "b 400"]:
        import torch

        small = [[cv2.resize(x, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR) for x in window] for window in pictures]
        shown = torch.from_numpy(np.asarray(small)).permute(0, 4, 1, 2, 3).float() / 127.5 - 1
        with torch.inference_mode():
            return network()(shown, rescale=False, resize=False, return_features=True).float().numpy()


@cache
def network() -> Any:
    """The network. The file is a program; it is opened only because its hash is the known one."""
    import torch

    path = weight_file(WEIGHTS)
    try:
        return torch.jit.load(str(path), map_location="cpu").eval()
    except RuntimeError as error:
        raise WeightsMismatch(f"{path} can't be opened as a TorchScript network: {error}") from error
