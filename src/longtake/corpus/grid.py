"""Real clips as a second source: the GRID recordings of one speaker, in the layout of a puppet corpus.

Landmarks come from our own tracker, pose and expression from the curves that come with the recordings. There are no phone
times, so the mouth shapes are all zero and `phonemes` holds words.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from longtake.corpus.manifest import NAME, Clip, append, clip_paths, hash_of, read_manifest
from longtake.corpus.voices import RATE_HZ
from longtake.corpus.write import write_sound, write_video
from longtake.errors import CorpusError
from longtake.face.detect import landmarks_of
from longtake.face.framing import crop_picture, crop_square, to_crop
from longtake.face.measure import mouth_opening
from longtake.media.sound import read_sound
from longtake.media.video import read_frames

FPS = 25.0
VOICE = "grid-s1"
EXPRESSIONS, VISEMES = 57, 15


@dataclass(frozen=True)
class Recordings:
    """The tables of the recordings: clips by name, words, and the curves of each clip's frames."""

    folder: Path
    rows: list[dict[str, str]]
    words: dict[str, list[tuple[str, float, float]]]
    spans: dict[str, slice]
    curves: dict[str, np.ndarray]  # name -> one value a frame, all clips in a row


def read_recordings(assets: Path) -> Recordings:
    """The tables in an assets folder."""
    folder = Path(assets) / "grid"
    if not (folder / "clips.csv").exists():
        raise CorpusError(
            f"No recordings at {folder}.", expected="clips.csv and clips/", do="see docs/corpus.md: assets"
        )
    with open(folder / "clips.csv", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["tracked"] == "1"]
    words: dict[str, list[tuple[str, float, float]]] = {}
    with open(folder / "words.csv", newline="") as lines:
        for row in csv.DictReader(lines):
            words.setdefault(row["clip"], []).append((row["word"], float(row["start"]), float(row["end"])))
    with np.load(folder / "curves.npz", allow_pickle=False) as stored:
        firsts, counts = stored["first"].tolist(), stored["count"].tolist()
        spans = {str(c): slice(a, a + n) for c, a, n in zip(stored["clip"], firsts, counts, strict=True)}
        curves = {str(name): stored["curves"][:, i] for i, name in enumerate(stored["curve_names"])}
        curves |= {str(name): stored["blendshapes"][:, i] for i, name in enumerate(stored["blendshape_names"])}
    return Recordings(folder, rows, words, spans, curves)


def make_grid(
    assets: Path,
    out: Path,
    clips: int,
    split: str = "train",
    *,
    names: list[str],
    size: int = 256,
    progress: Callable[[int, int], None] | None = None,
) -> list[Clip]:
    """The first `clips` recordings of a split as a corpus in `out`; `names` are the face model's expressions, in order."""
    recordings = read_recordings(assets)
    rows = [row for row in recordings.rows if (row["split"] == "train") == (split == "train")][:clips]
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    have = read_manifest(out) if (out / NAME).exists() else []
    for index in range(len(have), len(rows)):
        clip = _one(recordings, rows[index], index, split, out, names, size)
        append(out, clip)
        have.append(clip)
        if progress:
            progress(len(have), len(rows))
    return have


def _one(
    recordings: Recordings, row: dict[str, str], index: int, split: str, out: Path, names: list[str], size: int
) -> Clip:
    source = recordings.folder / row["file"]
    frames = np.stack(list(read_frames(source)))
    landmarks = _filled(landmarks_of(frames))
    pictures, points = framed(frames, landmarks, size)
    name = f"grid-{row['clip']}"
    paths = clip_paths(out, name)
    paths["mp4"].parent.mkdir(parents=True, exist_ok=True)
    write_video(paths["mp4"], zip(pictures, points, strict=True), FPS)
    count = round(len(frames) / FPS * RATE_HZ)
    sound = read_sound(source)[:count]
    write_sound(paths["wav"], np.pad(sound, (0, count - len(sound))))
    _write_labels(paths["npz"], recordings, row["clip"], points, names)
    return Clip(
        id=name,
        source="grid",
        split=split,
        seed=0,
        index=index,
        frames=len(frames),
        fps=FPS,
        size=size,
        voice=VOICE,
        speech=row["file"],
        speech_start_s=0.0,
        text=row["text"],
        caption="calm",
        sources=(),
        weights=(),
        distances=(),
        files={str(p.relative_to(out)): hash_of(p) for p in paths.values()},
    )


def _filled(landmarks: Float32[np.ndarray, "f 468 3"]) -> Float32[np.ndarray, "f 468 3"]:
    """Landmarks with frames that have none taken from the nearest that has."""
    seen = np.nonzero(np.isfinite(landmarks).all(axis=(1, 2)))[0]
    if not len(seen):
        raise CorpusError("A recording shows no face in any frame.", do="leave it out of clips.csv")
    nearest = np.abs(np.arange(len(landmarks))[:, None] - seen).argmin(axis=1)
    return landmarks[seen[nearest]]


def framed(
    frames: UInt8[np.ndarray, "f H W 3"], landmarks: Float32[np.ndarray, "f 468 3"], size: int
) -> tuple[UInt8[np.ndarray, "f size size 3"], Float32[np.ndarray, "f 468 2"]]:
    """Frames and landmarks in one square for the whole clip, so that the head moves and the camera does not."""
    square = crop_square(landmarks.mean(axis=0))
    pictures, points = [], []
    for frame, marks in zip(frames, landmarks, strict=True):
        picture, affine = crop_picture(frame, square, size)
        pictures.append(picture)
        points.append(to_crop(marks[:, :2], affine))
    return np.stack(pictures), np.stack(points).astype(np.float32)


def _write_labels(path: Path, recordings: Recordings, clip: str, points: np.ndarray, names: list[str]) -> None:
    span, frames = recordings.spans[clip], len(points)
    curves = {
        name: np.nan_to_num(values[span][:frames].astype(np.float32)) for name, values in recordings.curves.items()
    }
    expression = np.zeros((frames, EXPRESSIONS), np.float32)
    for i, name in enumerate(names):
        theirs = name.replace("_L", "Left").replace("_R", "Right")
        if theirs in curves:
            expression[:, i] = curves[theirs]
    np.savez_compressed(
        path,
        mouth_open=mouth_opening(points).astype(np.float32),
        pose=np.stack([curves["yaw"], curves["pitch"], curves["roll"]], axis=1),
        blink=(curves["eyeBlinkLeft"] + curves["eyeBlinkRight"]) / 2,
        expression=expression.astype(np.float16),
        viseme=np.zeros((frames, VISEMES), np.float16),
        landmarks=points.astype(np.float16),
        caption=np.array("calm"),
        phonemes=np.array(json.dumps(recordings.words.get(clip, []))),
    )
