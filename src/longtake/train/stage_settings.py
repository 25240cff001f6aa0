"""What a stage recipe says: what is shown, how errors weigh, which networks learn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from pydantic import Field

from longtake.conditions import MotionRead
from longtake.corpus.windows import Corrupted
from longtake.diffusion.schedule import BetaSchedule, Prediction
from longtake.errors import SettingsError
from longtake.models.animation import AnimationSizes, hallo2_sizes, mini_sizes
from longtake.train.recipe import Part, Recipe, make_sizes
from longtake.weights import files
from longtake.weights.words import is_norm


class StageSettings(Part):
    """What a stage shows and how it weighs errors."""

    clips: int = Field(default=4, ge=1, description="clips in a batch")
    frames: int = Field(default=8, ge=1, description="frames of each")
    motion: int = Field(default=0, ge=0, description="motion frames; 0 = unrelated frames, stage 1")
    start_rate: float = Field(default=0.1, ge=0, le=1, description="share of segments that start their video")
    blink_rate: float = Field(
        default=0.0, ge=0, le=1, description="share of segments drawn among those in which somebody blinks"
    )
    turn_rate: float = Field(
        default=0.0, ge=0, le=1, description="share of segments drawn among those in which a new state begins"
    )
    calm_rate: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share of segments whose portrait and motion frames are those of the calm twin, where data.calm has one",
    )
    motion_read: MotionRead = Field(
        default="whole",
        description="how the reference net reads motion frames: as whole pictures, or as differences from the portrait",
    )
    motion_noise_std: float = Field(default=0.1, ge=0, description="sigma of the noise on the latents of motion frames")
    corrupted: Corrupted = Field(
        default="motion",
        description="what has dropped patches and noise: the motion frames, or for comparison the portrait",
    )
    prediction: Prediction = Field(
        default="v", description="what the denoiser says: the velocity, or the clean latents"
    )
    shared_noise: float = Field(
        default=0.0, ge=0, le=1, description="share of the noise that the frames of a segment have in common"
    )
    gamma: float = Field(default=5.0, gt=0, description="min-SNR gamma")
    noisy_rate: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share of segments drawn from the noisiest third of the steps, where only what is told can help",
    )
    face_gain: float = Field(default=1.0, ge=0, description="extra weight of the face region")
    lip_gain: float = Field(default=4.0, ge=0, description="extra weight of the lip region")
    eye_gain: float = Field(default=0.0, ge=0, description="extra weight of the eyes: blinks are short and small")
    change_gain: float = Field(
        default=0.0, ge=0, description="weight of errors in the change from frame to frame, beside those of the frames"
    )
    border_gain: float = Field(
        default=0.0, ge=0, description="how often the change from the last motion frame counts among those changes"
    )
    drop_all: float = Field(default=0.05, ge=0, le=1, description="rows told neither portrait nor speech")
    drop_portrait: float = Field(default=0.0, ge=0, le=1, description="rows that lose the portrait alone")
    drop_speech: float = Field(default=0.05, ge=0, le=1, description="rows that lose the speech alone")
    words: bool = Field(default=False, description="whether the states of the frames are said in words")
    drop_words: float = Field(default=0.05, ge=0, le=1, description="rows that lose the words alone (paper: 0.05)")
    beta_schedule: BetaSchedule = "linear"
    anchor_std: float | None = Field(
        default=None, gt=0, description="scale of the difference from the portrait; None: measured"
    )
    speech: bool = Field(default=True, description="whether speech is heard in this stage")
    noise_offset: float = Field(
        default=0.0, ge=0, description="extra noise that is the same over the whole picture, per channel"
    )
    lids: bool = Field(default=False, description="whether the denoiser is told how closed the eyes are")
    learns: list[str] = Field(
        default=[""], description="beginnings of the names of what learns; the empty one is everything"
    )


class Data(Part):
    windows: list[Path] = Field(description="folders that `longtake corpus prepare` wrote")
    calm: list[Path] = Field(
        default_factory=list, description="the same of twins without expressions (`longtake corpus make --calm`)"
    )
    autoencoder: Path | None = Field(default=None, description="weights that decode the sheets")
    words: str | None = Field(
        default=None, description="word encoder: a weight file, a folder with CLIP, or the id of a sentence encoder"
    )
    norms: Path | None = Field(default=None, description="word norms to go on from; None: they begin anew")
    corpus_seed: int = 0


TAKEN = (
    "prediction",
    "lids",
    "beta_schedule",
    "motion_read",
    "anchor_std",
    "motion",
    "motion_noise_std",
    "shared_noise",
)
"""What word norms take over from the animation they are trained in, where their recipe does not say it."""


def settings_of(recipe: Recipe) -> StageSettings:
    """The [task] of a recipe. One of kind `words` tells words and trains word norms alone, unless it says otherwise."""
    if recipe.kind != "words":
        return StageSettings.checked(recipe.task)
    trained = _start(recipe).get("settings", {})
    taken = {name: trained[name] for name in TAKEN if name in trained}
    return StageSettings.checked({"words": True, "learns": ["words", "word_filter"], **taken, **recipe.task})


def sizes_for(recipe: Recipe) -> AnimationSizes:
    """The sizes that a recipe describes; of one of kind `words`, those of the weights it starts from, with its width of words."""
    header = _start(recipe) if recipe.kind == "words" else {}
    if not header or recipe.run.start is None:
        return sizes_of(recipe.sizes)
    sizes = files.sizes(recipe.run.start, header, AnimationSizes)
    words = recipe.sizes.get("words", sizes.denoiser.words)
    narrow = recipe.sizes.get("word_filter", sizes.denoiser.filter)
    return replace(sizes, denoiser=replace(sizes.denoiser, words=words, filter=narrow))


def _start(recipe: Recipe) -> dict[str, Any]:
    """The header of the weights that a recipe starts from; empty if they are not here."""
    return files.about(recipe.run.start) if recipe.run.start and recipe.run.start.exists() else {}


def sizes_of(table: dict[str, Any]) -> AnimationSizes:
    """The sizes in a recipe: `preset` names the function that makes them, the rest are its arguments."""
    makers = {"mini": mini_sizes, "hallo2": hallo2_sizes}
    name = table.get("preset", "mini")
    if name not in makers:
        raise SettingsError(f"There are no sizes called '{name}'.", expected=f"one of: {', '.join(makers)}")
    return make_sizes(makers[name], {key: value for key, value in table.items() if key != "preset"})


def choose_what_learns(model: torch.nn.Module, settings: StageSettings) -> None:
    """Freeze what the stage does not train: parts that it does not run, and names that `learns` leaves out."""
    for name, parameter in model.named_parameters():
        idle = (".motion." in name and not settings.motion) or (is_norm(name) and not settings.words)
        unheard = not settings.speech and (".audio." in name or name.startswith("speech_projection"))
        wanted = any(name.startswith(start) or f".{start}." in name for start in settings.learns)
        parameter.requires_grad_(wanted and not idle and not unheard)
