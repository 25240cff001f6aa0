"""The stream of the enhancer: frames in, restored frames out, in overlapping windows whose borders can't be seen (paper 3.2).

Frames are never collected: at any moment at most one window waits to be restored and one overlap to be given out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from longtake.fade import shares

Restore = Callable[[Float[Tensor, "f 3 H W"]], Float[Tensor, "f 3 H W"]]
"""What restores the frames of one window, seeing them together."""


class WindowStream:
    """Windows over a stream of frames that is told frame by frame.

    Where two windows share frames, the one passes into the other. The last window of a stream is as long as the others, if
    there are as many frames: alignment over time is never left with a few frames at the end.
    """

    def __init__(self, restore: Restore, frames: int = 16, overlap: int = 4) -> None:
        assert 0 <= overlap <= frames // 2, f"an overlap of {overlap} in windows of {frames}"
        self.restore, self.frames, self.overlap = restore, frames, overlap
        self._recent: deque[Tensor] = deque(maxlen=frames)
        self.held: list[Tensor] = []  # restored once, waiting for the next window's opinion
        self.fresh = 0  # frames told since the last window

    def tell(self, frame: Float[Tensor, "3 H W"]) -> list[Tensor]:
        """The restored frames that are ready now, in order."""
        self._recent.append(frame)
        self.fresh += 1
        if self.fresh + len(self.held) < self.frames:
            return []
        found = self._restored()
        self.held = found[len(found) - self.overlap :]
        return found[: len(found) - self.overlap]

    def take_up(self, recent: list[Tensor], held: list[Tensor], fresh: int) -> None:
        """Goes on where another stream stood that had been told `recent` last, as many as a window has."""
        self._recent.extend(recent)
        self.held, self.fresh = held, fresh

    def end(self) -> list[Tensor]:
        """The rest; afterwards a new stream can be told."""
        found = self._restored() if self.fresh else self.held
        self._recent.clear()
        self.held = []
        return found

    def _restored(self) -> list[Tensor]:
        """The held and the fresh frames, as a window that ends with them sees them."""
        seen = self.restore(torch.stack(list(self._recent)))
        found = list(seen[len(seen) - self.fresh - len(self.held) :])
        for place, share in enumerate(shares(len(self.held))):
            found[place] = torch.lerp(self.held[place], found[place], float(share))
        self.fresh = 0
        return found


def in_windows(
    frames: Iterable[Float[Tensor, "3 H W"]], restore: Restore, window: int = 16, overlap: int = 4
) -> Iterator[Float[Tensor, "3 H W"]]:
    """Each frame restored, in order."""
    windows = WindowStream(restore, window, overlap)
    for frame in frames:
        yield from windows.tell(frame)
    yield from windows.end()
