"""Training the small face network: who is it, and what was done to the picture?"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from longtake.evaluate.metrics.spoiling import FAULTS, ranking, spoiled
from longtake.models.judges import FaceNetMini, FaceSizes
from longtake.train.lips import LipStore
from longtake.train.recipe import Part, Recipe, make_sizes
from longtake.train.task import Batch, plain


class Data(Part):
    folder: Path = Field(default=Path("data/lips"), description="what `python -m longtake.train.lips` packed")
    batch: int = Field(default=48, ge=1, description="faces in a batch")


class Aims(Part):
    faults: float = Field(
        default=4.0, ge=0, description="weight of the squared error of the faults' levels; people count 1"
    )
    whole: float = Field(default=0.3, ge=0, le=1, description="share of faces that nothing is done to")


class FaceTask:
    """Faces with nothing, one or two faults; names of those who are in the corpus."""

    def __init__(self, recipe: Recipe):
        torch.manual_seed(recipe.run.seed)
        self.data, self.aims = Data.checked(recipe.data), Aims.checked(recipe.task)
        self.store = LipStore(self.data.folder)
        self.clips = [clip for clip in self.store.split(heldout=False) if clip.faces]
        self.people = sorted({clip.person for clip in self.clips})
        sizes = make_sizes(FaceSizes, recipe.sizes)
        self.sizes = replace(sizes, people=len(self.people), faults=len(FAULTS))
        self.model = FaceNetMini(self.sizes)

    def batch(self, rng: np.random.Generator, share: float) -> Batch:
        chosen = [self.clips[k] for k in rng.integers(0, len(self.clips), self.data.batch)]
        faces = [self.store.faces[clip.first_face + int(rng.integers(0, clip.faces))] for clip in chosen]
        rows = [self._changed(np.asarray(face), rng) for face in faces]
        pictures, levels = (np.stack(column) for column in zip(*rows, strict=True))
        people = np.array([self.people.index(clip.person) for clip in chosen])
        return {
            "faces": torch.from_numpy(pictures),
            "levels": torch.from_numpy(levels),
            "people": torch.from_numpy(people),
        }

    def _changed(
        self, face: UInt8[np.ndarray, "side side 3"], rng: np.random.Generator
    ) -> tuple[np.ndarray, Float[np.ndarray, " faults"]]:
        face = face[:, ::-1] if rng.random() < 0.5 else face
        levels = np.zeros(len(FAULTS), np.float32)
        if rng.random() >= self.aims.whole:
            for k in rng.choice(len(FAULTS), int(rng.integers(1, 3)), replace=False):
                levels[k] = rng.random()
                face = spoiled(face, list(FAULTS)[k], float(levels[k]), rng)
        return np.ascontiguousarray(face), levels

    def loss(self, model: nn.Module, batch: Batch, share: float) -> tuple[Tensor, dict[str, Tensor]]:
        people, faults = (x.float() for x in model(as_faces(batch["faces"])))
        who = F.cross_entropy(people, batch["people"])
        done = (faults - batch["levels"]).square().mean()
        known = (people.argmax(1) == batch["people"]).float().mean()
        return who + self.aims.faults * done, {"who": who.detach(), "faults": done.detach(), "known": known}

    def frames(self, batch: Batch) -> int:
        return len(batch["faces"])

    def sheet(self, model: nn.Module) -> tuple[None, dict[str, float]]:
        """How well the order of each fault's levels is kept by the distances, on faces of people it never saw."""
        net = plain(model, FaceNetMini)
        net.eval()
        orders = check(net, self.store)
        net.train()
        return None, orders

    def header(self) -> dict[str, Any]:
        sources = sorted({clip.source for clip in self.clips})
        settings = self.data.model_dump(exclude={"folder"}) | self.aims.model_dump() | {"faults": list(FAULTS)}
        return {"sizes": asdict(self.sizes), "settings": settings, "corpus_seed": f"clips of {', '.join(sources)}"}


def as_faces(faces: UInt8[Tensor, "b side side 3"]) -> Float[Tensor, "b 3 side side"]:
    """Faces as the network reads them, -1 to 1."""
    return faces.permute(0, 3, 1, 2).float() / 127.5 - 1


@torch.no_grad()
def features(net: FaceNetMini, faces: UInt8[np.ndarray, "b side side 3"], batch: int = 64) -> np.ndarray:
    """The features of many faces."""
    device = net.out.weight.device
    parts = [torch.from_numpy(np.ascontiguousarray(faces[k : k + batch])) for k in range(0, len(faces), batch)]
    return np.concatenate([net.features(as_faces(part.to(device))).float().cpu().numpy() for part in parts])


def check(net: FaceNetMini, store: LipStore) -> dict[str, float]:
    """For each fault the share of steps up that the distances follow, on held-out clips, and the mean of all.

    The last third of the clips stands for wrong people among the others.
    """
    clips = [clip for clip in store.split(heldout=True) if clip.faces]
    faces = [store.faces_of(clip) for clip in clips]
    cut = len(faces) - len(faces) // 3
    if not faces:
        return {}
    others = np.concatenate(faces[cut:]) if len({clip.person for clip in clips}) > 1 and faces[cut:] else None
    orders = ranking(np.concatenate(faces[:cut]), lambda rows: features(net, rows), others)
    return orders | {"ordered": float(np.mean(list(orders.values())))} if orders else {}


def estimate(recipe: Recipe) -> str:
    """Parameters and faces of the recipe, in words."""
    with torch.device("meta"):
        model = FaceNetMini(make_sizes(FaceSizes, recipe.sizes))
    learn, batch = sum(p.numel() for p in model.parameters()), Data.checked(recipe.data).batch
    return f"small face network: {learn / 1e6:.2f} M parameters and a row a person; {batch * recipe.run.steps} faces"


def build(recipe: Recipe) -> FaceTask:
    return FaceTask(recipe)
