"""Progress on the error stream: how far, how fast, and how long still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from longtake.times import clock

if TYPE_CHECKING:
    from longtake.pace import Progress, Tell

Count = Callable[[int, int], None]  # done, in all


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Tell]:
    """A function to be told the progress; draws segments, seconds of video, pace, time left and memory on the error stream."""
    if quiet:
        yield lambda now: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"))
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("loading", total=None, told="")

        def tell(now: Progress) -> None:
            where = f"segment {now.segment}/{now.segments}"
            bar.update(task, description=where, total=now.frames_total, completed=now.frames, told=in_words(now))

        yield tell


def in_words(now: Progress) -> str:
    """The progress as a person reads it."""
    told = [
        f"{clock(round(now.video_s))} of {clock(round(now.total_s))}",
        f"{now.work_per_video_s:.1f} s of work per s",
        f"{clock(round(now.left_s))} left",
    ]
    if now.peak_mb:
        told.append(f"{now.peak_mb:.0f} MB")
    if now.gpu_peak_mb:
        told.append(f"GPU {now.gpu_peak_mb:.0f} MB")
    if now.prompt:
        told.append(f"“{now.prompt}”")
    return ", ".join(told)


@contextmanager
def count_bar(what: str, quiet: bool) -> Iterator[Count]:
    """A function to be told how many of `what` are done; draws the count and the time left."""
    if quiet:
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("left"))
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
