"""Batches by index, made when they are asked for or a little ahead."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from longtake.train.task import Batch


class Batches:
    """Gives the batch of any index; with `ahead` > 0 the next ones are made by a thread meanwhile."""

    def __init__(self, make: Callable[[int], Batch], first: int, ahead: int):
        self.make, self.next, self.ahead = make, first, ahead
        self.pending: dict[int, Future[Batch]] = {}
        self.pool = ThreadPoolExecutor(1) if ahead else None

    def __enter__(self) -> Batches:
        return self

    def __exit__(self, *_) -> None:
        if self.pool:
            self.pool.shutdown(cancel_futures=True)

    def __call__(self, index: int) -> Batch:
        if not self.pool:
            return self.make(index)
        for k in range(index, index + 1 + self.ahead):
            if k not in self.pending:
                self.pending[k] = self.pool.submit(self.make, k)
        return self.pending.pop(index).result()
