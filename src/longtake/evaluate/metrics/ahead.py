"""Threads of an evaluation: the next blocks of a clip are read, and what metrics want of them is found, while metrics still
look at the last one; and those that only compare two pictures work beside the others."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress

from longtake.errors import LongtakeError
from longtake.evaluate.metrics.view import View

BLOCKS = 2
"""How far the reading is ahead: memory stays that of three blocks."""


def ahead(views: Iterator[View], blocks: int = BLOCKS) -> Iterator[View]:
    """The views in order. What was seen in the first is found by a second thread in all that follow.

    Each thing is found by one thread in the order of frames, for a face is looked for where the last one was: all numbers are
    those of reading alone.
    """
    first = next(views, None)
    if first is None:
        return
    yield first
    wanted = first.seen()
    with _thread("ahead") as reader:
        waiting: deque[Future[View | None]] = deque(reader.submit(_next, views, wanted) for _ in range(blocks))
        try:
            while (view := waiting.popleft().result()) is not None:
                waiting.append(reader.submit(_next, views, wanted))
                yield view
        finally:
            for future in waiting:
                future.cancel()


@contextmanager
def beside() -> Iterator[Executor]:
    """A thread for the metrics that compare pictures; meanwhile PyTorch leaves this and the reading one a core each."""
    import torch

    cores = torch.get_num_threads()
    torch.set_num_threads(max(1, cores - 2))
    try:
        with _thread("beside") as pool:
            yield pool
    finally:
        torch.set_num_threads(cores)


def _thread(name: str) -> ThreadPoolExecutor:
    import torch

    return ThreadPoolExecutor(1, name, torch.set_num_threads, (1,))  # together they fill the cores


def _next(views: Iterator[View], wanted: list[str]) -> View | None:
    view = next(views, None)
    for name in wanted if view is not None else ():
        with suppress(LongtakeError):  # the metric that asks for it meets the same, and is the one to tell it
            getattr(view, name)
    return view
