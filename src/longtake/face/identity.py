"""Who a face is: the 128 numbers of the face-api recognition network (a dlib ResNet), in torch."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from longtake.face.framing import at_centres

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS = Path(__file__).parent / "models" / "face-api" / "face_recognition_model.bin"
SIDE = 150
MEAN_RGB = (122.782, 117.001, 104.298)
SAME_PERSON = 0.6
"""Euclidean distance below which the authors of the network call two pictures one person."""
MARGINS = (0.05, 0.05, 0.05, 0.02)
"""What the box of the landmarks grows by at left, top, right and bottom, in its sizes."""
STAGES = {"conv32": 3, "conv64": 3, "conv128": 2, "conv256": 2}
"""Residual blocks of each stage; every stage but the first starts with a halving block."""


def identity_of(
    picture: UInt8[np.ndarray, "H W 3"], landmarks: Float[np.ndarray, "p axes"]
) -> Float32[np.ndarray, " 128"]:
    """The identity vector of the face that the landmarks lie on."""
    return identities_of([picture], [landmarks])[0]


def identities_of(
    pictures: Sequence[UInt8[np.ndarray, "H W 3"]], landmarks: Sequence[Float[np.ndarray, "p axes"]], batch: int = 16
) -> Float32[np.ndarray, "f 128"]:
    """The identity vectors of one face in each picture; NaN where its landmarks are NaN."""
    import torch

    vectors = np.full((len(pictures), 128), np.nan, np.float32)
    seen = [i for i, points in enumerate(landmarks) if np.isfinite(points).all()]
    for start in range(0, len(seen), batch):
        rows = seen[start : start + batch]
        crops = np.stack([tight_crop(pictures[i], landmarks[i]) for i in rows])
        vectors[rows] = embed(torch.from_numpy(crops)).numpy()
    return vectors


def identity_distance(a: Float[np.ndarray, "*#rows d"], b: Float[np.ndarray, "*#rows d"]) -> Float[np.ndarray, "..."]:
    """The Euclidean distance between identity vectors: below 0.6 the network calls them the same person."""
    return np.asarray(np.linalg.norm(a - b, axis=-1))


def tight_crop(
    picture: UInt8[np.ndarray, "H W 3"], landmarks: Float[np.ndarray, "p axes"]
) -> UInt8[np.ndarray, "150 150 3"]:
    """The face cut just outside its landmarks, squared, at the size the network reads."""
    x0, y0 = landmarks[:, :2].min(axis=0)
    x1, y1 = landmarks[:, :2].max(axis=0)
    width, height = x1 - x0, y1 - y0
    left, top, right, bottom = MARGINS
    x0, x1 = x0 - left * width, x1 + right * width
    y0, y1 = y0 - top * height, y1 + bottom * height
    side = max(x1 - x0, y1 - y0)
    factor = max(1, round(float(side) / SIDE))
    scale = SIDE * factor / side
    affine = np.array(
        [[scale, 0, (SIDE * factor - scale * (x0 + x1)) / 2], [0, scale, (SIDE * factor - scale * (y0 + y1)) / 2]]
    )
    size = (SIDE * factor, SIDE * factor)
    crop = cv2.warpAffine(picture, at_centres(affine), size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return crop if factor == 1 else cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def embed(crops: "UInt8[Tensor, 'b 150 150 3']") -> "Float32[Tensor, 'b 128']":
    """The network itself: crops in, identity vectors out."""
    import torch

    with torch.inference_mode():
        return _halve(features(crops)[-1], "conv256_down_out").mean((2, 3)) @ _weights()["fc"]


def features(pictures: "UInt8[Tensor, 'b H W 3']", stages: int | None = None) -> "list[Float32[Tensor, 'b c h w']]":
    """What each of the first `stages` (all four) makes of pictures of any size, from fine, 32 channels, to coarse, 256."""
    import torch
    import torch.nn.functional as nnf

    with torch.inference_mode():
        x = (pictures.permute(0, 3, 1, 2).float() - torch.tensor(MEAN_RGB).view(1, 3, 1, 1)) / 256
        x = nnf.max_pool2d(nnf.relu(_convolve(x, "conv32_down", stride=2, padding=0)), 3, 2)
        made = []
        for stage, blocks in list(STAGES.items())[:stages]:
            if stage != "conv32":
                x = _halve(x, f"{stage}_down")
            for i in range(blocks):
                x = _block(x, f"{stage}_{i + 1}")
            made.append(x)
        return made


@cache
def _weights() -> "dict[str, Tensor]":
    """All tensors of the file by name; stored bytes q stand for q * scale + min."""
    import torch

    manifest = json.loads(WEIGHTS.with_name(f"{WEIGHTS.stem}-weights_manifest.json").read_text())
    stored, tensors, at = WEIGHTS.read_bytes(), {}, 0
    for entry in (entry for group in manifest for entry in group["weights"]):
        coding = entry.get("quantization")
        values = np.frombuffer(stored, np.uint8 if coding else np.float32, int(np.prod(entry["shape"])), at)
        at += values.nbytes
        values = values.astype(np.float32)
        values = values * np.float32(coding["scale"]) + np.float32(coding["min"]) if coding else values
        tensor = torch.from_numpy(values.reshape(entry["shape"]))
        # Filters are stored height, width, in, out; torch wants out, in, height, width.
        tensors[entry["name"]] = tensor.permute(3, 2, 0, 1).contiguous() if tensor.ndim == 4 else tensor
    return tensors


def _convolve(x: "Tensor", name: str, stride: int = 1, padding: int = 1) -> "Tensor":
    """A convolution, then a scale and an offset per channel."""
    import torch.nn.functional as nnf

    w = _weights()
    y = nnf.conv2d(x, w[f"{name}/conv/filters"], w[f"{name}/conv/bias"], stride=stride, padding=padding)
    return y * w[f"{name}/scale/weights"].view(-1, 1, 1) + w[f"{name}/scale/biases"].view(-1, 1, 1)


def _block(x: "Tensor", name: str) -> "Tensor":
    return (_convolve(_convolve(x, f"{name}/conv1").relu(), f"{name}/conv2") + x).relu()


def _halve(x: "Tensor", name: str) -> "Tensor":
    """A residual block at half size: the shortcut is averaged and gets zero channels, the branch zero borders."""
    import torch.nn.functional as nnf

    branch = _convolve(_convolve(x, f"{name}/conv1", stride=2, padding=0).relu(), f"{name}/conv2")
    short = nnf.avg_pool2d(x, 2)
    branch = nnf.pad(branch, (0, short.shape[3] - branch.shape[3], 0, short.shape[2] - branch.shape[2]))
    short = nnf.pad(short, (0, 0, 0, 0, 0, branch.shape[1] - short.shape[1]))
    return (branch + short).relu()
