"""The features of FID and KID: the Inception network of 2015 as torch-fidelity has it, 2048 numbers a picture."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from longtake.errors import missing
from longtake.evaluate.metrics.extractors.places import FILES, weight_file

WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"


class Inception:
    """Pictures of any size, brought to 299 x 299 as TensorFlow 1 did."""

    name, dim, frames, comparable, looks_at = "inception", 2048, 1, True, "picture"
    source = "Inception v3 of 2015, by torch-fidelity"
    sha256 = FILES[WEIGHTS].sha256

    def ready(self) -> None:
        network()

    def __call__(self, pictures: UInt8[np.ndarray, "b H W 3"]) -> Float32[np.ndarray, "b 2048"]:
        import torch

        with torch.inference_mode():
            shown = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2)
            return network()(shown)[0].float().numpy()


@cache
def network() -> Any:
    """The network with its weights."""
    path = weight_file(WEIGHTS)
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError as error:
        raise missing("torch-fidelity", "evaluate", "FID and KID") from error
    return FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=str(path)).eval()
