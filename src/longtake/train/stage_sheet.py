"""What a stage shows while it trains: portraits, true frames and sampled frames, and how well the mouths agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from longtake.corpus.windows import Windows
from longtake.diffusion.guidance import Branch, branches, combine, sample
from longtake.diffusion.noise import mixed_noise
from longtake.diffusion.schedule import scheduler
from longtake.media.pixels import as_frames
from longtake.train.learner import Told
from longtake.train.stage_batch import collate
from longtake.train.stage_settings import Data, StageSettings
from longtake.train.stage_words import Sayings


@dataclass
class StageSheet:
    """Samples a few fixed held-out examples; numbers only, without an autoencoder to decode with."""

    settings: StageSettings
    data: Data
    levels: int
    anchor_std: float
    told: Callable[[dict[str, Tensor]], Told]
    sayings: Sayings | None = None
    clips: int = 4
    frames: int = 16
    steps: int = 8
    guidance: float = 2.0  # of the speech alone: on top of the portrait it blurs a network that is shown the portrait

    def __call__(self, model: nn.Module) -> tuple[UInt8[np.ndarray, "H W 3"] | None, dict[str, float]]:
        batch = self._examples()
        sampled = self._sample(model, batch)
        error = (sampled - batch["target"]).square().mean((0, 1, 2))
        numbers = {"distance": float(error.mean().sqrt())}
        if self.sayings:
            unsaid = self._sample(model, {**batch, "words_strength": torch.zeros_like(batch["words_strength"])})
            numbers["distance_unsaid"] = float((unsaid - batch["target"]).square().mean().sqrt())
        if self.data.autoencoder is None:
            return None, numbers
        pictures = self._pictures(sampled)
        numbers |= mouth_numbers(pictures, batch["truth"].numpy())
        portraits, truth = self._pictures(batch["reference"][:, None]), self._pictures(batch["target"][:, ::2])
        rows = [np.hstack([portraits[k, 0], *row[k]]) for k in range(self.clips) for row in (truth, pictures[:, ::2])]
        return np.vstack(rows), numbers

    def _examples(self) -> dict[str, Tensor]:
        windows, rng = Windows(self.data.windows, split="heldout", calm=self.data.calm), np.random.default_rng(1)
        if self.settings.motion == 0:
            examples = [windows.single(rng, self.frames) for _ in range(self.clips)]
        else:
            shown = (self.settings.frames, self.settings.motion, 0.5, 0.0, self.settings.corrupted)
            words = float(self.sayings is not None)  # then only segments that words can help with
            examples = [windows.segment(rng, *shown, words, words) for _ in range(self.clips)]
        batch = collate(examples, self.levels)
        return batch | self.sayings(examples, rng) if self.sayings else batch

    @torch.no_grad()
    def _sample(self, model: nn.Module, batch: dict[str, Tensor]) -> Float[Tensor, "b f c h w"]:
        """Latents of all examples, one after the other, under guidance."""
        settings, out = self.settings, []
        device = next(model.parameters()).device
        for k in range(self.clips):
            row = {name: value[k : k + 1].to(device) for name, value in batch.items()}
            told = branches(1.0, self.guidance)
            reference = row["reference"]
            _, c, h, w = reference.shape
            shared = settings.shared_noise if settings.motion else 0.0
            noise = mixed_noise((1, c, row["target"].shape[1], h, w), shared, torch.Generator().manual_seed(k)).to(
                device
            )
            steps = scheduler("ddim", self.steps, settings.beta_schedule, True, settings.prediction)
            latents = sample(lambda x, step, row=row, told=told: self._predict(model, x, step, row, told), noise, steps)
            out.append(reference[:, None] + self.anchor_std * latents.transpose(1, 2).float())
        return torch.cat(out).cpu()

    def _predict(
        self, model: nn.Module, x: Tensor, step: Tensor, row: dict[str, Tensor], told: list[Branch]
    ) -> Float[Tensor, "1 c f h w"]:
        n = len(told)
        rows = {name: value.expand(n, *value.shape[1:]) for name, value in row.items()}
        rows["has_portrait"] = torch.tensor([branch.portrait for branch in told], device=x.device)
        rows["has_speech"] = torch.tensor([branch.speech for branch in told], device=x.device)
        rows["has_words"] = torch.tensor([branch.words for branch in told], device=x.device)
        steps = torch.as_tensor(step, device=x.device).reshape(1, 1).expand(n, x.shape[2])
        with torch.autocast(x.device.type, torch.bfloat16):
            predicted = model(x.expand(n, *x.shape[1:]), steps, self.told(rows))
        return combine(predicted.float(), told)

    def _pictures(self, latents: Float[Tensor, "b f c h w"]) -> UInt8[np.ndarray, "b f H W 3"]:
        from longtake.networks import load_autoencoder

        assert self.data.autoencoder is not None
        codec = load_autoencoder(self.data.autoencoder)
        pictures = torch.cat([codec.decode(part) for part in latents.flatten(0, 1).split(16)])
        return as_frames(pictures).reshape(*latents.shape[:2], *pictures.shape[2:], 3)


def mouth_numbers(pictures: UInt8[np.ndarray, "b f H W 3"], truth: Float[np.ndarray, "b f 468 2"]) -> dict[str, float]:
    """Correlation of the mouth opening with the truth (each clip's mean removed), and the ratio of their spreads."""
    from longtake.evaluate.face import mouth_opening
    from longtake.face.detect import landmarks_of

    seen = np.stack([mouth_opening(landmarks_of(clip)) for clip in pictures])
    true = np.stack([mouth_opening(clip) for clip in truth])
    found = np.isfinite(seen).all(1)
    if not found.any():
        return {"mouth": 0.0, "mouth_spread": 0.0, "faces": 0.0}
    seen, true = (x[found] - x[found].mean(1, keepdims=True) for x in (seen, true))
    spread = float(seen.std() * true.std()) + 1e-9
    return {
        "mouth": float((seen * true).mean() / spread),
        "mouth_spread": float(seen.std() / (true.std() + 1e-9)),
        "faces": float(found.mean()),
    }
