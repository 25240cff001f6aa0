"""Training the small SyncNet: of all moments of a clip, which one is being heard?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from longtake.encoders.speech import HOP, WINDOW, log_mel
from longtake.models.judges import SyncNetMini, SyncSizes
from longtake.train.lips import PER_FRAME, LipClip, LipStore
from longtake.train.recipe import Part, Recipe, make_sizes
from longtake.train.spoil import spoil
from longtake.train.task import Batch

LEAD = (WINDOW - HOP) // 2
"""Samples that a window of sound begins before its first frame, so that its first mel frame is centred on the first 10 ms."""


class Data(Part):
    folder: Path = Field(default=Path("data/lips"), description="what `python -m longtake.train.lips` packed")
    clips: int = Field(default=8, ge=1, description="clips in a batch")
    windows: int = Field(default=32, ge=2, description="consecutive windows of each: the choice is among them")


class Aims(Part):
    near: int = Field(
        default=2, ge=0, description="windows so many frames off are neither right nor wrong: they overlap"
    )
    spoiled: float = Field(default=0.7, ge=0, le=1, description="share of sounds in rooms, lines and noise")
    mirrored: float = Field(default=0.5, ge=0, le=1)
    hidden: float = Field(default=0.2, ge=0, le=1, description="share of clips with a patch of the mouth hidden")


class SyncTask:
    """Windows of mouths and of sound; each must find its own among those of the same clip."""

    def __init__(self, recipe: Recipe):
        torch.manual_seed(recipe.run.seed)
        self.data, self.aims = Data.checked(recipe.data), Aims.checked(recipe.task)
        self.sizes = make_sizes(SyncSizes, recipe.sizes)
        self.model = SyncNetMini(self.sizes)
        self.store = LipStore(self.data.folder)
        self.length = self.data.windows + self.sizes.frames - 1
        self.clips = self.store.split(heldout=False, frames=self.length)
        sources = [clip.source for clip in self.clips]
        # Every folder counts alike, however many clips it has.
        self.odds = np.array([1 / sources.count(source) for source in sources]) / len(set(sources))

    def batch(self, rng: np.random.Generator, share: float) -> Batch:
        chosen = rng.choice(len(self.clips), self.data.clips, p=self.odds)
        rows = [self._clip(self.clips[k], rng) for k in chosen]
        mouths, sounds = (torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True))
        return {"mouths": mouths, "sounds": sounds}

    def _clip(self, clip: LipClip, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        first = int(rng.integers(0, clip.frames - self.length + 1))
        mouths = self._changed(self.store.mouths_of(clip, first, self.length), rng)
        start = first * PER_FRAME - LEAD
        sound = self.store.sound_of(clip, start, sound_length(self.length))
        if rng.random() < self.aims.spoiled:
            sound = spoil(sound, rng)
        return mouths, sound.astype(np.float32)

    def _changed(self, mouths: UInt8[np.ndarray, "f side side"], rng: np.random.Generator) -> np.ndarray:
        """The same for all frames of a clip: mirrored, moved by two pixels, brighter, partly hidden."""
        if rng.random() < self.aims.mirrored:
            mouths = mouths[:, :, ::-1]
        mouths = np.roll(mouths, rng.integers(-2, 3, 2), axis=(1, 2))
        values = mouths.astype(np.float32) * rng.uniform(0.7, 1.3) + rng.uniform(-20, 20)
        if rng.random() < self.aims.hidden:
            y, x = rng.integers(0, mouths.shape[1], 2)
            values[:, y : y + 12, x : x + 12] = rng.uniform(0, 255)
        return np.clip(values, 0, 255).astype(np.uint8)

    def loss(self, model: nn.Module, batch: Batch, share: float) -> tuple[Tensor, dict[str, Tensor]]:
        clips, count = len(batch["mouths"]), self.data.windows
        windows = mouth_windows(batch["mouths"], self.sizes.frames).flatten(0, 1)
        mel = mel_windows(batch["sounds"], self.sizes, count).flatten(0, 1)
        faces, sounds, sharpness = model(windows, mel)
        alike = sharpness * faces.view(clips, count, -1) @ sounds.view(clips, count, -1).transpose(1, 2)
        apart = (torch.arange(count)[:, None] - torch.arange(count)).abs().to(alike.device)
        alike = alike.masked_fill((apart > 0) & (apart <= self.aims.near), float("-inf"))
        right = torch.arange(count, device=alike.device).expand(clips, count).flatten()
        both = [F.cross_entropy(x.flatten(0, 1), right) for x in (alike, alike.transpose(1, 2))]
        found = (alike.flatten(0, 1).argmax(1) == right).float().mean()
        return (both[0] + both[1]) / 2, {"found": found.detach(), "sharpness": sharpness.detach()}

    def frames(self, batch: Batch) -> int:
        return batch["mouths"].shape[0] * batch["mouths"].shape[1]

    def sheet(self, model: nn.Module) -> tuple[None, dict[str, float]]:
        from longtake.train.sync_check import check
        from longtake.train.task import plain

        return None, check(plain(model, SyncNetMini), self.store)

    def header(self) -> dict[str, Any]:
        from dataclasses import asdict

        sources = sorted({clip.source for clip in self.clips})
        settings = self.data.model_dump(exclude={"folder"}) | self.aims.model_dump()
        return {"sizes": asdict(self.sizes), "settings": settings, "corpus_seed": f"clips of {', '.join(sources)}"}


def sound_length(frames: int) -> int:
    """Samples that a stretch of frames needs: its mel frames, each 10 ms, with what their windows reach beyond."""
    return frames * PER_FRAME + WINDOW - HOP


def mouth_windows(mouths: UInt8[Tensor, "b f side side"], frames: int) -> Float[Tensor, "b n frames side side"]:
    """Every window of consecutive mouths, -1 to 1."""
    return (mouths.float() / 127.5 - 1).unfold(1, frames, 1).permute(0, 1, 4, 2, 3)


def mel_windows(sounds: Float[Tensor, "b samples"], sizes: SyncSizes, count: int) -> Float[Tensor, "b n mels m"]:
    """Log-mel windows of the same times."""
    mel = log_mel(sounds, sizes.mels)
    return mel.unfold(2, sizes.mel_frames, PER_FRAME // HOP)[:, :, :count].permute(0, 2, 1, 3)


def estimate(recipe: Recipe) -> str:
    """Parameters and clips of the recipe, in words."""
    with torch.device("meta"):
        model = SyncNetMini(make_sizes(SyncSizes, recipe.sizes))
    learn, data = sum(p.numel() for p in model.parameters()), Data.checked(recipe.data)
    shown = data.clips * (data.windows + model.sizes.frames - 1) * recipe.run.steps
    return f"small SyncNet: {learn / 1e6:.2f} M parameters; {shown} frames in {recipe.run.steps} steps"


def build(recipe: Recipe) -> SyncTask:
    return SyncTask(recipe)
