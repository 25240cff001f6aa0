"""Memory that the last step of a long run takes: the finished file out of the growing one, alone in this process.

    python benchmarks/finishing.py 2 && python benchmarks/finishing.py 120     →  {"minutes": 120, "before_mb": …, "peak_mb": …}

The growing file repeats one piece, since what it shows does not matter; sound, encoder and index are real.
"""

from __future__ import annotations

import json
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np
from machine import peak_mb

from longtake.media.boxes import boxes
from longtake.media.fragments import Pieces
from longtake.media.sound import open_speech
from longtake.media.whole import write_whole
from longtake.settings import VideoSettings

FRAMES = 16


def main(minutes: int) -> None:
    """Measures and prints."""
    settings = VideoSettings(preset="ultrafast")
    with tempfile.TemporaryDirectory() as folder:
        speech = open_speech(noise(Path(folder) / "noise.wav", minutes))
        frames = np.random.default_rng(0).integers(0, 255, (FRAMES, 64, 64, 3), np.uint8)
        first = Pieces(settings, speech, "").encode(frames, FRAMES, 0, 0)
        again = b"".join(box for kind, box in boxes(first) if kind in (b"moof", b"mdat"))
        part = Path(folder) / "part.mp4"
        with open(part, "wb") as file:
            file.write(first)
            for _ in range(speech.frames(settings.fps) // FRAMES - 1):
                file.write(again)
        before = peak_mb()
        write_whole(part, part.stat().st_size, Path(folder) / "whole.mp4", settings, speech)
    print(json.dumps({"minutes": minutes, "before_mb": round(before, 1), "peak_mb": round(peak_mb(), 1)}))


def noise(path: Path, minutes: int) -> Path:
    """A sound of so many minutes."""
    minute = np.random.default_rng(0).normal(0, 2000, 60 * 16_000).astype("<i2").tobytes()
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        for _ in range(minutes):
            file.writeframes(minute)
    return path


if __name__ == "__main__":
    main(int(sys.argv[1]))
