"""Pictures for training the autoencoder: frames and their landmarks in two memory-mapped files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from longtake.errors import CorpusError

LANDMARKS = 468


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
        heldout = index["heldout"]
        inside = np.zeros(count, bool)
        for first, stop in heldout:
            inside[first:stop] = True
        self.heldout, self.train = np.flatnonzero(inside), np.flatnonzero(~inside)


Clip = tuple[str, bool, UInt8[np.ndarray, "n H W 3"], Float[np.ndarray, "n 468 2"]]


def pack_frames(source: Path, folder: Path, every: int = 4, limit: int | None = None) -> int:
    """Decode a corpus (manifest.jsonl), or a folder of .npz sketches, into `folder`; gives the frame count."""
    clips = _corpus_clips(source, every) if (source / "manifest.jsonl").exists() else _sketch_clips(source)
    folder.mkdir(parents=True, exist_ok=True)
    count, side, sources, heldout = 0, 0, [], []
    with open(folder / "frames.uint8", "wb") as pictures, open(folder / "landmarks.float16", "wb") as points:
        for name, held, frames, landmarks in clips:
            side = frames.shape[1]
            pictures.write(np.ascontiguousarray(frames, np.uint8).tobytes())
            points.write(np.ascontiguousarray(landmarks[:, :LANDMARKS], np.float16).tobytes())
            if held:
                heldout.append((count, count + len(frames)))
            count += len(frames)
            sources.append(name)
            if limit and count >= limit:
                break
    if not count:
        raise CorpusError(f"No clips in {source}.", expected="manifest.jsonl with clips/, or .npz files")
    index = {"frames": count, "side": side, "sources": sources, "heldout": heldout}
    (folder / "index.json").write_text(json.dumps(index))
    return count


def _sketch_clips(source: Path, held: int = 6) -> Iterator[Clip]:
    """Clips of a folder of .npz files (`frames` BGR, `landmarks`); the last few are held out."""
    files = sorted(source.glob("*.npz"))
    for k, file in enumerate(files):
        with np.load(file) as arrays:
            yield file.stem, k >= len(files) - held, arrays["frames"][..., ::-1], arrays["landmarks"][..., :2]


def _corpus_clips(source: Path, every: int) -> Iterator[Clip]:
    import av

    for line in (source / "manifest.jsonl").read_text().splitlines():
        row = json.loads(line)
        with av.open(str(source / "clips" / f"{row['id']}.mp4")) as video:
            frames = [f.to_ndarray(format="rgb24") for k, f in enumerate(video.decode(video=0)) if k % every == 0]
        with np.load(source / "clips" / f"{row['id']}.npz") as arrays:
            landmarks = arrays["landmarks"][::every, :, :2]
        count = min(len(frames), len(landmarks))
        yield row["id"], row["split"] != "train", np.stack(frames[:count]), landmarks[:count]
