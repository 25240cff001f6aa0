"""Windows of a stream of samples: decoded forwards, forgotten behind, zero outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float


def zeros_outside(
    start: int, stop: int, total: int | None, inside: Callable[[int, int], np.ndarray], rows: tuple[int, ...] = ()
) -> Float[np.ndarray, "*c samples"]:
    """Samples from `start` up to `stop` of a sound of `total` samples (None: up to where it ends), zero outside it.

    `inside` gives the samples from one place up to another that both lie in the sound; fewer where it ends.
    """
    result = np.zeros((*rows, max(stop - start, 0)), np.float32)
    first, last = max(start, 0), stop if total is None else min(stop, total)
    if first < last:
        found = inside(first, last)
        result[..., first - start : first - start + found.shape[-1]] = found
    return result


class Windows:
    """Windows of samples that `blocks()` gives from the beginning on, `channels` rows of them (None: plain mono).

    The last `history` samples are kept, so that overlapping windows cost nothing; a window further back decodes again.
    """

    def __init__(
        self,
        blocks: Callable[[], Iterator[np.ndarray]],
        history: int,
        total: int | None = None,
        channels: int | None = None,
    ) -> None:
        self.total = total  # None: up to the last block
        self._make, self._history = blocks, history
        self._rows = () if channels is None else (channels,)
        self._restart()

    def window(self, start: int, stop: int) -> Float[np.ndarray, "*c samples"]:
        """Samples from `start` up to `stop`."""
        return zeros_outside(start, stop, self.total, self._inside, self._rows)

    def _inside(self, first: int, last: int) -> Float[np.ndarray, "*c _"]:
        if first < self._first:
            self._restart()
        self._read_up_to(last, first - self._history)
        return self._kept[..., first - self._first : last - self._first]

    def _restart(self) -> None:
        self._blocks = self._make()
        self._kept = np.zeros((*self._rows, 0), np.float32)
        self._first = 0  # place of the first kept sample

    def _read_up_to(self, last: int, keep_from: int) -> None:
        """Decodes as far as `last`; forgets what lies before `keep_from`."""
        parts, end = [self._kept], self._first + self._kept.shape[-1]
        while end < last and (block := next(self._blocks, None)) is not None:
            parts.append(block)
            end += block.shape[-1]
            while len(parts) > 1 and self._first + parts[0].shape[-1] <= keep_from:
                self._first += parts.pop(0).shape[-1]
        if len(parts) > 1 or self._first < keep_from:
            joined = np.concatenate(parts, axis=-1)
            cut = min(max(keep_from - self._first, 0), joined.shape[-1])
            self._kept, self._first = joined[..., cut:].copy(), self._first + cut
