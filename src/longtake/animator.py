"""The whole flow behind one object: a portrait and a voice in, chunks of frames or a video file out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from longtake.clips import Chunk, Portrait, Speech
from longtake.conditions import read_portrait
from longtake.diffusion.guidance import branches
from longtake.errors import PromptError, SpeechUnreadable
from longtake.face.regions import face_picture
from longtake.media.video import VideoWriter, check_output
from longtake.networks import Networks, load_networks
from longtake.pace import Pace, Tell
from longtake.prepare import prepare_portrait, prepare_prompts, prepare_speech
from longtake.presets import Preset, preset
from longtake.segments import SEGMENT_FRAMES, Segments
from longtake.settings import Settings


@dataclass(frozen=True)
class Prepared:
    """The inputs, read and checked: what is said about them comes before any work."""

    portrait: Portrait
    speech: Speech

    @property
    def warnings(self) -> tuple[str, ...]:
        """Everything that will make the result worse than it could be."""
        return (*self.portrait.warnings, *self.speech.warnings)


class Animator:
    """A loaded model. Make it once, animate many."""

    def __init__(
        self,
        model: str | Preset = "mini",
        device: str | None = None,
        dtype: str | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.preset = preset(model) if isinstance(model, str) else model
        settings = settings or self.preset.settings
        run = {name: value for name, value in (("device", device), ("dtype", dtype)) if value is not None}
        self.settings = settings.overlay({"run": run})
        self.networks: Networks = load_networks(self.preset, self.settings.run)

    def prepare(self, portrait: str | Path, speech: str | Path) -> Prepared:
        """Both inputs, read and checked, without starting the work."""
        return prepare(portrait, speech, self.settings, self.preset)

    def stream(
        self,
        portrait: str | Path | Prepared,
        speech: str | Path | None = None,
        prompts: Iterable[tuple[float, str]] | None = None,
    ) -> Iterator[Chunk]:
        """Chunks of the video in order, each as soon as it is made; memory does not grow with the speech."""
        if prepare_prompts(prompts or ()).texts:
            raise PromptError("This model has no text encoder yet.", do="leave the prompts out")
        ready = portrait if isinstance(portrait, Prepared) else self.prepare(portrait, _given(speech))
        fps = self.settings.video.fps
        for segment in self._segments(ready).until(ready.speech.frames(fps)):
            yield Chunk(segment.frames, segment.first_frame, fps)

    def animate(
        self,
        portrait: str | Path | Prepared,
        speech: str | Path | None = None,
        out: str | Path = "talk.mp4",
        overwrite: bool = False,
        progress: Tell | None = None,
    ) -> Path:
        """The video file of the portrait speaking, with its sound; partial work stays playable if it is stopped."""
        check_output(out, overwrite)
        ready = portrait if isinstance(portrait, Prepared) else self.prepare(portrait, _given(speech))
        fps = self.settings.video.fps
        pace = Pace(ready.speech.frames(fps), fps, SEGMENT_FRAMES)
        with VideoWriter(out, ready.speech, self.settings.video, self.made_by(), overwrite) as writer:
            for chunk in self.stream(ready):
                writer.write(chunk.frames)
                if progress:
                    progress(pace.tell(chunk))
        return Path(out)

    def made_by(self) -> dict[str, Any]:
        """What every output records about its making."""
        return {
            "preset": self.preset.name,
            "seed": self.settings.sampling.seed,
            "settings": self.settings.model_dump(exclude={"run"}),
            "weights": self.networks.hashes,
        }

    def _segments(self, ready: Prepared) -> Segments:
        guidance = self.settings.guidance
        told = branches(guidance.portrait, guidance.speech, guidance.words)
        portrait = read_portrait(ready.portrait, self.networks, told, self.settings)
        box = face_picture(ready.portrait.regions.face_box, self.settings.portrait.size_px) > 0
        face_box = torch.as_tensor(box, device=self.networks.device)
        heard = self.networks.listen(ready.speech)
        return Segments(portrait, heard, face_box, self.networks, self.settings)


def animate(portrait: str | Path, speech: str | Path, out: str | Path = "talk.mp4", **options: Any) -> Path:
    """The video file of the portrait speaking. `options`: preset, device, dtype, settings, overwrite, progress."""
    writing = {name: options.pop(name) for name in ("overwrite", "progress") if name in options}
    return Animator(options.pop("preset", "mini"), **options).animate(portrait, speech, out, **writing)


def prepare(portrait: str | Path, speech: str | Path, settings: Settings, model: Preset) -> Prepared:
    """Both inputs, read and checked before the networks of the preset are loaded, so that bad input is told at once."""
    heard = prepare_speech(speech, model.separator if settings.speech.separate_voice else None)
    if heard.frames(settings.video.fps) == 0:
        raise SpeechUnreadable(
            f"The sound in '{speech}' lasts only {heard.seconds:.3f} s: not one frame at {settings.video.fps} fps.",
            do="give a longer sound, or raise video.fps",
        )
    return Prepared(prepare_portrait(portrait, settings.portrait, model), heard)


def _given(speech: str | Path | None) -> str | Path:
    if speech is None:
        raise TypeError("stream() and animate() need a speech file beside the portrait")
    return speech
