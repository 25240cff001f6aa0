"""`longtake corpus check`: whether a corpus is whole, unchanged, and keeps its rules."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from longtake.corpus.manifest import Clip, hash_of, read_manifest
from longtake.errors import CorpusError
from longtake.face.identity import SAME_PERSON

SHAPES = {
    "mouth_open": (),
    "pose": (3,),
    "blink": (),
    "expression": (57,),
    "viseme": (15,),
    "landmarks": (468, 2),
}
MAX_WEIGHT = 0.4


@dataclass(frozen=True)
class Report:
    """What a sound corpus holds."""

    clips: int
    frames: int
    seconds: float
    mixes: int
    voices: int


def check(folder: Path) -> Report:
    """What the corpus in `folder` holds; a CorpusError names the first clips that are wrong."""
    folder = Path(folder)
    clips = read_manifest(folder)
    faults = [] if clips else ["the manifest lists no clips"]
    seen: set[str] = set()
    for clip in clips:
        if clip.id in seen:
            faults.append(f"{clip.id} is listed twice")
        seen.add(clip.id)
        faults += _faults(folder, clip)
    if faults:
        more = f" (and {len(faults) - 8} more)" if len(faults) > 8 else ""
        raise CorpusError(
            f"The corpus in {folder} is not sound: " + "; ".join(faults[:8]) + more,
            expected="every file as the manifest says",
            do="delete the clips named from the manifest on, and run corpus make again",
        )
    return Report(
        clips=len(clips),
        frames=sum(clip.frames for clip in clips),
        seconds=sum(clip.frames / clip.fps for clip in clips),
        mixes=len({clip.sources for clip in clips}),
        voices=len({clip.voice for clip in clips}),
    )


def _faults(folder: Path, clip: Clip) -> list[str]:
    faults = []
    for name, known in clip.files.items():
        path = folder / name
        if not path.exists():
            faults.append(f"{name} is missing")
        elif hash_of(path) != known:
            faults.append(f"{name} has changed")
    if faults:
        return faults
    if clip.source == "puppet" and (max(clip.weights) > MAX_WEIGHT or min(clip.distances) < SAME_PERSON):
        faults.append(f"{clip.id} is too close to one of its sources")
    return faults + _sound_faults(folder, clip) + _label_faults(folder, clip) + _video_faults(folder, clip)


def _sound_faults(folder: Path, clip: Clip) -> list[str]:
    with wave.open(str(folder / "clips" / f"{clip.id}.wav")) as sound:
        samples, wanted = sound.getnframes(), round(clip.frames / clip.fps * 16000)
        form = (sound.getframerate(), sound.getnchannels(), sound.getsampwidth())
    if form != (16000, 1, 2):
        return [f"{clip.id}.wav is not 16 kHz mono of 16 bits"]
    return [] if samples == wanted else [f"{clip.id}.wav has {samples} samples, not {wanted}"]


def _label_faults(folder: Path, clip: Clip) -> list[str]:
    with np.load(folder / "clips" / f"{clip.id}.npz") as labels:
        missing = [name for name in (*SHAPES, "caption", "phonemes") if name not in labels]
        if missing:
            return [f"{clip.id}.npz has no {', '.join(missing)}"]
        return [
            f"{clip.id}.npz: {name} has shape {labels[name].shape}"
            for name, shape in SHAPES.items()
            if labels[name].shape != (clip.frames, *shape)
        ]


def _video_faults(folder: Path, clip: Clip) -> list[str]:
    import av

    with av.open(str(folder / "clips" / f"{clip.id}.mp4")) as container:
        stream = container.streams.video[0]
        frames, side = stream.frames, (stream.height, stream.width)
    if (frames, side) != (clip.frames, (clip.size, clip.size)):
        return [f"{clip.id}.mp4 has {frames} frames of {side[1]}x{side[0]}"]
    return []
