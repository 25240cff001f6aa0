"""The loop that makes portrait and voice last: segment after segment, each guided by the corrupted tail of the one before.

Nothing here grows with the length of the speech: what a segment needs from the past is its tail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from longtake.blinks import never
from longtake.clips import Segment, Tail
from longtake.conditions import Heard, PortraitConditions, read_motion, segment_conditions, told_lids
from longtake.decode import decode_frames
from longtake.diffusion.guidance import combine, sample
from longtake.diffusion.noise import common_noise, mixed_noise, segment_generator
from longtake.diffusion.schedule import scheduler
from longtake.models.denoiser import Deep
from longtake.models.reference_net import Features
from longtake.models.told import Conditions, Prepared, PreparedVideo
from longtake.motion import add_noise, drop_patches, motion_frames
from longtake.networks import Networks
from longtake.settings import Settings
from longtake.telling import SegmentWords, Telling

SEGMENT_FRAMES = 16


class Guard(Protocol):
    """Whoever decides how a segment is made from a tail (`drift.Guardian`)."""

    def next(self, segments: Segments, tail: Tail | None) -> tuple[Segment, Tail]: ...


class Segments:
    """Makes the segments of one video, in order; `tail` is all that the next one needs.

    A segment of which the prompts say nothing is made by the same branches as without prompts: to the bit the same.
    """

    def __init__(
        self,
        portrait: PortraitConditions,
        speech: Heard,
        face_box: Tensor,
        networks: Networks,
        settings: Settings,
        tail: Tail | None = None,
        guard: Guard | None = None,
    ) -> None:
        self.portrait, self.speech, self.face_box = portrait, speech, face_box
        self.networks, self.settings = networks, settings
        self.tail, self.guard = tail, guard
        self.telling: Telling | None = None
        self.worded = portrait  # for segments of which the prompts say something: other guidance branches
        self.prepared_video: dict[
            str, PreparedVideo
        ] = {}  # made with the first segment that needs it, the same for all
        self.running = torch.Generator("cpu").manual_seed(settings.sampling.seed)

    def until(self, frames: int) -> Iterator[Segment]:
        """Segments from the tail on until the video has `frames` frames; the last one is cut to fit."""
        while (self.tail.next_frame if self.tail else 0) < frames:
            segment = self.next()
            yield replace(segment, frames=segment.frames[: frames - segment.first_frame])

    def next(self) -> Segment:
        """One segment, made under the eyes of the guard if there is one; afterwards the tail is its own."""
        segment, self.tail = self.guard.next(self, self.tail) if self.guard else self.make(self.tail)
        return segment

    def lids(self, first_frame: int, frames: int) -> Float[np.ndarray, " f"] | None:
        """How closed the model is told that the eyes are, 0 to 1 for each frame; None if it is not told."""
        return told_lids(first_frame, frames, self.portrait, self.networks, self.settings, self._more_blinks())

    def narrowed(self, first_frame: int, frames: int) -> Float[np.ndarray, " f"]:
        """How far the words ask each frame to close its eyes, 0 to 1."""
        words, asked = self._words(), range(first_frame, first_frame + frames)
        return np.array([words.narrowed(frame) for frame in asked]) if words else np.zeros(frames)

    def shown(self) -> UInt8[np.ndarray, "H W 3"]:
        """The portrait as the decoder shows it: what frames can look like at best."""
        return decode_frames(self.portrait.latent, self.networks, 1, tail=1)[0][0]

    @torch.inference_mode()
    def make(self, tail: Tail | None, attempt: int = 0) -> tuple[Segment, Tail]:
        """The segment that follows `tail` (None: the first) and its own tail; nothing is remembered.

        Each `attempt` draws other noise, so that a segment can be done again.
        """
        index, first = (tail.next_segment, tail.next_frame) if tail else (0, 0)
        generator = self._generator(tail, index, attempt)
        words, weights = self._said(first)
        blinks = self._more_blinks()
        portrait = self.worded if words else self.portrait
        motion = self._motion(tail, generator, portrait)
        told = segment_conditions(
            portrait, motion, self.speech, first, SEGMENT_FRAMES, self.networks, self.settings, words, weights, blinks
        )
        noise = self._noise(index, attempt, generator)
        latents = self._denoise(self._prepared(told, portrait), noise, portrait)
        frames, last = decode_frames(
            latents, self.networks, self.settings.run.decode_frames, tail=self.settings.motion.frames
        )
        random = generator.get_state().numpy() if generator is self.running else None
        return Segment(index, first, frames), Tail(last, index + 1, first + SEGMENT_FRAMES, random)

    def _said(self, first: int) -> tuple[SegmentWords | None, Float[Tensor, "f 3"] | None]:
        """What the prompts say of the segment that begins at a frame, and how they weigh the regions."""
        words = self._words()
        weights = self.telling.weights(first, SEGMENT_FRAMES) if self.telling else None
        return (words.tell(first, SEGMENT_FRAMES) if words else None), weights

    def _words(self) -> Telling | None:
        """What tells the words; None where the settings say that none is told."""
        return self.telling if self.settings.words_scale else None

    def _more_blinks(self) -> Callable[[int], float]:
        """How much of the blinking that words can ask for is asked for in a frame."""
        words = self._words()
        return words.blinks if words else never

    def _prepared(self, told: Conditions, portrait: PortraitConditions) -> Prepared:
        denoiser = self.networks.animation.denoiser
        rows = ",".join(f"{branch.portrait:d}{branch.speech:d}" for branch in portrait.branches)
        if rows not in self.prepared_video:
            self.prepared_video[rows] = denoiser.prepare_video(told)
        return denoiser.prepare(told, SEGMENT_FRAMES, self.prepared_video[rows])

    def _generator(self, tail: Tail | None, index: int, attempt: int) -> torch.Generator:
        sampling = self.settings.sampling
        if sampling.generator == "segment" or attempt:
            return segment_generator(sampling.seed, index, attempt)
        if tail is not None and tail.random is not None:
            self.running.set_state(torch.as_tensor(tail.random))
        return self.running

    def _motion(self, tail: Tail | None, generator: torch.Generator, portrait: PortraitConditions) -> Features:
        """Step 3: the tail, patch-dropped in pixels and noised in latents, as the reference net sees it."""
        motion, networks = self.settings.motion, self.networks
        pictures = None if tail is None else torch.as_tensor(tail.pictures).to(self.portrait.picture)
        frames = motion_frames(pictures, self.portrait.picture, motion.frames)
        keep = self.face_box if motion.keep_face else None
        dropped = drop_patches(frames, generator, motion.patch_px, motion.drop_rate, motion.share_mask, keep)
        latents = add_noise(networks.autoencoder.encode(dropped), generator, motion.noise_std)
        return read_motion(latents, portrait, networks, self.settings)

    def _noise(self, segment: int, attempt: int, generator: torch.Generator) -> Float[Tensor, "1 c f h w"]:
        """What a segment starts from; another attempt shares nothing with its neighbours, so that it can really differ."""
        sampling, like = self.settings.sampling, self.portrait.latent
        shape = (1, like.shape[1], SEGMENT_FRAMES, like.shape[2], like.shape[3])
        common = None
        if sampling.shared_noise and sampling.noise_segments > 1 and not attempt:
            common = common_noise(shape, sampling.seed, segment, sampling.noise_segments)
        return mixed_noise(shape, sampling.shared_noise, generator, common).to(like.device)

    def _denoise(
        self, prepared: Prepared, noise: Float[Tensor, "1 c f h w"], portrait: PortraitConditions
    ) -> Float[Tensor, "f c h w"]:
        """Step 4: noise to latents under guidance; as differences from the portrait where the weights say so."""
        sampling, reference, branches = self.settings.sampling, portrait.latent, portrait.branches
        prediction = self.networks.trained.get("prediction", "v")
        steps = scheduler(sampling.scheduler, sampling.steps, sampling.beta_schedule, sampling.zero_snr, prediction)
        guidance = self.settings.guidance
        guided = set(steps.timesteps[guidance.from_step : guidance.to_step].tolist())
        alone = prepared.row(len(branches) - 1)  # told everything, for steps without guidance

        reuse = Reuse(sampling.deep_every)

        def predict(x: Float[Tensor, "1 c f h w"], step: Tensor) -> Float[Tensor, "1 c f h w"]:
            if step.item() in guided:
                rows = x.expand(len(branches), *x.shape[1:])
                return combine(self._denoiser(rows, step, prepared, reuse), branches)
            return self._denoiser(x, step, alone, reuse)

        latents = sample(predict, noise, steps)[0].transpose(0, 1)
        anchor_std = self.networks.anchor_std
        if anchor_std is not None:
            latents = reference.float() + anchor_std * latents
        return latents.to(reference.dtype)

    def _denoiser(
        self, rows: Float[Tensor, "k c f h w"], step: Tensor, told: Prepared, reuse: Reuse
    ) -> Float[Tensor, "k c f h w"]:
        # The step is filled in, not copied: a copy to a GPU would wait for all that is queued there.
        steps = torch.full((rows.shape[0],), step.item(), device=rows.device)
        deep = reuse.deep(rows.shape[0])
        return self.networks.animation.denoiser(rows.to(self.networks.dtype), steps, told, deep).float()


class Reuse:
    """Says what of the coarse levels a step takes from the ones before: nothing at every n-th, nor if the rows are others."""

    def __init__(self, every: int) -> None:
        self.every, self.since, self.rows, self.kept = every, 0, 0, Deep()

    def deep(self, rows: int) -> Deep | None:
        """What the next step of so many rows is given; None: everything is computed and nothing kept."""
        if self.every == 1:
            return None
        if self.since % self.every == 0 or rows != self.rows:
            self.kept, self.since, self.rows = Deep(), 0, rows
        self.since += 1
        return self.kept
