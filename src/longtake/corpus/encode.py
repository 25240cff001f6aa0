"""`longtake corpus prepare`: clips of one or more corpora into training windows, by the frozen autoencoder and speech encoder."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8

from longtake.corpus.windows import Encoders, prepare
from longtake.encoders.speech import SpeechFeatures
from longtake.errors import CorpusError
from longtake.face.identity import identity_of
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
) -> None:
    """Write the training windows of the corpora in `folders` to `out`; without `motion` they serve stage 1 only."""
    rows = [(folder, row) for folder in folders for row in _manifest(folder)]
    frames = sum(row["frames"] for _, row in rows)
    with torch.inference_mode():
        prepare(_clips(rows), frames, out, _encoders(autoencoder, speech, motion), progress)


def _encoders(autoencoder: Path, speech: Path, motion: MotionSettings | None) -> Encoders:
    device = choose_device("auto")
    dtype = choose_dtype("auto", device)
    codec = load_autoencoder(autoencoder).to(device, dtype)
    codec = codec.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  # absent from torch's stubs
    encoder = load_speech(speech)

    def encode(frames: UInt8[np.ndarray, "f H W 3"]) -> np.ndarray:
        return _latents(_pictures(frames), codec)

    def corrupt(frames: UInt8[np.ndarray, "f H W 3"], name: str) -> np.ndarray:
        assert motion is not None
        generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
        return _latents(drop_patches(_pictures(frames), generator, motion.patch_px, motion.drop_rate), codec)

    def listen(sound: Path, frames: int, fps: float) -> np.ndarray:
        features = SpeechFeatures(encoder, open_speech(sound).read)
        return features.at_frames(0, frames, fps)[:, 0].numpy()

    hashes = {"autoencoder": short_hash(autoencoder), "speech": short_hash(speech)}
    return Encoders(encode, corrupt if motion else None, listen, identity_of, hashes)


def _pictures(frames: UInt8[np.ndarray, "f H W 3"]) -> torch.Tensor:
    return torch.as_tensor(frames).permute(0, 3, 1, 2).float() / 127.5 - 1  # channels last, as the codec likes it


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
