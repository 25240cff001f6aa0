"""The whole flow behind one object: a portrait and a voice in, chunks of frames or a video file out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from longtake.canvas import Canvas, canvas_size
from longtake.clips import Chunk, Prompts, Tail
from longtake.conditions import read_portrait, with_branches
from longtake.drift import Guardian
from longtake.enlarging import Enlarging
from longtake.face.regions import face_picture
from longtake.inputs import Prepared, prepare, said, with_suggestions
from longtake.journal.journal import Journal
from longtake.journal.plan import Plan, expect_inputs, made_by, plan
from longtake.media.video import VideoWriter, check_place
from longtake.networks import Networks, devices, load_background, load_enhancer, load_networks
from longtake.pace import Tell
from longtake.parallel import ParallelSegments, check_strategy, step_of
from longtake.presets import Preset, preset
from longtake.prompts import Given, plain, prompts_of
from longtake.render import render
from longtake.restoration import enlarge_with, restore_with
from longtake.segments import Segments
from longtake.settings import Settings
from longtake.span import Span, SpanWriter
from longtake.telling import Telling, expect_words, told_branches, unknown_words
from longtake.weights.files import short_hash


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

    def prepare(self, portrait: str | Path, speech: str | Path, prompts: Given = None) -> Prepared:
        """The inputs, read and checked, without starting the work."""
        told = None if prompts is None else prompts_of(prompts)
        return prepare(portrait, speech, self.settings, self.preset, told)

    def stream(
        self, portrait: str | Path | Prepared, speech: str | Path | None = None, prompts: Given = None
    ) -> Iterator[Chunk]:
        """Chunks of the video in order, each as soon as it is made; memory does not grow with the speech.

        `prompts`: one text, cues as `(12.5, "laughing")` or `longtake.Cue`, or the path of a file of them.
        """
        ready = self._ready(portrait, speech, prompts)
        fps = self.settings.video.fps
        total, loop = ready.speech.frames(fps), self._segments(ready)
        enlarging = self._enlarging(ready, loop)
        for segment in loop.until(total):
            assert loop.tail is not None
            sent = enlarging.take(segment, loop.tail, segment.first_frame + len(segment.frames) == total)
            for place, pictures in sent.parts():
                yield Chunk(pictures, place, fps, segment.notes)

    def animate(
        self,
        portrait: str | Path | Prepared,
        speech: str | Path | None = None,
        out: str | Path = "talk.mp4",
        overwrite: bool = False,
        progress: Tell | None = None,
        restart: bool = False,
        keep_journal: bool = False,
        prompts: Given = None,
    ) -> Path:
        """The video file of the portrait speaking, with its sound; `prompts` as `stream` takes them.

        What is made is recorded segment by segment in the folder `OUT.longtake`. Stopped or killed, the same call goes on
        from there and ends with the same video; `restart` begins anew, `keep_journal` keeps the records afterwards.
        """
        check_place(out)
        ready = self._ready(portrait, speech, prompts)
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
        prompts: Given = None,
    ) -> Path:
        """The finished video with a stretch of it made anew by the settings of this animator, in its place.

        Portrait and speech must be those that the video was made from; without `prompts`, so are those. It can be stopped
        and gone on with like any run.
        """
        ready = self._ready(portrait, speech, prompts, span.prompts())
        span.expect_size(self._size(ready))
        whole = self.plan(ready)
        plan = whole | {"first_frame": span.first, "frames": span.stop, "again": span.note(made_by(whole))}
        expect_inputs(span.made_by, plan, span.video)
        with Journal(span.video, plan, restart) as journal:
            if not journal.published:
                begun = {"part": journal.video, "frames": journal.frames, "size": journal.size}
                told = span.made_by | {"again": [*span.made_by.get("again", []), plan["again"]]}
                with SpanWriter(span, span.video, ready.speech, span.settings().video, told, **begun) as writer:
                    self._render(ready, journal.tail, writer, journal, progress, span)
            journal.finish()
        return span.video

    def _render(
        self,
        ready: Prepared,
        tail: Tail | None,
        writer: VideoWriter,
        journal: Journal,
        progress: Tell | None,
        span: Span | None = None,
    ) -> None:
        """Makes, writes and records the segments that the journal has not got yet."""
        if journal.complete:
            return
        loop = self._segments(ready, tail)
        enlarging = self._enlarging(ready, loop, tail)
        if span and tail is None:
            loop.tail = span.tail(self.settings.motion.frames, enlarging.canvas.seen)
        change = {"change": span.faded} if span else {}
        made, step = loop.until(journal.plan["frames"]), step_of(self.settings)
        render(made, loop, enlarging, writer, journal, step, said(ready, self.settings), progress, **change)

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
            "weights": self.networks.hashes | {name: short_hash(path) for name, path in self._enlargers(ready).items()},
        }
        prompts = plain(ready.prompts or Prompts())
        return plan(ready.portrait, ready.speech, making, frames, run, prompts, ready.picture)

    def doubts(self, prompts: Prompts) -> list[str]:
        """What these networks will not understand of the prompts; raises where they understand nothing."""
        expect_words(self.networks, prompts, self.preset.name)
        return list(unknown_words(prompts, self.networks.words)) if self.networks.words else []

    def _ready(
        self,
        portrait: str | Path | Prepared,
        speech: str | Path | None,
        prompts: Given,
        otherwise: Prompts | None = None,
    ) -> Prepared:
        """The inputs, read and checked: prompts that these networks can't follow are refused before any work."""
        ready = portrait if isinstance(portrait, Prepared) else self.prepare(portrait, _given(speech))
        told = ready.prompts if prompts is None else prompts_of(prompts)
        ready = replace(ready, prompts=told or otherwise or Prompts())
        ready = with_suggestions(ready, self.settings)
        expect_words(self.networks, said(ready, self.settings).prompts, self.preset.name)
        return ready

    def _size(self, ready: Prepared) -> tuple[int, int]:
        return canvas_size(self.settings, None if ready.picture is None else ready.picture.shape[:2])

    def _enlargers(self, ready: Prepared) -> dict[str, Path]:
        """The weights of what restores faces and of what enlarges the rest, as far as this video wants them."""
        enhance, found = self.settings.enhance, {}
        enlarged = ready.picture is not None or max(self._size(ready)) > self.settings.portrait.size_px
        if enlarged and enhance.what != "background" and self.preset.enhancer.exists():
            found["enhancer"] = self.preset.enhancer
        if ready.picture is not None and enhance.background == "network":
            self.preset.expect_background()
            found["background"] = self.preset.background
        return found

    def _enlarging(self, ready: Prepared, loop: Segments | ParallelSegments, tail: Tail | None = None) -> Enlarging:
        """What makes the pictures of the video out of animated frames."""
        settings, paths = self.settings, self._enlargers(ready)
        restore = larger = None
        if "enhancer" in paths:
            restore = restore_with(load_enhancer(paths["enhancer"], settings.run), settings.enhance)
        if "background" in paths:
            larger = enlarge_with(load_background(paths["background"], settings.run), settings.enhance)
        shown = None if ready.picture is None else loop.shown()
        canvas = Canvas(ready.portrait, ready.picture, settings, shown, larger)
        return Enlarging(canvas, restore, settings.enhance, tail)

    def _segments(self, ready: Prepared, tail: Tail | None = None) -> Segments | ParallelSegments:
        if self.settings.sampling.strategy == "incremental":
            return self._hand(ready, self.networks, tail, Guardian(ready.portrait, self.settings))
        hands = [self._hand(ready, each) for each in (self.networks, *self.others)]
        return ParallelSegments(hands, self.settings, tail)

    def _hand(
        self, ready: Prepared, networks: Networks, tail: Tail | None = None, guard: Guardian | None = None
    ) -> Segments:
        """What makes the segments of this video on one device."""
        track = said(ready, self.settings)
        portrait = read_portrait(ready.portrait, networks, told_branches(self.settings), self.settings)
        box = face_picture(ready.portrait.regions.face_box, self.settings.portrait.size_px) > 0
        face_box = torch.as_tensor(box, device=networks.device)
        heard = networks.listen(ready.speech)
        made = Segments(portrait, heard, face_box, networks, self.settings, tail, guard)
        if track.prompts.cues or track.prompts.negative:
            made.telling = Telling(track, networks.words)
            told = told_branches(self.settings, track.prompts)
            made.worded = with_branches(portrait, told) or read_portrait(ready.portrait, networks, told, self.settings)
        return made


def animate(portrait: str | Path, speech: str | Path, out: str | Path = "talk.mp4", **options: Any) -> Path:
    """The video file of the portrait speaking. `options`: preset, device, dtype, settings, and those of Animator.animate."""
    names = ("overwrite", "progress", "restart", "keep_journal", "prompts")
    writing = {name: options.pop(name) for name in names if name in options}
    return Animator(options.pop("preset", "mini"), **options).animate(portrait, speech, out, **writing)


def _given(speech: str | Path | None) -> str | Path:
    if speech is None:
        raise TypeError("stream() and animate() need a speech file beside the portrait")
    return speech
