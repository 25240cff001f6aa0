"""What a long video has kept from its first minute to its last: likeness, sharpness, background, and that it never freezes.

    python benchmarks/long_take.py talk.mp4 me.png speech.wav --sheet sheet.png --json

Measured on the finished file as anyone would see it. The sheet shows five places, eight frames each.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from machine import machine

from longtake.evaluate.minute import lost
from longtake.media.sound import open_speech
from longtake.media.video import frames_between, read_frames, video_facts
from longtake.prepare import prepare_portrait

MINUTE_S = 60.0
SAMPLED_S = 1.0  # one frame a second is measured in the first and the last minute
STILL = 0.35  # grey levels of change from frame to frame within the face, below which a face stands still
VOICED = 0.02  # loudness (rms) above which somebody speaks
PLACES, SHOWN = 5, 8


def main() -> None:
    """Measures and prints."""
    options = parse()
    portrait, speech, facts = (
        prepare_portrait(options.portrait),
        open_speech(options.speech),
        video_facts(options.video),
    )
    ends = [sampled(options.video, facts.fps, start) for start in (0.0, facts.seconds - MINUTE_S)]
    change = lost(ends[0], ends[1], portrait, 1 / SAMPLED_S)
    x0, y0, x1, y1 = box(portrait.landmarks)
    moved = changes(frame[y0:y1, x0:x1] for frame in read_frames(options.video))
    loud = [float(np.sqrt(np.mean(speech.read(i / facts.fps, (i + 1) / facts.fps) ** 2))) for i in range(len(moved))]
    result = {
        "seconds": round(facts.seconds, 2),
        "sound_ends_later_s": round((facts.sound_s or 0.0) - facts.seconds, 4),
        "first_to_last_minute": change.json(),
        "longest_still_while_voiced_s": round(longest(np.array(moved) < STILL, np.array(loud) > VOICED) / facts.fps, 2),
        "machine": machine(),
    }
    if options.sheet:
        write_sheet(options.video, facts.frames, options.sheet)
    print(json.dumps(result, indent=2) if options.json else "\n".join(f"{k}: {v}" for k, v in result.items()))


def parse() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("portrait", type=Path)
    parser.add_argument("speech", type=Path)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def sampled(video: Path, fps: float, start_s: float) -> np.ndarray:
    """A frame a second of the minute that begins at `start_s`."""
    first = max(round(start_s * fps), 0)
    frames = frames_between(video, first, first + round(MINUTE_S * fps))
    step = round(SAMPLED_S * fps)
    return np.stack([frame for place, frame in enumerate(frames) if place % step == 0])


def box(landmarks: np.ndarray) -> tuple[int, int, int, int]:
    """The face in the portrait."""
    (x0, y0), (x1, y1) = landmarks[:, :2].min(0).astype(int), landmarks[:, :2].max(0).astype(int)
    return max(x0, 0), max(y0, 0), x1, y1


def changes(frames: Iterator[np.ndarray]) -> list[float]:
    """The mean change of each frame from the one before; the first has none."""
    moved, before = [], None
    for frame in frames:
        moved.append(np.inf if before is None else float(cv2.absdiff(frame, before).mean()))
        before = frame
    return moved


def longest(still: np.ndarray, voiced: np.ndarray) -> int:
    """The longest run of frames that stand still in which at least half are voiced."""
    best = begin = 0
    for place in range(len(still) + 1):
        if place == len(still) or not still[place]:
            if place - begin > best and voiced[begin:place].mean() > 0.5:
                best = place - begin
            begin = place + 1
    return best


def write_sheet(video: Path, frames: int, sheet: Path) -> None:
    """Five places of the video, from its beginning to its end, every third frame."""
    rows = []
    for place in np.linspace(0, frames - 3 * SHOWN, PLACES).astype(int):
        shown = list(frames_between(video, place, place + 3 * SHOWN))[::3]
        rows.append(np.concatenate(shown, axis=1))
    cv2.imwrite(str(sheet), cv2.cvtColor(np.concatenate(rows), cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    main()
