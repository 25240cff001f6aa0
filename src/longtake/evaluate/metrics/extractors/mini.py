"""Our own judges, trained by `recipes/mini/syncnet.toml` and `facenet.toml`: they need no one else's weights."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8

from longtake.errors import WeightsMissing
from longtake.face.judged import FACE_PX, MOUTH_PX, mouth_crop
from longtake.models.judges import FaceNetMini, FaceSizes, SyncNetMini, SyncSizes
from longtake.train.facenet import as_faces
from longtake.train.syncnet import LEAD, mel_windows, mouth_windows, sound_length
from longtake.weights import files
from longtake.weights.load import load

WEIGHTS = Path(files.__file__).parent / "mini"
SYNC, FACE = WEIGHTS / "syncnet.safetensors", WEIGHTS / "facenet.safetensors"


class MiniSyncNet:
    """The pair of embedders of the small SyncNet."""

    name, side, comparable, lead = "syncnet_mini", MOUTH_PX, False, LEAD

    def __init__(self, path: Path = SYNC) -> None:
        self.path = path
        self.sizes: SyncSizes = _sizes(path, SyncSizes)
        self.frames, self.samples = self.sizes.frames, sound_length(self.sizes.frames)
        self.source, self.sha256 = "our own small SyncNet, trained on puppets and GRID", _hash(path)

    def ready(self) -> None:
        sync_network(self.path)

    def begin(self) -> None:
        """Nothing is remembered."""

    def crop(
        self, pictures: UInt8[np.ndarray, "f H W 3"], landmarks: Float[np.ndarray, "f 468 3"]
    ) -> UInt8[np.ndarray, "f 48 48"]:
        return np.stack([mouth_crop(*pair) for pair in zip(pictures, landmarks, strict=True)])

    def faces(self, windows: UInt8[np.ndarray, "b frames 48 48"]) -> Float32[np.ndarray, "b d"]:
        with torch.inference_mode():
            shown = mouth_windows(torch.from_numpy(windows), self.frames)[:, 0]
            return sync_network(self.path).faces(shown).numpy()

    def sounds(self, windows: Float32[np.ndarray, "b samples"]) -> Float32[np.ndarray, "b d"]:
        with torch.inference_mode():
            heard = mel_windows(torch.from_numpy(windows), self.sizes, 1)[:, 0]
            return sync_network(self.path).sounds(heard).numpy()


class MiniFaceNet:
    """Features of faces: what the small face network reads names and faults from."""

    name, frames, comparable, looks_at = "facenet_mini", 1, False, "face"

    def __init__(self, path: Path = FACE) -> None:
        self.path = path
        self.dim = _sizes(path, FaceSizes).dim
        self.source, self.sha256 = "our own small face network, trained on puppets and GRID", _hash(path)

    def ready(self) -> None:
        face_network(self.path)

    def __call__(self, pictures: UInt8[np.ndarray, "b 64 64 3"]) -> Float32[np.ndarray, "b d"]:
        assert pictures.shape[1:3] == (FACE_PX, FACE_PX), "faces are cut by View.features"
        with torch.inference_mode():
            return face_network(self.path).features(as_faces(torch.from_numpy(pictures))).numpy()


@cache
def sync_network(path: Path) -> SyncNetMini:
    """The small SyncNet with its weights."""
    return _loaded(path, SyncNetMini(_sizes(path, SyncSizes)), "sync_mini")


@cache
def face_network(path: Path) -> FaceNetMini:
    """The small face network with its weights."""
    return _loaded(path, FaceNetMini(_sizes(path, FaceSizes)), "fid_facenet")


def _loaded(path: Path, network, metric: str):
    if not path.is_file():
        raise WeightsMissing(
            f"The weights of {path.stem} are not at {path}.",
            do=f"longtake train recipes/mini/{path.stem}.toml makes them; until then '{metric}' can't be measured",
        )
    tensors, _ = files.read(path)
    load(network, {name: tensor.float() for name, tensor in tensors.items()})
    return network.eval()


def _sizes(path: Path, kind):
    """The sizes in the header; those of the recipe where there are no weights yet."""
    return files.sizes(path, files.about(path), kind) if path.is_file() else kind()


def _hash(path: Path) -> str:
    return files.short_hash(path) if path.is_file() else ""
