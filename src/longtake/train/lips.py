"""Mouths, faces and sound for training the judges: cut once from corpora or folders of videos, then read from maps.

python -m longtake.train.lips PLACE ... FOLDER [--limit CLIPS] [--held SHARE] [--apart]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from longtake.errors import CorpusError
from longtake.face.judged import FACE_PX, MOUTH_PX, face_crop, mouth_crop

RATE_HZ, FPS = 16_000, 25
PER_FRAME = RATE_HZ // FPS
FACE_EVERY = 5
HELD_SHARE = 0.1
"""Of a folder of videos without a manifest, the last in alphabetical order."""


@dataclass(frozen=True)
class LipClip:
    """Where a clip lies in the maps. Its sound has as many samples as its frames last."""

    name: str
    source: str  # the folder it came from
    person: str
    heldout: bool
    first: int
    frames: int
    first_face: int
    faces: int


class LipStore:
    """Packed clips: `mouths` (n, 48, 48) grey a frame, `faces` (m, 64, 64, 3) each fifth frame, `sound` at 16 kHz."""

    def __init__(self, folder: Path):
        if not (folder / "index.json").exists():
            raise CorpusError(
                f"No packed mouths in {folder}: index.json is missing.",
                do=f"python -m longtake.train.lips CORPUS [VIDEOS] {folder}",
            )
        index = json.loads((folder / "index.json").read_text())
        self.clips = [LipClip(**row) for row in index["clips"]]
        frames, faces = index["frames"], index["faces"]
        self.mouths = np.memmap(folder / "mouths.uint8", np.uint8, "r", shape=(frames, MOUTH_PX, MOUTH_PX))
        self.faces = np.memmap(folder / "faces.uint8", np.uint8, "r", shape=(faces, FACE_PX, FACE_PX, 3))
        self.sound = np.memmap(folder / "sound.int16", np.int16, "r", shape=(frames * PER_FRAME,))

    def split(self, heldout: bool, frames: int = 1) -> list[LipClip]:
        """The clips of one split that have at least so many frames."""
        return [clip for clip in self.clips if clip.heldout == heldout and clip.frames >= frames]

    def mouths_of(self, clip: LipClip, first: int, count: int) -> UInt8[np.ndarray, "count 48 48"]:
        return np.array(self.mouths[clip.first + first : clip.first + first + count])

    def sound_of(self, clip: LipClip, first: int, count: int) -> Float[np.ndarray, " count"]:
        """Samples from `first` of a clip; silence outside it."""
        from longtake.media.windows import zeros_outside

        at = clip.first * PER_FRAME
        inside = lambda start, stop: self.sound[at + start : at + stop] / np.float32(32768)  # noqa: E731
        return zeros_outside(first, first + count, clip.frames * PER_FRAME, inside)

    def faces_of(self, clip: LipClip) -> UInt8[np.ndarray, "m 64 64 3"]:
        return np.array(self.faces[clip.first_face : clip.first_face + clip.faces])


Raw = tuple[str, str, bool, Path, Path, np.ndarray | None]
"""Name, person, whether held out, video, sound, landmarks where they are known."""


def pack_lips(
    places: list[Path], folder: Path, limit: int | None = None, held: float = HELD_SHARE, apart: bool = False
) -> int:
    """Cuts all clips into `folder`; gives their number.

    Of a folder of videos the share `held` is held out; all of them show one person, or `apart` each another.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[LipClip] = []
    frames = faces = 0
    files = [open(folder / name, "wb") for name in ("mouths.uint8", "faces.uint8", "sound.int16")]  # noqa: SIM115
    for place in places:
        for raw in clips_in(place, limit, held, apart):
            mouths, shown, sound = _cut(raw)
            for file, values in zip(files, (mouths, shown, sound), strict=True):
                file.write(np.ascontiguousarray(values).tobytes())
            name, person, unseen = raw[:3]
            rows.append(LipClip(name, source_of(place), person, unseen, frames, len(mouths), faces, len(shown)))
            frames, faces = frames + len(mouths), faces + len(shown)
    for file in files:
        file.close()
    if not rows:
        raise CorpusError(f"No clips in {places}.", expected="a corpus with manifest.jsonl, or a folder of .mp4 files")
    index = {"frames": frames, "faces": faces, "clips": [asdict(row) for row in rows]}
    (folder / "index.json").write_text(json.dumps(index))
    return len(rows)


def source_of(place: Path) -> str:
    """What a place is called: its folder, or the one above a folder of clips."""
    return place.resolve().parent.name if place.name == "clips" else place.name


def clips_in(place: Path, limit: int | None = None, held: float = HELD_SHARE, apart: bool = False) -> Iterator[Raw]:
    """The clips of a corpus with its labels, or the videos of a folder: tracked, with NAME.flac or their own sound."""
    if (place / "manifest.jsonl").exists():
        from longtake.corpus.manifest import clip_paths, read_manifest

        for clip in read_manifest(place)[:limit]:
            paths = clip_paths(place, clip.id)
            with np.load(paths["npz"]) as labels:
                yield clip.id, clip.id, clip.split != "train", paths["mp4"], paths["wav"], labels["landmarks"]
        return
    videos = sorted(place.glob("*.mp4"))
    kept = videos if limit is None else videos[:: max(1, len(videos) // limit)][:limit]
    for k, video in enumerate(kept):
        beside = video.with_suffix(".flac")
        sound = beside if beside.exists() else video
        yield video.stem, video.stem if apart else source_of(place), k >= len(kept) * (1 - held), video, sound, None


def _cut(raw: Raw) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from longtake.evaluate.metrics.reading import at_25
    from longtake.face.detect import track
    from longtake.media.sound import read_sound

    _, _, _, video, sound, landmarks = raw
    frames = list(at_25(video, []))
    points = list(track(frames)) if landmarks is None else list(landmarks[: len(frames)])
    frames = frames[: len(points)]
    mouths = np.stack([mouth_crop(f, p) for f, p in zip(frames, points, strict=True)])
    seen = [k for k in range(0, len(frames), FACE_EVERY) if np.isfinite(points[k]).all()]
    faces = np.array([face_crop(frames[k], points[k]) for k in seen], np.uint8).reshape(-1, FACE_PX, FACE_PX, 3)
    samples = read_sound(sound)[: len(frames) * PER_FRAME]
    samples = np.pad(samples, (0, len(frames) * PER_FRAME - len(samples)))
    return mouths, faces, (np.clip(samples, -1, 1) * 32767).astype(np.int16)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m longtake.train.lips", description=__doc__)
    parser.add_argument("places", type=Path, nargs="+", help="corpora, or folders of .mp4 files with sound")
    parser.add_argument("folder", type=Path, help="where the packed files go")
    parser.add_argument("--limit", type=int, default=None, help="clips of each place, at most")
    parser.add_argument("--held", type=float, default=HELD_SHARE, help="share of a folder of videos to hold out")
    parser.add_argument("--apart", action="store_true", help="each video of a folder shows another person")
    args = parser.parse_args()
    print(f"{pack_lips(args.places, args.folder, args.limit, args.held, args.apart)} clips in {args.folder}")


if __name__ == "__main__":
    main()
