"""Progress on the error stream: how far, and how long still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[int, int], None]  # done, in all


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


@contextmanager
def count_bar(what: str, quiet: bool) -> Iterator[Progress]:
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
