"""Pictures to learn from: frames of faces and their landmarks in two memory-mapped files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from longtake.errors import CorpusError
from longtake.train.recipe import Part

LANDMARKS = 468


class FrameData(Part):
    """The [data] of a recipe that learns from packed frames."""

    folder: Path = Path("data/frames")
    corpus_seed: int | str = "unknown"


def header(sizes: Any, data: FrameData, aims: Part) -> dict[str, Any]:
    """What weights that learned from packed frames say of themselves."""
    settings = data.model_dump(exclude={"folder", "corpus_seed"}) | aims.model_dump()
    return {"sizes": asdict(sizes), "settings": settings, "corpus_seed": str(data.corpus_seed)}


class FrameStore:
    """Packed frames of faces: `frames` (n, H, W, 3) RGB, `landmarks` (n, 468, 2) in pixels, and which are held out."""

    def __init__(self, folder: Path):
        if not (folder / "index.json").exists():
            raise CorpusError(
                f"No packed frames in {folder}: index.json is missing.",
                do=f"python -m longtake.train.pack frames SOURCE {folder}",
            )
        index = json.loads((folder / "index.json").read_text())
        count, side = index["frames"], index["side"]
        self.sources: list[str] = index["sources"]
        self.frames = np.memmap(folder / "frames.uint8", np.uint8, "r", shape=(count, side, side, 3))
        self.landmarks = np.memmap(folder / "landmarks.float16", np.float16, "r", shape=(count, LANDMARKS, 2))
        inside = np.zeros(count, bool)
        for first, stop in index["heldout"]:
            inside[first:stop] = True
        self.heldout, self.train = np.flatnonzero(inside), np.flatnonzero(~inside)
        self.clip = (
            np.searchsorted(index["firsts"], np.arange(count), side="right") - 1
        )  # which source each frame is of

    def examples(self, count: int) -> Int[np.ndarray, " count"]:
        """Which held-out frames to look at: so many, evenly spread."""
        return self.heldout[np.linspace(0, len(self.heldout) - 1, count).astype(int)]


Clip = tuple[str, bool, UInt8[np.ndarray, "n H W 3"], Float[np.ndarray, "n 468 2"]]


def pack_frames(places: list[Path], folder: Path, every: int = 4, limit: int | None = None) -> int:
    """Decode corpora (manifest.jsonl) and folders of .npz sketches into `folder`; gives the frame count."""
    folder.mkdir(parents=True, exist_ok=True)
    count, side, sources, firsts, heldout = 0, 0, [], [], []
    with open(folder / "frames.uint8", "wb") as pictures, open(folder / "landmarks.float16", "wb") as points:
        for place in places:
            for name, held, frames, landmarks in _clips(place, every):
                side = frames.shape[1]
                pictures.write(np.ascontiguousarray(frames, np.uint8).tobytes())
                points.write(np.ascontiguousarray(landmarks[:, :LANDMARKS], np.float16).tobytes())
                sources.append(name)
                firsts.append(count)
                count += len(frames)
                if held:
                    heldout.append((firsts[-1], count))
                if limit and count >= limit:
                    break
    if not count:
        raise CorpusError(f"No clips in {places}.", expected="manifest.jsonl with clips/, or .npz files")
    index = {"frames": count, "side": side, "sources": sources, "firsts": firsts, "heldout": heldout}
    (folder / "index.json").write_text(json.dumps(index))
    return count


def _clips(place: Path, every: int, held: int = 6) -> Iterator[Clip]:
    """Name, whether it is held out, frames and landmarks of each clip; the last few where the place holds none out."""
    if (place / "manifest.jsonl").exists():
        yield from _corpus_clips(place, every, held)
        return
    files = sorted(place.glob("*.npz"))
    for k, file in enumerate(files):
        with np.load(file) as arrays:
            yield file.stem, k >= len(files) - held, arrays["frames"][..., ::-1], arrays["landmarks"][..., :2]


def _corpus_clips(place: Path, every: int, held: int) -> Iterator[Clip]:
    import av

    rows = [json.loads(line) for line in (place / "manifest.jsonl").read_text().splitlines()]
    marked = any(row["split"] != "train" for row in rows)
    for k, row in enumerate(rows):
        with av.open(str(place / "clips" / f"{row['id']}.mp4")) as video:
            frames = [
                f.to_ndarray(format="rgb24", threads=1) for n, f in enumerate(video.decode(video=0)) if n % every == 0
            ]
        with np.load(place / "clips" / f"{row['id']}.npz") as arrays:
            landmarks = arrays["landmarks"][::every, :, :2]
        count = min(len(frames), len(landmarks))
        out = row["split"] != "train" if marked else k >= len(rows) - held
        yield row["id"], out, np.stack(frames[:count]), landmarks[:count]
