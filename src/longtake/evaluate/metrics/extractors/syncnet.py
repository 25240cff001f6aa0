"""SyncNet v2 as published: faces of 224 pixels over five frames, MFCC of the sound, 1024 numbers each.

Written from its publicly known layout, with its tensor names. The published weights could not be had where this was written: the
arithmetic is tested, the numbers are not compared with the published script's. Its face boxes come from another detector (S3FD).
"""

from __future__ import annotations

from collections import deque
from functools import cache

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor, nn

from longtake.errors import WeightsMismatch
from longtake.evaluate.metrics.extractors.mfcc import mfcc
from longtake.evaluate.metrics.extractors.places import FILES, weight_file

WEIGHTS = "syncnet_v2.model"
SIDE, GROW, SMOOTHED = 224, 0.4, 13
"""Side of a crop; how far it goes beyond the face's box, in boxes; frames over which boxes are smoothed."""


def _flat(inputs: int, outputs: int, kernel: tuple, padding: tuple = (1, 1)) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, kernel, padding=padding), nn.BatchNorm2d(outputs), nn.ReLU()]


def _deep(inputs: int, outputs: int, kernel: tuple, stride: tuple = (1, 1, 1), padding: tuple = (0, 0, 0)) -> list:
    return [nn.Conv3d(inputs, outputs, kernel, stride, padding), nn.BatchNorm3d(outputs), nn.ReLU()]


def _head() -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 1024))


class SyncNet(nn.Module):
    """The two towers; module names are those of the published file."""

    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = nn.Sequential(
            *_flat(1, 64, (3, 3)),
            nn.MaxPool2d((1, 1), (1, 1)),
            *_flat(64, 192, (3, 3)),
            nn.MaxPool2d((3, 3), (1, 2)),
            *_flat(192, 384, (3, 3)),
            *_flat(384, 256, (3, 3)),
            *_flat(256, 256, (3, 3)),
            nn.MaxPool2d((3, 3), (2, 2)),
            *_flat(256, 512, (5, 4), (0, 0)),
        )
        self.netfcaud, self.netfclip = _head(), _head()
        self.netcnnlip = nn.Sequential(
            *_deep(3, 96, (5, 7, 7), (1, 2, 2)),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_deep(96, 256, (1, 5, 5), (1, 2, 2), (0, 1, 1)),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            *_deep(256, 256, (1, 3, 3), padding=(0, 1, 1)),
            *_deep(256, 256, (1, 3, 3), padding=(0, 1, 1)),
            *_deep(256, 256, (1, 3, 3), padding=(0, 1, 1)),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_deep(256, 512, (1, 6, 6)),
        )

    def sounds(self, features: Float[Tensor, "b 1 13 20"]) -> Float[Tensor, "b 1024"]:
        return self.netfcaud(self.netcnnaud(features).flatten(1))

    def faces(self, frames: Float[Tensor, "b 3 5 224 224"]) -> Float[Tensor, "b 1024"]:
        return self.netfclip(self.netcnnlip(frames).flatten(1))


class PublishedSyncNet:
    """The pair of embedders of Sync-C and Sync-D."""

    name, frames, side, comparable = "syncnet_v2", 5, SIDE, True
    lead, samples = 1, 1 + 19 * 160 + 400  # one sample before, for the filter that looks one back
    source = "SyncNet v2 (Chung and Zisserman), published weights"
    sha256 = FILES[WEIGHTS].sha256

    def __init__(self) -> None:
        self._boxes: deque = deque(maxlen=SMOOTHED)

    def ready(self) -> None:
        network()

    def begin(self) -> None:
        self._boxes.clear()

    def crop(
        self, pictures: UInt8[np.ndarray, "f H W 3"], landmarks: Float[np.ndarray, "f 468 3"]
    ) -> UInt8[np.ndarray, "f 224 224 3"]:
        """The face with its surroundings, blue first as the network learned it, the box smoothed over the last frames."""
        return np.stack([self._cut(picture, points) for picture, points in zip(pictures, landmarks, strict=True)])

    def _cut(self, picture: np.ndarray, points: np.ndarray) -> np.ndarray:
        if not np.isfinite(points).all():
            return np.zeros((SIDE, SIDE, 3), np.uint8)
        low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        self._boxes.append((*((low + high) / 2), float((high - low).max()) / 2))
        x, y, half = np.median(np.array(self._boxes), axis=0)
        side = 2 * half * (1 + GROW)
        scale = SIDE / side
        affine = np.array([[scale, 0, -scale * (x - side / 2)], [0, scale, -scale * (y - half)]])
        return cv2.warpAffine(picture[..., ::-1], affine, (SIDE, SIDE), borderValue=(110, 110, 110))

    def faces(self, windows: UInt8[np.ndarray, "b 5 224 224 3"]) -> Float32[np.ndarray, "b 1024"]:
        with torch.inference_mode():
            return network().faces(torch.from_numpy(windows).permute(0, 4, 1, 2, 3).float()).numpy()

    def sounds(self, windows: Float32[np.ndarray, "b samples"]) -> Float32[np.ndarray, "b 1024"]:
        rows = np.stack([mfcc(np.round(window * 32768.0), lead=1).T for window in windows]).astype(np.float32)
        with torch.inference_mode():
            return network().sounds(torch.from_numpy(rows)[:, None]).numpy()


@cache
def network() -> SyncNet:
    """The network with its published weights."""
    path = weight_file(WEIGHTS)
    made = SyncNet().eval()
    try:
        made.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except RuntimeError as error:
        raise WeightsMismatch(f"{path} does not fit SyncNet v2: {str(error).splitlines()[0]}") from error
    return made
