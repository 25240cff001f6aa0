"""The command `animate`: settings from all their sources, the work under a progress bar, a plain word at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from longtake.apps.outcome import say
from longtake.errors import RunInterrupted
from longtake.presets import preset as preset_named
from longtake.settings import Settings

Progress = Callable[[int, int], None]  # frames done, frames in all


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
) -> None:
    """Writes the video; says what is worth knowing about the inputs, how far it is, and what came out."""
    settings = collect_settings(preset_named(preset).settings, config, assignments, flags)
    from longtake.media.video import check_output

    check_output(out, overwrite)
    from longtake.animator import Animator, prepare

    ready = prepare(portrait, speech, settings)
    if not quiet:
        for warning in ready.warnings:
            say(warning)
    animator = Animator(preset, settings=settings)
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


@contextmanager
def progress_bar(total: int, fps: int, quiet: bool) -> Iterator[Progress | None]:
    """A function to be told the frames done; draws segments, seconds of video and the time left on the error stream."""
    if quiet:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("segment {task.fields[segment]}/{task.fields[segments]}"),
        BarColumn(),
        TextColumn("{task.fields[done_s]:.1f} of {task.fields[total_s]:.1f} s of video"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=total, segment=0, segments="?", done_s=0.0, total_s=total / fps)
        segment = 0

        def progress(done: int, total: int) -> None:
            nonlocal segment
            segment += 1
            size = max(done // segment, 1)  # all segments but the last have the same length
            bar.update(
                task,
                completed=done,
                segment=segment,
                segments=segment if done == total else -(-total // size),
                done_s=done / fps,
            )

        yield progress


def _stopped(out: Path, after_s: float) -> RunInterrupted:
    from longtake.media.video import part_path, video_facts

    kept = part_path(out)
    if not kept.exists() or kept.stat().st_mtime < time.time() - after_s:  # none, or one of an older run
        return RunInterrupted("Stopped before the first frame; nothing was written.")
    return RunInterrupted(f"Stopped. The {video_facts(kept).seconds:.1f} s made so far play: {kept}")
