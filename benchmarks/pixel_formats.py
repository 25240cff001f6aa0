"""What changing the pixel format of a frame takes, by PyAV's pool of threads and on one thread: milliseconds of a frame.

python benchmarks/pixel_formats.py     →  {"256": {"pool": 8.1, "one thread": 0.4}, ...}
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import av
import numpy as np

from longtake.media.reformat import reformat

FRAMES = 100
WAYS: dict[str, Callable] = {
    "pool": lambda frame: frame.reformat(format="yuv420p"),
    "one thread": lambda frame: reformat(frame, format="yuv420p"),
}


def main() -> None:
    """Measures and prints."""
    print(json.dumps({side: {name: timed(way, side) for name, way in WAYS.items()} for side in (64, 256, 512, 2048)}))


def timed(way: Callable, side: int) -> float:
    """Milliseconds that a frame of that side takes."""
    pixels = np.random.default_rng(0).integers(0, 255, (side, side, 3), np.uint8)
    frames = max(10, FRAMES * 512 // max(side, 512))
    began = time.perf_counter()
    for _ in range(frames):
        way(av.VideoFrame.from_ndarray(pixels, format="rgb24"))
    return round(1000 * (time.perf_counter() - began) / frames, 3)


if __name__ == "__main__":
    main()
