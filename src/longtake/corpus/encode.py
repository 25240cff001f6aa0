"""`longtake corpus prepare`: clips of one or more corpora into training windows, by the frozen autoencoder and speech encoder."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8

from longtake.corpus.describe import Captioner
from longtake.corpus.windows import ARRAYS, INDEX, Encoders, leads, prepare
from longtake.encoders.speech import SpeechFeatures
from longtake.errors import CorpusError
from longtake.face.identity import identity_of
from longtake.media.pixels import as_pictures
from longtake.media.sound import open_speech
from longtake.media.video import read_frames
from longtake.models.autoencoder import Autoencoder
from longtake.motion import drop_patches
from longtake.networks import choose_device, choose_dtype, load_autoencoder, load_speech, short_hash
from longtake.settings import MotionSettings

Clip = tuple[dict, UInt8[np.ndarray, "f H W 3"], Path, Float[np.ndarray, "f 468 2"]]


def encode_corpus(
    folders: list[Path],
    out: Path,
    autoencoder: Path,
    speech: Path,
    motion: MotionSettings | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    captioner: Captioner | None = None,
) -> None:
    """Write the training windows of the corpora in `folders` to `out`; without `motion` they serve stage 1 only.

    A captioner says what clips show whose manifest does not.
    """
    rows = [(folder, row) for folder in folders for row in _manifest(folder)]
    if captioner is not None:
        rows = captioned(rows, captioner)
    frames = sum(row["frames"] for _, row in rows)
    with torch.inference_mode():
        prepare(_clips(rows), frames, out, _encoders(autoencoder, speech, motion), progress)


def captioned(rows: list[tuple[Path, dict]], captioner: Captioner) -> list[tuple[Path, dict]]:
    """The rows, those without states with what a captioner says of their frames."""
    unknown = [(folder, row) for folder, row in rows if not row.get("states")]
    said = dict(captioner.captions((row, frames) for row, frames, _, _ in _clips(unknown)))
    return [(folder, row | said.get(row["id"], {})) for folder, row in rows]


def encode_dropped(
    folders: list[Path],
    windows: Path,
    out: Path,
    autoencoder: Path,
    motion: MotionSettings,
    clips: dict[str, int],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write to `out` what folder `windows` has of the first `clips` of each split, for other motion settings.

    Only the frames that may lead a segment are encoded again; the other arrays are links to those that are there.
    """
    out.mkdir(parents=True, exist_ok=True)
    index = json.loads((windows / INDEX).read_text())
    splits = {split: [row for row in index["clips"] if row["split"] == split][:count] for split, count in clips.items()}
    index["clips"] = [row for rows in splits.values() for row in rows]
    for name in ARRAYS:
        if name != "dropped":
            _link(out / f"{name}.npy", windows / f"{name}.npy")
    if motion.drop_rate == 0:
        _link(out / "dropped.npy", windows / "latents.npy")
    else:
        starts = {row["id"]: row["start"] for row in index["clips"]}
        rows = [(folder, row) for folder in folders for row in _manifest(folder) if row["id"] in starts]
        _drop_again(rows, starts, windows / "latents.npy", out / "dropped.npy", autoencoder, motion, progress)
    (out / INDEX).write_text(json.dumps(index))


@torch.inference_mode()
def _drop_again(
    rows: list[tuple[Path, dict]],
    starts: dict[str, int],
    latents: Path,
    out: Path,
    autoencoder: Path,
    motion: MotionSettings,
    progress: Callable[[int, int], None],
) -> None:
    shape = np.load(latents, mmap_mode="r").shape
    dropped = np.lib.format.open_memmap(out, "w+", np.float16, shape)  # what is never written takes no space
    corrupt = _corrupter(_codec(autoencoder), motion)
    for done, (row, pictures, _, _) in enumerate(_clips(rows), 1):
        leading = leads(len(pictures))
        dropped[starts[row["id"]] + leading] = corrupt(pictures[leading], row["id"])
        progress(done, len(rows))
    dropped.flush()


def _link(link: Path, target: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(target.resolve())


def _encoders(autoencoder: Path, speech: Path, motion: MotionSettings | None) -> Encoders:
    codec = _codec(autoencoder)
    encoder = load_speech(speech)

    def encode(frames: UInt8[np.ndarray, "f H W 3"]) -> np.ndarray:
        return _latents(as_pictures(frames), codec)

    def listen(sound: Path, frames: int, fps: float) -> np.ndarray:
        features = SpeechFeatures(encoder, open_speech(sound).read)
        return features.at_frames(0, frames, fps)[:, 0].numpy()

    hashes = {"autoencoder": short_hash(autoencoder), "speech": short_hash(speech)}
    return Encoders(encode, _corrupter(codec, motion) if motion else None, listen, identity_of, hashes)


def _codec(path: Path) -> Autoencoder:
    device = choose_device("auto")
    codec = load_autoencoder(path).to(device, choose_dtype("auto", device))
    return codec.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  # absent from torch's stubs


def _corrupter(codec: Autoencoder, motion: MotionSettings) -> Callable[[np.ndarray, str], np.ndarray]:
    """Latents of frames after patch drop, the same for the same name."""

    def corrupt(frames: UInt8[np.ndarray, "f H W 3"], name: str) -> np.ndarray:
        generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
        return _latents(drop_patches(as_pictures(frames), generator, motion.patch_px, motion.drop_rate), codec)

    return corrupt


def _latents(pictures: torch.Tensor, codec: Autoencoder) -> np.ndarray:
    like = next(codec.parameters())
    return torch.cat([codec.encode(part.to(like)).float().cpu() for part in pictures.split(8)]).numpy()


def _manifest(folder: Path) -> list[dict]:
    path = folder / "manifest.jsonl"
    if not path.exists():
        raise CorpusError(f"There is no corpus in {folder}.", expected="a manifest.jsonl", do="longtake corpus make")
    return [json.loads(line) for line in path.read_text().splitlines()]


def _clips(rows: list[tuple[Path, dict]]) -> Iterator[Clip]:
    for folder, row in rows:
        base = folder / "clips" / row["id"]
        frames = np.stack(list(read_frames(base.with_suffix(".mp4"))))
        with np.load(base.with_suffix(".npz")) as labels:
            landmarks = labels["landmarks"][:, :468, :2].astype(np.float32)
        yield row, frames, base.with_suffix(".wav"), landmarks
