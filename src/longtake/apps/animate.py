"""The command `animate`: settings from all their sources, the work under a progress bar, a plain word at the end."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from longtake.apps.outcome import say
from longtake.apps.predict import forewarn
from longtake.apps.progress import progress_bar
from longtake.errors import RunInterrupted
from longtake.presets import preset as preset_named
from longtake.settings import Settings


def animate_file(
    portrait: Path,
    speech: Path,
    out: Path,
    preset: str,
    flags: dict[str, dict[str, Any]],
    config: Path | None,
    assignments: list[str],
    overwrite: bool,
    quiet: bool,
    weights: Path | None = None,
) -> None:
    """Writes the video; says what is worth knowing about the inputs, how far it is, and what came out."""
    model = preset_named(preset) if weights is None else replace(preset_named(preset), weights=weights)
    model.expect_weights()
    settings = collect_settings(model.settings, config, assignments, flags)
    from longtake.media.video import check_output

    check_output(out, overwrite)
    from longtake.animator import Animator, prepare

    ready = prepare(portrait, speech, settings, model)
    if not quiet:
        for warning in [*ready.warnings, *forewarn(model, settings)]:
            say(warning)
    animator = Animator(model, settings=settings)
    started = time.monotonic()
    try:
        fps = settings.video.fps
        with progress_bar(ready.speech.frames(fps), fps, quiet) as progress:
            animator.animate(ready, out=out, overwrite=overwrite, progress=progress)
    except KeyboardInterrupt as stop:
        raise _stopped(out, time.monotonic() - started) from stop
    if not quiet:
        say(f"{out}: {ready.speech.seconds:.2f} s of video in {time.monotonic() - started:.0f} s")


def collect_settings(
    base: Settings, config: Path | None, assignments: list[str], flags: dict[str, dict[str, Any]]
) -> Settings:
    """The preset's settings under the file, under --set, under the flags."""
    if config is not None:
        base = Settings.from_toml(config, base)
    return base.apply_set(*assignments).overlay(flags)


def _stopped(out: Path, after_s: float) -> RunInterrupted:
    from longtake.media.video import part_path, video_facts

    kept = part_path(out)
    if not kept.exists() or kept.stat().st_mtime < time.time() - after_s:  # none, or one of an older run
        return RunInterrupted("Stopped before the first frame; nothing was written.")
    return RunInterrupted(f"Stopped. The {video_facts(kept).seconds:.1f} s made so far play: {kept}")
