"""What a system wrote, made fit to be judged: its face cut out, its rate and size as said, with a sound."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from longtake.errors import InputError
from longtake.evaluate.kit.recipe import SystemPart

CRF = 6
"""Where frames must be encoded again, the loss should not be seen by any metric."""
AT_ONCE = 32


def normalise(source: Path, target: Path, part: SystemPart, speech: Path | None) -> tuple[Path, list[str]]:
    """The video to be judged, and what was done to it as sentences. Untouched, it is a copy of the file."""
    from longtake.media.footage import Footage

    footage = Footage(source)
    silent = footage.sounds == 0
    laid = speech is not None and silent and part.sound == "own"
    said = [f"'{source.name}' has no sound; the given voice was laid under it."] if laid else []
    retimed = part.fps is not None and abs(part.fps - footage.fps) > 0.01
    changed = part.crop or part.size_px or retimed
    if not (changed or (speech is not None and (silent or part.sound == "given"))):
        shutil.copyfile(source, target)
        return target, said
    rate = part.fps or footage.fps
    sound = speech if silent or part.sound == "given" else source  # None where there is no sound at all
    write_frames(fitted(footage, part), round(rate), target, sound)
    if retimed:
        said.append(f"'{source.name}' says {footage.fps:.4g} frames a second; it was taken as {rate:g}.")
    return target, said


def fitted(footage, part: SystemPart) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
    """The frames, cut and brought to size."""
    import cv2

    for shot in footage.shots():
        frame = shot.picture
        if part.crop:
            frame = cut(frame, part.crop, part.name)
        if part.size_px and frame.shape[:2] != (part.size_px, part.size_px):
            shrinks = part.size_px < min(frame.shape[:2])
            how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
            frame = cv2.resize(frame, (part.size_px, part.size_px), interpolation=how)
        yield np.ascontiguousarray(frame)


def cut(frame: UInt8[np.ndarray, "H W 3"], box: tuple[int, int, int, int], name: str) -> UInt8[np.ndarray, "h w 3"]:
    """The part of a frame that a box says; raises InputError where it does not lie inside."""
    x, y, width, height = box
    if x < 0 or y < 0 or y + height > frame.shape[0] or x + width > frame.shape[1]:
        raise InputError(
            f"The crop {list(box)} of '{name}' does not lie in its frames.",
            expected=f"inside {frame.shape[1]} x {frame.shape[0]} pixels",
            do="mend crop = [x, y, width, height]",
        )
    return frame[y : y + height, x : x + width]


def write_frames(frames: Iterator[UInt8[np.ndarray, "H W 3"]], fps: int, target: Path, sound: Path | None) -> None:
    """The frames as a video with a sound, hardly compressed; sides are made even, as H.264 wants them."""
    from longtake.media.sound import open_speech
    from longtake.media.writer import VideoWriter
    from longtake.settings import VideoSettings

    voice = open_speech(sound) if sound else None
    with VideoWriter(target, voice, VideoSettings(fps=fps, crf=CRF), overwrite=True) as writer:
        waiting: list[np.ndarray] = []
        for frame in frames:
            height, width = (side - side % 2 for side in frame.shape[:2])
            waiting.append(frame[:height, :width])
            if len(waiting) == AT_ONCE:
                writer.write(np.stack(waiting))
                waiting = []
        if waiting:
            writer.write(np.stack(waiting))
