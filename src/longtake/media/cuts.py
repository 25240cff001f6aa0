"""Where one scene of a video ends and the next begins."""

from __future__ import annotations

from collections import deque

import numpy as np
from jaxtyping import UInt8

THUMBNAIL = (48, 27)
LEAST = 18.0
"""Grey levels by which a thumbnail must change on average."""
TIMES = 4.0
"""And how many times as much as the frames before did: fast motion is no cut."""
BEFORE = 6


class Cuts:
    """Told frame by frame, says where a new scene begins; the first frame begins none."""

    def __init__(self) -> None:
        self._last: np.ndarray | None = None
        self._changes: deque[float] = deque(maxlen=BEFORE)

    def tell(self, picture: UInt8[np.ndarray, "H W 3"]) -> bool:
        """Whether this frame is the first of a new scene."""
        import cv2

        small = cv2.resize(picture, THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32)
        last, self._last = self._last, small
        if last is None:
            return False
        change = float(np.abs(small - last).mean())
        usual = max(self._changes, default=LEAST)  # right at the start only a great change is one
        cut = change > LEAST and change > TIMES * usual
        if cut:
            self._changes.clear()
        else:
            self._changes.append(change)
        return cut
