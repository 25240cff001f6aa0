"""A denoiser and an autoencoder that cost nothing, of the same interfaces: for measuring all that is around them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate

from longtake.animator import Animator
from longtake.models.autoencoder import AutoencoderSizes
from longtake.presets import preset
from longtake.settings import Settings

SIDE = 64
CHEAP = (
    "portrait.size_px=64",
    "sampling.steps=1",
    "guidance.portrait=1",
    "guidance.speech=1",
    "video.preset=ultrafast",
    "drift.every=50",  # it shows no face, and costs less than measuring that
)


class Denoiser(nn.Module):
    """Says nothing: the video is the portrait."""

    def prepare_video(self, told: Any) -> None:
        return None

    def prepare(self, told: Any, frames: int, video: Any) -> Denoiser:
        return self

    def row(self, index: int) -> Denoiser:
        return self

    def forward(self, rows: torch.Tensor, step: torch.Tensor, told: Any, deep: Any = None) -> torch.Tensor:
        return torch.zeros_like(rows)


class Codec(nn.Module):
    """Latents are a coarse picture in the first three of their channels."""

    def __init__(self, channels: int, factor: int) -> None:
        super().__init__()
        self.channels, self.factor = channels, factor

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        coarse = avg_pool2d(pictures, self.factor)
        return coarse.repeat(1, -(-self.channels // 3), 1, 1)[:, : self.channels]

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return interpolate(latents[:, :3].float(), scale_factor=self.factor)


def stand_in(fps: int) -> Animator:
    """The animator of mini without its denoiser and autoencoder, for pictures of 64 × 64."""
    settings: Settings = preset("mini").settings.apply_set(*CHEAP, f"video.fps={fps}")
    animator = Animator("mini", settings=settings)
    networks = animator.networks
    codec = Codec(AutoencoderSizes().channels, factor=16)
    networks.animation.denoiser = Denoiser()  # type: ignore[assignment]
    animator.networks = replace(networks, autoencoder=codec)  # type: ignore[arg-type]
    return animator
