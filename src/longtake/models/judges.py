"""The small judges: a network that hears and sees whether lips and sound go together, and one that sees how a face looks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

GROUPS = 8


@dataclass(frozen=True)
class SyncSizes:
    """Sizes of the small SyncNet."""

    frames: int = 9  # of a window, 0.36 s
    side: int = 48
    mels: int = 40
    width: int = 24
    dim: int = 96

    @property
    def mel_frames(self) -> int:
        return 4 * self.frames  # 100 a second


@dataclass(frozen=True)
class FaceSizes:
    """Sizes of the small face network."""

    side: int = 64
    width: int = 24
    dim: int = 64
    people: int = 1  # known in training; their head is not used afterwards
    faults: int = 5


def _flat(inputs: int, outputs: int, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, 2, kernel // 2), nn.GroupNorm(GROUPS, outputs), nn.ReLU(inplace=True)
    )


def _seen(inputs: int, outputs: int, kernel: int = 3) -> nn.Sequential:
    """Normed over the batch: within one picture, colour and contrast would be lost, which faults change."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, 2, kernel // 2), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


def _line(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(inputs, outputs, kernel, stride, kernel // 2), nn.GroupNorm(GROUPS, outputs), nn.ReLU(inplace=True)
    )


class SyncNetMini(nn.Module):
    """Two towers with one space. The frames of a window are the channels of one picture, so motion is seen at once."""

    def __init__(self, sizes: SyncSizes = SyncSizes()):
        super().__init__()
        self.sizes, w = sizes, sizes.width
        left = math.ceil(sizes.side / 16)
        self.face = nn.Sequential(_flat(sizes.frames, w, 5), _flat(w, 2 * w), _flat(2 * w, 4 * w), _flat(4 * w, 4 * w))
        self.face_out = nn.Linear(4 * w * left * left, sizes.dim)
        heard = math.ceil(math.ceil(sizes.mel_frames / 2) / 2)
        self.sound = nn.Sequential(_line(sizes.mels, 3 * w, 5, 2), _line(3 * w, 4 * w, 5, 2), _line(4 * w, 4 * w, 3, 1))
        self.sound_out = nn.Linear(4 * w * heard, sizes.dim)
        self.sharpness = nn.Parameter(torch.tensor(2.3))  # log of what similarities are multiplied by in training

    def faces(self, windows: Float[Tensor, "b frames side side"]) -> Float[Tensor, "b d"]:
        """Unit vectors of mouths in grey, -1 to 1."""
        return F.normalize(self.face_out(self.face(windows).flatten(1)).float(), dim=1)

    def sounds(self, mel: Float[Tensor, "b mels m"]) -> Float[Tensor, "b d"]:
        """Unit vectors of log-mel windows."""
        return F.normalize(self.sound_out(self.sound(mel).flatten(1)).float(), dim=1)

    def forward(
        self, windows: Float[Tensor, "b frames side side"], mel: Float[Tensor, "b mels m"]
    ) -> tuple[Float[Tensor, "b d"], Float[Tensor, "b d"], Float[Tensor, ""]]:
        """Both, and the sharpness."""
        return self.faces(windows), self.sounds(mel), self.sharpness.exp()


class FaceNetMini(nn.Module):
    """Features of a face from three scales of one stack, and two heads for training: who it is, and what was done to it."""

    def __init__(self, sizes: FaceSizes = FaceSizes()):
        super().__init__()
        self.sizes, w = sizes, sizes.width
        self.stack = nn.ModuleList([_seen(3, w, 5), _seen(w, 2 * w), _seen(2 * w, 4 * w), _seen(4 * w, 4 * w)])
        self.out = nn.Linear(w + 2 * w + 4 * w + 4 * w, sizes.dim)
        self.people = nn.Linear(sizes.dim, sizes.people)
        self.faults = nn.Linear(sizes.dim, sizes.faults)

    def features(self, faces: Float[Tensor, "b 3 side side"]) -> Float[Tensor, "b d"]:
        """What the heads read, before the last bend: means of all stages, mixed."""
        means, x = [], faces
        for layer in self.stack:
            x = layer(x)
            means.append(x.mean((2, 3)))
        return self.out(torch.cat(means, dim=1))

    def forward(self, faces: Float[Tensor, "b 3 side side"]) -> tuple[Float[Tensor, "b p"], Float[Tensor, "b k"]]:
        """Scores of the people known, and how much of each fault there is."""
        seen = F.relu(self.features(faces))
        return self.people(seen), self.faults(seen)
