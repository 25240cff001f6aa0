"""Step 2 of the flow: portrait and speech become what the denoiser is told.

What belongs to the portrait is made once per video, what belongs to a stretch of speech once per segment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from longtake.blinks import closure, never
from longtake.clips import Portrait, Regions
from longtake.diffusion.guidance import Branch
from longtake.face.regions import face_picture
from longtake.media.pixels import as_pictures
from longtake.models.pairing import context_rows, frame_reads
from longtake.models.projectors import with_lids
from longtake.models.reference_net import Features
from longtake.models.told import Conditions
from longtake.networks import Networks
from longtake.settings import Settings
from longtake.telling import SegmentWords

MotionRead = Literal["whole", "difference"]


class Heard(Protocol):
    """Features of a sound: those of `window` neighbouring frames for each of `frames` frames."""

    def windows(self, first_frame: int, frames: int, fps: float, window: int) -> Float[Tensor, "f window layers d"]: ...


@dataclass(frozen=True)
class PortraitConditions:
    """All that the portrait says, for each guidance branch (row k belongs to branch k)."""

    branches: list[Branch]
    picture: Float[Tensor, "3 H W"]
    latent: Float[Tensor, "1 c h w"]
    identity: Float[Tensor, "k t d"]
    reference: Features  # per place "k l c"
    regions: tuple[Float[Tensor, "k 3 h w"], ...]
    locator: Float[Tensor, "k 1 c_first h w"]
    rectangle: Float[Tensor, "1 3 side side"]  # what the locator reads
    eyes: Float[Tensor, "1 side side"] | None


@torch.inference_mode()
def read_portrait(
    portrait: Portrait, networks: Networks, branches: list[Branch], settings: Settings
) -> PortraitConditions:
    """What the portrait tells every segment of the video: the reference net reads it here, once."""
    picture = as_pictures(portrait.picture[None])[0].to(networks.device, networks.dtype)
    return read_picture(picture, portrait.identity, portrait.regions, networks, branches, settings)


@torch.inference_mode()
def read_picture(
    picture: Float[Tensor, "3 H W"],
    embedding: Float[np.ndarray, " d"],
    regions: Regions,
    networks: Networks,
    branches: list[Branch],
    settings: Settings,
) -> PortraitConditions:
    """The same from a picture in [-1, 1] and what was measured on it."""
    animation, told = networks.animation, torch.tensor([branch.portrait for branch in branches])
    latent = networks.autoencoder.encode(picture[None])
    identity = animation.identity_projection(torch.as_tensor(embedding).to(latent) * told[:, None].to(latent))
    contexts = _contexts(identity, 1 + settings.motion.frames, settings)
    side = latent.shape[-1] * animation.locator.sizes.factor
    rectangle = torch.as_tensor(face_picture(regions.face_box, side)).to(latent).expand(1, 3, -1, -1)
    maps = zip(regions.pose, regions.face, regions.lip, strict=True)
    return PortraitConditions(
        branches=branches,
        picture=picture,
        latent=latent,
        identity=identity,
        reference=_handed_on(
            animation.reference_net(latent.expand(len(branches), -1, -1, -1), contexts[:, 0]), settings
        ),
        regions=tuple(torch.as_tensor(np.stack(level)).to(latent).expand(len(branches), -1, -1, -1) for level in maps),
        locator=_located(rectangle[None], latent, networks, branches),
        rectangle=rectangle,
        eyes=None if regions.eyes is None else torch.as_tensor(face_picture(regions.eyes, side)).to(latent)[None],
    )


@torch.inference_mode()
def read_motion(
    motion: Float[Tensor, "n c h w"], portrait: PortraitConditions, networks: Networks, settings: Settings
) -> Features:
    """The reference net's features of the (corrupted) motion frames, for each branch: per place "k n l c"."""
    motion = as_read(motion, portrait.latent, networks.trained.get("motion_read", "whole"), networks.anchor_std)
    branches, n = len(portrait.branches), motion.shape[0]
    contexts = _contexts(portrait.identity, 1 + n, settings)[:, 1:].flatten(0, 1)
    features = _handed_on(networks.animation.reference_net(motion.repeat(branches, 1, 1, 1), contexts), settings)
    return {name: x.unflatten(0, (branches, n)) for name, x in features.items()}


def as_read(
    motion: Float[Tensor, "*n c h w"],
    portrait: Float[Tensor, "*one c h w"],
    motion_read: MotionRead,
    anchor_std: float | None,
) -> Float[Tensor, "*n c h w"]:
    """Latents of motion frames as the reference net reads them: whole, or as what is denoised, differences from the portrait."""
    if motion_read == "whole" or anchor_std is None:
        return motion
    return (motion - portrait) / anchor_std


@torch.inference_mode()
def segment_conditions(
    portrait: PortraitConditions,
    motion: Features | None,
    speech: Heard,
    first_frame: int,
    frames: int,
    networks: Networks,
    settings: Settings,
    words: SegmentWords | None = None,
    region_weights: Float[Tensor, "f 3"] | None = None,
    more_blinks: Callable[[int], float] = never,
) -> Conditions:
    """What the denoiser is told about one segment, a row for each guidance branch.

    `region_weights` of each frame (pose, face, lip) are times those of the settings; `more_blinks` as `blinks.closure` asks.
    """
    branches = portrait.branches
    rows, usual = len(branches), settings.region_weights
    window = networks.animation.speech_projection.sizes.window
    heard = speech.windows(first_frame, frames, settings.video.fps, window)
    tokens = networks.animation.speech_projection(heard[None].to(portrait.latent))
    published = settings.reference.pairing == "published"
    said = words and _said(words, branches, tokens)
    return Conditions(
        identity=portrait.identity,
        regions=portrait.regions,
        reference=portrait.reference,
        reads=frame_reads(rows, frames, "published", portrait.latent.device) if published else None,
        has_reference=torch.tensor([branch.portrait for branch in branches]),
        motion=motion,
        speech=tokens.expand(rows, -1, -1, -1),
        has_speech=torch.tensor([branch.speech for branch in branches]),
        locator=_locator(first_frame, frames, portrait, networks, settings, more_blinks),
        region_weights=usual,
        frame_weights=None if region_weights is None else region_weights * torch.tensor(usual),
        words=said and said[0],
        words_strength=said and said[1],
        has_words=torch.tensor([branch.words or branch.negative for branch in branches]),
    )


def _said(
    words: SegmentWords, branches: list[Branch], like: Tensor
) -> tuple[Float[Tensor, "k f d"], Float[Tensor, "k f"]]:
    """Embeddings and their strength for each branch: the words, the negative ones, or nothing."""
    rows = [
        (words.words, words.strength)
        if branch.words
        else (words.negative, words.negative_strength * float(branch.negative))
        for branch in branches
    ]
    return torch.stack([row for row, _ in rows]).to(like), torch.stack([strength for _, strength in rows]).to(like)


def with_branches(portrait: PortraitConditions, branches: list[Branch]) -> PortraitConditions | None:
    """The same for branches that are told as much of the portrait, row by row; None: it must be read for them."""
    same = [branch.portrait for branch in portrait.branches] == [branch.portrait for branch in branches]
    return replace(portrait, branches=branches) if same else None


def _locator(
    first_frame: int,
    frames: int,
    portrait: PortraitConditions,
    networks: Networks,
    settings: Settings,
    more_blinks: Callable[[int], float],
) -> Float[Tensor, "k f_or_1 c h w"]:
    """Where the face is; for a model that was told so in training, with the lids of each frame."""
    closed = told_lids(first_frame, frames, portrait, networks, settings, more_blinks)
    if closed is None or portrait.eyes is None:
        return portrait.locator
    pictures = with_lids(portrait.rectangle, portrait.eyes, torch.as_tensor(closed).to(portrait.rectangle)[None])
    return _located(pictures, portrait.latent, networks, portrait.branches)


def _located(
    pictures: Float[Tensor, "1 f 3 side side"],
    latent: Float[Tensor, "1 c h w"],
    networks: Networks,
    branches: list[Branch],
) -> Float[Tensor, "k f c_first h w"]:
    """Where the face is in each picture, and what is there in the portrait; nothing for a branch without a portrait."""
    told = torch.tensor([branch.portrait for branch in branches]).to(pictures)
    return networks.animation.located(pictures, latent) * told[:, None, None, None, None]


def told_lids(
    first_frame: int,
    frames: int,
    portrait: PortraitConditions,
    networks: Networks,
    settings: Settings,
    more_blinks: Callable[[int], float] = never,
) -> Float[np.ndarray, " f"] | None:
    """How closed the eyes of each frame are told to be, 0 to 1; None for a model that was not told so in training."""
    if portrait.eyes is None or not networks.trained.get("lids"):
        return None
    usual, seed = settings.eyes.blinks_per_minute, settings.sampling.seed
    return closure(first_frame, frames, settings.video.fps, usual, seed, more_blinks)


def _handed_on(features: Features, settings: Settings) -> Features:
    """The features as the denoiser gets them: rounded to float16 where the weights were used that way."""
    if settings.reference.bank == "as made":
        return features
    return {name: x.half().to(x.dtype) for name, x in features.items()}


def _contexts(identity: Float[Tensor, "k t d"], rows: int, settings: Settings) -> Float[Tensor, "k rows t d"]:
    return context_rows(identity, rows, settings.reference.pairing).unflatten(0, (-1, rows))
