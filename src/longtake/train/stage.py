"""Stages 1 and 2 as one task: noise a batch of latents, ask the denoiser what they were, weigh its error.

Stage 1 shows unrelated frames of a clip (the reference net, identity, regions and speech learn); stage 2 shows segments
with corrupted motion frames before them (motion modules learn too). Paper 3.1, 3.2 and 4.1. Word norms learn in the same
way, alone, in networks that are finished (paper 3.3).
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from longtake.conditions import as_read
from longtake.corpus.windows import Windows
from longtake.diffusion.noise import mixed_noise
from longtake.diffusion.schedule import alphas_cumprod
from longtake.models.animation import init_for_training
from longtake.train.learner import Learner, Told
from longtake.train.objective import change_loss, frame_loss, min_snr_weight, noise_latents, place_weight
from longtake.train.recipe import Recipe
from longtake.train.stage_batch import collate, draw, measure_anchor
from longtake.train.stage_settings import Data, choose_what_learns, settings_of, sizes_for
from longtake.train.stage_sheet import StageSheet
from longtake.train.stage_words import Sayings


class StageTask:
    """Learns `Learner` from prepared windows; see the module's text."""

    def __init__(self, recipe: Recipe, split: str = "train"):
        self.settings = settings_of(recipe)
        self.data = Data.checked(recipe.data)
        self.windows = Windows(self.data.windows, split, calm=self.data.calm)
        self.sizes = sizes_for(recipe)
        self.sayings = Sayings.of(recipe, self.data, self.sizes) if self.settings.words else None
        torch.manual_seed(recipe.run.seed)
        self.model = init_for_training(Learner(self.sizes))
        choose_what_learns(self.model, self.settings)
        self.alphas = alphas_cumprod(self.settings.beta_schedule, zero_snr=True)
        self.anchor_std = self.settings.anchor_std or measure_anchor(self.windows)
        self.levels = len(self.sizes.denoiser.unet.channels)
        self.sheets = StageSheet(self.settings, self.data, self.levels, self.anchor_std, self.told, self.sayings)

    def started(self) -> None:
        """Puts the norms to go on from over what the start brought: animation weights may hold untrained ones."""
        if self.sayings and self.data.norms:
            self.sayings.go_on(self.model, self.data.norms)

    def batch(self, rng: np.random.Generator, share: float) -> dict[str, Tensor]:
        settings, clips = self.settings, self.settings.clips
        examples = [draw(settings, self.windows, rng) for _ in range(clips)]
        batch = collate(examples, self.levels)
        fate = rng.random(clips)
        alone = rng.random((2, clips))
        lost = torch.tensor(fate < settings.drop_all)
        batch["has_portrait"] = ~lost & torch.tensor(alone[0] >= settings.drop_portrait)
        batch["has_speech"] = ~lost & torch.tensor(alone[1] >= settings.drop_speech)
        shape = (clips, 1 if settings.motion else settings.frames)
        noisy = rng.random(shape) < settings.noisy_rate
        steps = rng.integers(np.where(noisy, 2 * len(self.alphas) // 3, 0), len(self.alphas), shape)
        batch["step"] = torch.tensor(np.broadcast_to(steps, (clips, settings.frames)).copy())
        if self.sayings:
            batch |= self.sayings(examples, rng)
            kept = ~lost & torch.tensor(rng.random(clips) >= settings.drop_words)
            # Not a flag: a batch whose rows all lost their words would have no gradient.
            batch["words_strength"] *= kept[:, None]
        return batch

    def loss(self, model: nn.Module, batch: dict[str, Tensor], share: float) -> tuple[Tensor, dict[str, Tensor]]:
        settings = self.settings
        clean = self.clean(batch)
        noise = self.noise(clean)
        if settings.noise_offset:
            noise = noise + settings.noise_offset * torch.randn_like(clean[:, :, :1, :1, :1])
        noised = noise_latents(clean, batch["step"], self.alphas.to(clean.device), noise, settings.prediction)
        error = model(noised.latents, batch["step"], self.told(batch)).float() - noised.target
        _, face, lip = batch["regions_0"].unbind(1)
        eyes = adaptive_avg_pool2d(batch["eyes"], face.shape[-1])
        place = place_weight((face, settings.face_gain), (lip, settings.lip_gain), (eyes, settings.eye_gain))
        weight = min_snr_weight(noised.snr, settings.gamma, settings.prediction)
        loss = (frame_loss(error, place) * weight).mean()
        plain = error.detach().square().mean((1, 2))
        logs = {"lips": (plain * lip).sum() / lip.sum(), "plain": plain.mean()}
        if settings.change_gain:
            changes = change_loss(error, place, settings.border_gain if settings.motion else 0.0)
            logs["change"] = (changes * weight[:, -changes.shape[1] :]).mean()
            loss = loss + settings.change_gain * logs["change"]
            logs["change"] = logs["change"].detach()
        return loss, logs

    def clean(self, batch: dict[str, Tensor]) -> Float[Tensor, "b c f h w"]:
        """What a batch asks for: how far its frames are from the portrait, in standard deviations."""
        return (batch["target"] - batch["reference"][:, None]).transpose(1, 2) / self.anchor_std

    def told(self, batch: dict[str, Tensor]) -> Told:
        settings = self.settings
        noised = {"motion": 0.0, "reference": 0.0, settings.corrupted: settings.motion_noise_std}
        reference, motion = (batch[name] for name in ("read", "motion"))
        if settings.motion:
            reference, motion = _noised(reference, noised["reference"]), _noised(motion, noised["motion"])
            motion = as_read(motion, batch["reference"][:, None], settings.motion_read, self.anchor_std)
        return Told(
            reference=reference,
            motion=motion if settings.motion else None,
            speech=batch["speech"] if settings.speech else None,
            identity=batch["identity"],
            regions=tuple(batch[f"regions_{level}"] for level in range(self.levels)),
            rectangle=batch["rectangle"],
            eyes=batch["eyes"],
            lids=batch["lids"] if settings.lids else None,
            has_portrait=batch["has_portrait"],
            has_speech=batch["has_speech"],
            words=batch.get("words"),
            words_strength=batch.get("words_strength"),
            has_words=batch.get("has_words"),
        )

    def noise(self, clean: Float[Tensor, "b c f h w"]) -> Float[Tensor, "b c f h w"]:
        """Noise of that shape, a share of it common to the frames of a segment."""
        if self.settings.motion == 0 or self.settings.shared_noise == 0:
            return torch.randn_like(clean)
        generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
        b, c, f, h, w = clean.shape
        return mixed_noise((b, c, f, h, w), self.settings.shared_noise, generator).to(clean)

    def frames(self, batch: dict[str, Tensor]) -> int:
        return batch["target"].shape[0] * batch["target"].shape[1]

    def sheet(self, model: nn.Module) -> tuple[np.ndarray | None, dict[str, float]]:
        return self.sheets(model)

    def header(self) -> dict[str, Any]:
        trained = self.settings.model_dump() | {"anchor_std": self.anchor_std}
        return {
            "sizes": asdict(self.sizes),
            "settings": trained,
            "corpus_seed": self.data.corpus_seed,
            "hashes": self.windows.hashes,
            **(self.sayings.origin if self.sayings else {}),
        }


def _noised(latents: Tensor, std: float) -> Tensor:
    return latents + std * torch.randn_like(latents) if std else latents


def build(recipe: Recipe) -> StageTask:
    """The task that a recipe of kind stage1, stage2 or words describes."""
    return StageTask(recipe)


def estimate(recipe: Recipe) -> str:
    """What the recipe would train and cost, from networks on the meta device."""
    from longtake.train.stage_estimate import describe

    return describe(recipe)
