"""The command `animate`: settings from all their sources, the work under a progress bar, a plain word at the end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longtake.apps.lines import Lines
from longtake.apps.outcome import say
from longtake.apps.predict import forewarn
from longtake.apps.preview import preview_place
from longtake.apps.progress import progress_bar
from longtake.clips import Prompts
from longtake.errors import PromptError, RunInterrupted
from longtake.presets import Preset
from longtake.presets import preset as preset_named
from longtake.settings import Settings
from longtake.times import seconds_of

if TYPE_CHECKING:
    from longtake.animator import Animator
    from longtake.inputs import Prepared
    from longtake.pace import Progress, Tell
    from longtake.span import Span


@dataclass(frozen=True)
class Told:
    """How a run tells of itself: nothing but errors, JSON lines for programs, frames to look at."""

    quiet: bool = False
    lines: Lines = field(default_factory=lambda: Lines(wanted=False))
    preview: Path | None = None
    preview_every: int | None = None


@dataclass(frozen=True)
class Wish:
    """What the command line asks for."""

    portrait: Path
    speech: Path
    out: Path
    preset: str
    flags: dict[str, dict[str, Any]]
    config: Path | None
    assignments: list[str]
    weights: Path | None = None
    prompts: Prompts | None = None

    def model(self) -> Preset:
        """The preset, with its weights in their place."""
        model = preset_named(self.preset)
        model = model if self.weights is None else replace(model, weights=self.weights)
        model.expect_weights()
        return model

    def settings(self, base: Settings) -> Settings:
        """The settings of `base` with what is wished laid over them."""
        return collect_settings(base, self.config, self.assignments, self.flags)


CHANGE = "change"  # in the place of a time: from the first changed prompt on
Act = Callable[["Animator", "Prepared", "Tell"], object]


def animate_file(wish: Wish, told: Told, overwrite: bool, restart: bool, keep_journal: bool) -> None:
    """Writes the video; says what is worth knowing about the inputs, how far it is, and what came out."""
    model = wish.model()
    settings = wish.settings(model.settings)
    from longtake.journal.journal import journal_folder
    from longtake.media.video import check_output

    check_output(wish.out, overwrite or journal_folder(wish.out).exists())

    def act(animator: Animator, ready: Prepared, progress: Tell) -> None:
        animator.animate(ready, None, wish.out, overwrite, progress, restart, keep_journal)

    _work(wish, model, settings, told, act)


def animate_span(wish: Wish, told: Told, start: str, stop: str | None, restart: bool) -> None:
    """Makes a stretch of the finished video anew, by its own settings with what is wished laid over them."""
    from longtake.span import find_span

    stop_s = seconds_of(stop) if stop else math.inf
    span = _changed(wish, stop_s) if start == CHANGE else find_span(wish.out, seconds_of(start), stop_s)

    def act(animator: Animator, ready: Prepared, progress: Tell) -> None:
        animator.animate_again(ready, None, span, progress, restart)

    _work(wish, wish.model(), wish.settings(span.settings()), told, act)


def _changed(wish: Wish, stop_s: float) -> Span:
    """The stretch of which something else is said now than when it was made."""
    from longtake.expressing import expressive_cues
    from longtake.prepare import prepare_speech
    from longtake.span import changed_span, find_span

    whole = find_span(wish.out, 0.0, math.inf)
    before, now = whole.settings(), wish.settings(whole.settings())
    wanted = now.performance.auto_expression
    if wish.prompts is None and wanted == before.performance.auto_expression:
        raise PromptError(
            "--from change compares prompts, and none are given.",
            do="give them all with --prompts, or --prompt; or change --auto-expression",
        )
    suggested = ()
    if wanted or before.performance.auto_expression:
        separator = wish.model().separator if now.speech.separate_voice else None
        suggested = expressive_cues(prepare_speech(wish.speech, separator))
    own = whole.prompts() if wish.prompts is None else wish.prompts
    return changed_span(wish.out, own, stop_s, suggested, wanted)


def _work(wish: Wish, model: Preset, settings: Settings, told: Told, act: Act) -> None:
    from longtake.animator import Animator
    from longtake.inputs import prepare

    preview = preview_place(told.preview, told.preview_every, wish.out)
    ready = prepare(wish.portrait, wish.speech, settings, model, wish.prompts)
    warnings = [*ready.warnings, *size_remarks(model, settings, ready), *forewarn(model, settings)]
    if not told.quiet:
        for warning in warnings:
            say(warning)
    told.lines.write("run", **_run_facts(wish, model, settings, ready), warnings=warnings)
    animator = Animator(model, settings=settings)
    doubts = animator.doubts(wish.prompts) if wish.prompts else []
    for doubt in [] if told.quiet else doubts:
        say(doubt)
    started = time.monotonic()
    try:
        with progress_bar(told.quiet) as bar:

            def progress(now: Progress) -> None:
                bar(now)
                seen = preview.show(now) if preview else None
                told.lines.write("segment", **now.plain(), preview=seen)

            act(animator, ready, progress)
    except KeyboardInterrupt as stop:
        raise _stopped(wish.out) from stop
    took = time.monotonic() - started
    told.lines.write("result", out=wish.out, video_s=round(ready.speech.seconds, 3), work_s=round(took, 3))
    if not told.quiet:
        say(f"{wish.out}: {ready.speech.seconds:.2f} s of video in {took:.0f} s")


def size_remarks(model: Preset, settings: Settings, ready: Prepared) -> list[str]:
    """What a person should know of a video that is larger than what is animated, as sentences."""
    from longtake.canvas import canvas_size
    from longtake.media.codecs import encoding_of

    picture, video = ready.picture, settings.video
    height, width = canvas_size(settings, None if picture is None else picture.shape[:2])
    told = list(encoding_of(video, width, height).remarks)
    if picture is not None and video.size_px is None and max(picture.shape) > max(height, width) + 1:
        told.append(f"The picture is larger than a video can be: {width} x {height} are shown of it.")
    larger = max(height, width) > settings.portrait.size_px
    if larger and settings.enhance.what != "background" and not model.enhancer.exists():
        told.append(
            f"{model.name} has no enhancer here: what is animated is enlarged without a network, so it stays soft."
        )
    return told


def _run_facts(wish: Wish, model: Preset, settings: Settings, ready: Prepared) -> dict[str, Any]:
    """What a program wants to know before the first segment."""
    from longtake import __version__

    fps = settings.video.fps
    return {
        "longtake": __version__,
        "portrait": wish.portrait,
        "speech": wish.speech,
        "out": wish.out,
        "preset": model.name,
        "seed": settings.sampling.seed,
        "fps": fps,
        "frames_total": ready.speech.frames(fps),
        "total_s": round(ready.speech.seconds, 3),
    }


def collect_settings(
    base: Settings, config: Path | None, assignments: list[str], flags: dict[str, dict[str, Any]]
) -> Settings:
    """The preset's settings under the file, under --set, under the flags.

    --guidance is for what the preset guides by: a scale that it leaves at 1 was found to harm, and stays.
    """
    scales = flags.get("guidance", {})
    flags = {**flags, "guidance": {name: scale for name, scale in scales.items() if getattr(base.guidance, name) != 1}}
    if config is not None:
        base = Settings.from_toml(config, base)
    return base.apply_set(*assignments).overlay(flags)


def _stopped(out: Path) -> RunInterrupted:
    from longtake.journal.journal import journal_folder
    from longtake.media.video import video_facts

    kept = journal_folder(out) / "video.mp4"
    if not kept.exists():
        return RunInterrupted("Stopped before the first frame; nothing was written.")
    return RunInterrupted(
        f"Stopped. The {video_facts(kept).seconds:.1f} s made so far play: {kept}",
        do="the same command goes on from there; --restart begins anew",
    )
