"""Stages 1 and 2 as one task: noise a batch of latents, ask the denoiser for the velocity, weigh its error.

Stage 1 shows unrelated frames of a clip (the reference net, identity, regions and speech learn); stage 2 shows segments
with corrupted motion frames before them (motion modules learn too). Paper 3.1, 3.2 and 4.1.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from longtake.corpus.windows import Example, Windows
from longtake.diffusion.noise import mixed_noise
from longtake.diffusion.schedule import alphas_cumprod
from longtake.errors import SettingsError
from longtake.face.regions import face_picture, regions_of
from longtake.models.animation import AnimationSizes, hallo2_sizes, init_for_training, mini_sizes
from longtake.train.learner import Learner, Told
from longtake.train.objective import noise_latents, place_weight, velocity_loss
from longtake.train.recipe import Recipe, Section, explain
from longtake.train.stage_sheet import StageSheet


class StageSettings(Section):
    """What a stage shows and how it weighs errors."""

    clips: int = Field(4, ge=1, description="clips in a batch")
    frames: int = Field(8, ge=1, description="frames of each")
    motion: int = Field(0, ge=0, description="motion frames; 0 = unrelated frames, stage 1")
    start_rate: float = Field(0.1, ge=0, le=1, description="share of segments that start their video")
    motion_noise_std: float = Field(0.1, ge=0, description="sigma of the noise on the latents of motion frames")
    shared_noise: float = Field(
        0.0, ge=0, le=1, description="share of the noise that the frames of a segment have in common"
    )
    gamma: float = Field(5.0, gt=0, description="min-SNR gamma")
    face_gain: float = Field(1.0, ge=0, description="extra weight of the face region")
    lip_gain: float = Field(4.0, ge=0, description="extra weight of the lip region")
    drop_all: float = Field(0.05, ge=0, le=1, description="rows told neither portrait nor speech")
    drop_portrait: float = Field(0.0, ge=0, le=1, description="rows that lose the portrait alone")
    drop_speech: float = Field(0.05, ge=0, le=1, description="rows that lose the speech alone")
    beta_schedule: Literal["linear", "scaled_linear"] = "linear"
    anchor_std: float | None = Field(
        None, gt=0, description="scale of the difference from the portrait; None: measured"
    )
    speech: bool = Field(True, description="whether speech is heard in this stage")
    noise_offset: float = Field(
        0.0, ge=0, description="extra noise that is the same over the whole picture, per channel"
    )
    learns: list[str] = Field([""], description="beginnings of the names of what learns; the empty one is everything")


class Data(Section):
    windows: list[Path] = Field(description="folders that `longtake corpus prepare` wrote")
    autoencoder: Path | None = Field(None, description="weights that decode the sheets")
    corpus_seed: int = 0


class StageTask:
    """Learns `Learner` from prepared windows; see the module's text."""

    def __init__(self, recipe: Recipe):
        self.settings = _checked(StageSettings, recipe.task)
        self.data = _checked(Data, recipe.data)
        self.windows = Windows(self.data.windows)
        self.sizes = sizes_of(recipe.sizes)
        torch.manual_seed(recipe.run.seed)
        self.model = init_for_training(Learner(self.sizes))
        choose_what_learns(self.model, self.settings)
        self.alphas = alphas_cumprod(self.settings.beta_schedule, zero_snr=True)
        self.anchor_std = self.settings.anchor_std or measure_anchor(self.windows)
        self.levels = len(self.sizes.denoiser.unet.channels)
        self.sheets = StageSheet(self)

    def example(self, rng: np.random.Generator, windows: Windows | None = None) -> Example:
        settings, windows = self.settings, windows or self.windows
        if settings.motion == 0:
            return windows.single(rng, settings.frames)
        return windows.segment(rng, settings.frames, settings.motion, settings.start_rate)

    def batch(self, rng: np.random.Generator, share: float) -> dict[str, Tensor]:
        settings, clips = self.settings, self.settings.clips
        batch = collate([self.example(rng) for _ in range(clips)], self.levels)
        fate = rng.random(clips)
        alone = rng.random((2, clips))
        lost = torch.tensor(fate < settings.drop_all)
        batch["has_portrait"] = ~lost & torch.tensor(alone[0] >= settings.drop_portrait)
        batch["has_speech"] = ~lost & torch.tensor(alone[1] >= settings.drop_speech)
        steps = rng.integers(0, len(self.alphas), (clips, 1 if settings.motion else settings.frames))
        batch["step"] = torch.tensor(np.broadcast_to(steps, (clips, settings.frames)).copy())
        return batch

    def loss(self, model: Learner, batch: dict[str, Tensor], share: float) -> tuple[Tensor, dict[str, Tensor]]:
        settings = self.settings
        clean = (batch["target"] - batch["reference"][:, None]).transpose(1, 2) / self.anchor_std
        noise = self._noise(clean)
        if settings.noise_offset:
            noise = noise + settings.noise_offset * torch.randn_like(clean[:, :, :1, :1, :1])
        noised = noise_latents(clean, batch["step"], self.alphas.to(clean.device), noise)
        predicted = model(noised.latents, batch["step"], self.told(batch))
        _, face, lip = batch["regions_0"].unbind(1)
        losses = velocity_loss(
            predicted, noised, place_weight(face, lip, settings.face_gain, settings.lip_gain), settings.gamma
        )
        error = (predicted.float().detach() - noised.velocity).square().mean((1, 2))
        return losses.mean(), {"lips": (error * lip).sum() / lip.sum(), "plain": error.mean()}

    def told(self, batch: dict[str, Tensor]) -> Told:
        settings, motion = self.settings, None
        if settings.motion:
            motion = batch["motion"] + settings.motion_noise_std * torch.randn_like(batch["motion"])
        return Told(
            reference=batch["reference"],
            motion=motion,
            speech=batch["speech"] if settings.speech else None,
            identity=batch["identity"],
            regions=tuple(batch[f"regions_{level}"] for level in range(self.levels)),
            rectangle=batch["rectangle"],
            has_portrait=batch["has_portrait"],
            has_speech=batch["has_speech"],
        )

    def _noise(self, clean: Float[Tensor, "b c f h w"]) -> Float[Tensor, "b c f h w"]:
        if self.settings.motion == 0 or self.settings.shared_noise == 0:
            return torch.randn_like(clean)
        generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
        return mixed_noise(tuple(clean.shape), self.settings.shared_noise, generator).to(clean)

    def frames(self, batch: dict[str, Tensor]) -> int:
        return batch["target"].shape[0] * batch["target"].shape[1]

    def sheet(self, model: Learner) -> tuple[np.ndarray | None, dict[str, float]]:
        return self.sheets(model)

    def header(self) -> dict[str, Any]:
        trained = self.settings.model_dump() | {"anchor_std": self.anchor_std}
        return {
            "sizes": asdict(self.sizes),
            "settings": trained,
            "corpus_seed": self.data.corpus_seed,
            "hashes": self.windows.hashes,
        }


def sizes_of(table: dict[str, Any]) -> AnimationSizes:
    """The sizes in a recipe: `preset` names the function that makes them, the rest are its arguments."""
    arguments = {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}
    makers = {"mini": mini_sizes, "hallo2": hallo2_sizes}
    name = arguments.pop("preset", "mini")
    if name not in makers:
        raise SettingsError(f"There are no sizes called '{name}'.", expected=f"one of: {', '.join(makers)}")
    return makers[name](**arguments)


def choose_what_learns(model: torch.nn.Module, settings: StageSettings) -> None:
    """Freeze what the stage does not train: parts that it does not run, and names that `learns` leaves out."""
    for name, parameter in model.named_parameters():
        idle = (".motion." in name and not settings.motion) or ".words." in name
        unheard = not settings.speech and (".audio." in name or name.startswith("speech_projection"))
        wanted = any(name.startswith(start) or f".{start}." in name for start in settings.learns)
        parameter.requires_grad_(wanted and not idle and not unheard)


def build(recipe: Recipe) -> StageTask:
    """The task that a recipe of kind stage1 or stage2 describes."""
    return StageTask(recipe)


def estimate(recipe: Recipe) -> str:
    """What the recipe would train and cost, from networks on the meta device."""
    from longtake.train.stage_estimate import describe

    return describe(recipe)


def collate(examples: list[Example], levels: int) -> dict[str, Tensor]:
    """Examples as a batch of tensors, with the region masks and the locator's rectangle made from the landmarks."""
    batch = {
        name: torch.tensor(np.stack([getattr(example, name) for example in examples]))
        for name in ("reference", "target", "motion", "speech", "identity", "truth")
    }
    side = examples[0].reference.shape[-1]
    sides = [side >> level for level in range(levels)]
    regions = [regions_of(example.landmarks, 16 * side, 16 * side, sides) for example in examples]
    for level in range(levels):
        maps = [np.stack([r.pose[level], r.face[level], r.lip[level]]) for r in regions]
        batch[f"regions_{level}"] = torch.tensor(np.stack(maps))
    rectangles = np.stack([face_picture(r.face_box, 4 * side) for r in regions])
    batch["rectangle"] = torch.tensor(rectangles)[:, None].expand(-1, 3, -1, -1).contiguous()
    return batch


def measure_anchor(windows: Windows, draws: int = 64) -> float:
    """Root mean square of the difference between a frame's latents and its portrait's, over the whole picture."""
    rng = np.random.default_rng(0)
    examples = [windows.single(rng, 4) for _ in range(draws)]
    return float(np.sqrt(np.mean([np.square(e.target - e.reference).mean() for e in examples])))


def _checked(kind: type[Section], values: dict[str, Any]):
    from pydantic import ValidationError

    try:
        return kind(**values)
    except ValidationError as error:
        raise SettingsError(explain(error, kind)) from error
