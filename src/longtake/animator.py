"""The whole flow behind one object: a portrait and a voice in, chunks of frames or a video file out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from longtake.clips import Chunk, Portrait, Segment, Speech, Tail
from longtake.conditions import read_portrait
from longtake.diffusion.guidance import branches
from longtake.drift import Guardian
from longtake.errors import PromptError, SpeechUnreadable
from longtake.face.regions import face_picture
from longtake.journal.journal import Journal
from longtake.journal.plan import Plan, expect_inputs, made_by, plan
from longtake.media.video import VideoWriter, check_place
from longtake.networks import Networks, devices, load_networks
from longtake.pace import Tell
from longtake.parallel import ParallelSegments, check_strategy, step_of
from longtake.prepare import prepare_portrait, prepare_prompts, prepare_speech
from longtake.presets import Preset, preset
from longtake.render import render
from longtake.segments import Segments
from longtake.settings import Settings
from longtake.span import Span, SpanWriter


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
        parallel = self.settings.sampling.strategy == "parallel"
        if parallel:
            check_strategy(self.settings)
        self.networks: Networks = load_networks(self.preset, self.settings.run)
        self.others = [load_networks(self.preset, run) for run in devices(self.settings.run)[1:]] if parallel else []

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
            yield Chunk(segment.frames, segment.first_frame, fps, segment.notes)

    def animate(
        self,
        portrait: str | Path | Prepared,
        speech: str | Path | None = None,
        out: str | Path = "talk.mp4",
        overwrite: bool = False,
        progress: Tell | None = None,
        restart: bool = False,
        keep_journal: bool = False,
    ) -> Path:
        """The video file of the portrait speaking, with its sound.

        What is made is recorded segment by segment in the folder `OUT.longtake`. Stopped or killed, the same call goes on
        from there and ends with the same video; `restart` begins anew, `keep_journal` keeps the records afterwards.
        """
        check_place(out)
        ready = portrait if isinstance(portrait, Prepared) else self.prepare(portrait, _given(speech))
        with Journal(out, self.plan(ready), restart) as journal:
            if not journal.published:
                video = self.settings.video
                begun = {"part": journal.video, "frames": journal.frames, "size": journal.size}
                with VideoWriter(out, ready.speech, video, made_by(journal.plan), overwrite, **begun) as writer:
                    self._render(ready, journal.tail, writer, journal, progress)
            journal.finish(keep_journal)
        return Path(out)

    def animate_again(
        self,
        portrait: str | Path | Prepared,
        speech: str | Path | None,
        span: Span,
        progress: Tell | None = None,
        restart: bool = False,
    ) -> Path:
        """The finished video with a stretch of it made anew by the settings of this animator, in its place.

        Portrait and speech must be those that the video was made from. It can be stopped and gone on with like any run.
        """
        ready = portrait if isinstance(portrait, Prepared) else self.prepare(portrait, _given(speech))
        whole = self.plan(ready)
        plan = whole | {"first_frame": span.first, "frames": span.stop, "again": span.note(made_by(whole))}
        expect_inputs(span.made_by, plan, span.video)
        with Journal(span.video, plan, restart) as journal:
            if not journal.published:
                begun = {"part": journal.video, "frames": journal.frames, "size": journal.size}
                told = span.made_by | {"again": [*span.made_by.get("again", []), plan["again"]]}
                with SpanWriter(span, span.video, ready.speech, span.settings().video, told, **begun) as writer:
                    tail = journal.tail or span.tail(self.settings.motion.frames)
                    self._render(ready, tail, writer, journal, progress, span.faded)
            journal.finish()
        return span.video

    def _render(
        self,
        ready: Prepared,
        tail: Tail | None,
        writer: VideoWriter,
        journal: Journal,
        progress: Tell | None,
        change: Callable[[Iterator[Segment]], Iterator[Segment]] = iter,
    ) -> None:
        """Makes, writes and records the segments that the journal has not got yet."""
        if not journal.complete:
            loop = self._segments(ready, tail)
            render(change(loop.until(journal.plan["frames"])), loop, writer, journal, step_of(self.settings), progress)

    def plan(self, ready: Prepared) -> Plan:
        """What a run with these inputs is: a journal of another plan is not gone on with."""
        frames = ready.speech.frames(self.settings.video.fps)
        run = self.settings.run.model_dump() | {
            "device": self.networks.device.type,
            "dtype": str(self.networks.dtype).removeprefix("torch."),
        }
        making = {
            "preset": self.preset.name,
            "seed": self.settings.sampling.seed,
            "settings": self.settings.model_dump(exclude={"run"}),
            "weights": self.networks.hashes,
        }
        return plan(ready.portrait, ready.speech, making, frames, run)

    def _segments(self, ready: Prepared, tail: Tail | None = None) -> Segments | ParallelSegments:
        if self.settings.sampling.strategy == "incremental":
            return self._hand(ready, self.networks, tail, Guardian(ready.portrait, self.settings))
        hands = [self._hand(ready, each) for each in (self.networks, *self.others)]
        return ParallelSegments(hands, self.settings, tail)

    def _hand(
        self, ready: Prepared, networks: Networks, tail: Tail | None = None, guard: Guardian | None = None
    ) -> Segments:
        """What makes the segments of this video on one device."""
        guidance = self.settings.guidance
        told = branches(guidance.portrait, guidance.speech, guidance.words)
        portrait = read_portrait(ready.portrait, networks, told, self.settings)
        box = face_picture(ready.portrait.regions.face_box, self.settings.portrait.size_px) > 0
        face_box = torch.as_tensor(box, device=networks.device)
        return Segments(portrait, networks.listen(ready.speech), face_box, networks, self.settings, tail, guard)


def animate(portrait: str | Path, speech: str | Path, out: str | Path = "talk.mp4", **options: Any) -> Path:
    """The video file of the portrait speaking. `options`: preset, device, dtype, settings, and those of Animator.animate."""
    names = ("overwrite", "progress", "restart", "keep_journal")
    writing = {name: options.pop(name) for name in names if name in options}
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
