"""The command `animate`: settings from all their sources, the work under a progress bar, a plain word at the end."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longtake.apps.lines import Lines
from longtake.apps.outcome import say
from longtake.apps.predict import forewarn
from longtake.apps.preview import preview_place
from longtake.apps.progress import progress_bar
from longtake.errors import RunInterrupted
from longtake.presets import Preset
from longtake.presets import preset as preset_named
from longtake.settings import Settings

if TYPE_CHECKING:
    from longtake.animator import Prepared
    from longtake.pace import Progress


@dataclass(frozen=True)
class Told:
    """How a run tells of itself: nothing but errors, JSON lines for programs, frames to look at."""

    quiet: bool = False
    lines: Lines = field(default_factory=lambda: Lines(wanted=False))
    preview: Path | None = None
    preview_every: int | None = None


def animate_file(
    portrait: Path,
    speech: Path,
    out: Path,
    preset: str,
    flags: dict[str, dict[str, Any]],
    config: Path | None,
    assignments: list[str],
    writing: dict[str, bool],
    told: Told,
    weights: Path | None = None,
) -> None:
    """Writes the video; says what is worth knowing about the inputs, how far it is, and what came out.

    `writing` goes to `Animator.animate`: overwrite, restart, keep_journal.
    """
    model = preset_named(preset) if weights is None else replace(preset_named(preset), weights=weights)
    model.expect_weights()
    settings = collect_settings(model.settings, config, assignments, flags)
    from longtake.journal.journal import journal_folder
    from longtake.media.video import check_output

    check_output(out, writing["overwrite"] or journal_folder(out).exists())
    from longtake.animator import Animator, prepare

    preview = preview_place(told.preview, told.preview_every, out)
    ready = prepare(portrait, speech, settings, model)
    warnings = [*ready.warnings, *forewarn(model, settings)]
    if not told.quiet:
        for warning in warnings:
            say(warning)
    told.lines.write("run", **_run_facts(portrait, speech, out, model, settings, ready), warnings=warnings)
    animator = Animator(model, settings=settings)
    started = time.monotonic()
    try:
        with progress_bar(told.quiet) as bar:

            def progress(now: Progress) -> None:
                bar(now)
                seen = preview.show(now) if preview else None
                told.lines.write("segment", **now.plain(), preview=seen)

            animator.animate(ready, out=out, progress=progress, **writing)
    except KeyboardInterrupt as stop:
        raise _stopped(out) from stop
    took = time.monotonic() - started
    told.lines.write("result", out=out, video_s=round(ready.speech.seconds, 3), work_s=round(took, 3))
    if not told.quiet:
        say(f"{out}: {ready.speech.seconds:.2f} s of video in {took:.0f} s")


def _run_facts(
    portrait: Path, speech: Path, out: Path, model: Preset, settings: Settings, ready: Prepared
) -> dict[str, Any]:
    """What a program wants to know before the first segment."""
    from longtake import __version__

    fps = settings.video.fps
    return {
        "longtake": __version__,
        "portrait": portrait,
        "speech": speech,
        "out": out,
        "preset": model.name,
        "seed": settings.sampling.seed,
        "fps": fps,
        "frames_total": ready.speech.frames(fps),
        "total_s": round(ready.speech.seconds, 3),
    }


def collect_settings(
    base: Settings, config: Path | None, assignments: list[str], flags: dict[str, dict[str, Any]]
) -> Settings:
    """The preset's settings under the file, under --set, under the flags."""
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
