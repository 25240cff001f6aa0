"""A stream that knows how far it was read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Counted(Generic[Item]):
    """The items of another iterable, counted as they are taken."""

    def __init__(self, items: Iterable[Item]) -> None:
        self.items, self.taken = items, 0

    def __iter__(self) -> Iterator[Item]:
        for item in self.items:
            self.taken += 1
            yield item


def most_ahead(given: Counted, made: Iterable) -> int:
    """How many items were at most taken and not given out, whenever `made` gave the next one out."""
    return max((given.taken - out for out, _ in enumerate(made)), default=0)
