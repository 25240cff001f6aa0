"""Training the enhancer, stage A: a codebook from which sharp aligned faces can be put together (paper 3.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from longtake.face.align import aligned_square, cut_square
from longtake.media.pixels import as_frames, as_pictures
from longtake.models.vqgan import Codebook, Vqgan, VqganSizes
from longtake.train.autoencoder import psnr
from longtake.train.cost import cost, operations_of
from longtake.train.crops import recolour
from longtake.train.frames import FrameData, FrameStore, header
from longtake.train.recipe import Part, Recipe, make_sizes
from longtake.train.task import Batch, plain


class Data(FrameData):
    crop_px: int = 256  # side of the pieces that are cut from the aligned square
    batch: int = 4


class Aims(Part):
    """What the loss adds up."""

    gradient: float = 1.0  # L1 of differences between neighbouring pixels
    codebook: float = 1.0  # entries go to the features that chose them
    commitment: float = 0.25  # and features to their entries
    revive: float = 0.02  # share of the entries unused in a batch that begin anew at one of its features
    revive_until: float = 0.7  # share of the run


class EnhancerCodesTask:
    """Sharp faces in, the same faces out, by way of the codebook."""

    def __init__(self, recipe: Recipe):
        torch.manual_seed(recipe.run.seed)
        self.data, self.aims = Data.checked(recipe.data), Aims.checked(recipe.task)
        self.store = FrameStore(self.data.folder)
        self.sizes = make_sizes(VqganSizes, recipe.sizes)
        self.model = Vqgan(self.sizes)

    def batch(self, rng: np.random.Generator, share: float) -> Batch:
        chosen = rng.choice(self.store.train, self.data.batch)
        return {"pictures": as_pictures(np.stack([self._piece(index, rng) for index in chosen]))}

    def loss(self, model: nn.Module, batch: Batch, share: float) -> tuple[Tensor, dict[str, Tensor]]:
        pictures = batch["pictures"]
        found, features, entries, codes = model(pictures)
        error = found.float() - pictures
        apart = error.abs().mean()
        edges = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
        learn = (entries - features.detach()).float().square().mean()
        commit = (features - entries.detach()).float().square().mean()
        vqgan = plain(model, Vqgan)
        if vqgan.training and share < self.aims.revive_until:
            revive(vqgan.codebook, features, codes, self.aims.revive)
        total = apart + self.aims.gradient * edges / 2 + self.aims.codebook * learn + self.aims.commitment * commit
        used = perplexity(codes, self.sizes.codes)
        return total, {"l1": apart, "edges": edges, "commit": commit, "perplexity": used}

    def frames(self, batch: Batch) -> int:
        return len(batch["pictures"])

    @torch.no_grad()
    def sheet(self, model: nn.Module) -> tuple[np.ndarray, dict[str, float]]:
        faces = np.stack([self._face(index) for index in self.store.examples(8)])
        device = next(model.parameters()).device
        rows = [model(as_pictures(face[None]).to(device)) for face in faces]
        found = as_frames(torch.cat([row[0] for row in rows]))
        codes = torch.cat([row[3] for row in rows])
        numbers = {
            "psnr": float(np.mean([psnr(a, b) for a, b in zip(faces, found, strict=True)])),
            "perplexity_share": float(perplexity(codes, self.sizes.codes)) / self.sizes.codes,
        }
        return np.concatenate([np.concatenate(list(x), axis=1) for x in (faces, found)]), numbers

    def header(self) -> dict[str, Any]:
        return header(self.sizes, self.data, self.aims)

    def _face(self, index: int) -> UInt8[np.ndarray, "side side 3"]:
        square = aligned_square(np.asarray(self.store.landmarks[index], np.float64))
        return cut_square(self.store.frames[index], square, self.sizes.side_px)

    def _piece(self, index: int, rng: np.random.Generator) -> UInt8[np.ndarray, "size size 3"]:
        """A piece of the face's square, which is a little off, as squares found in videos are."""
        square = aligned_square(np.asarray(self.store.landmarks[index], np.float64))
        x, y = rng.normal(0, 0.02 * square.side, 2)
        turn, size = rng.normal(0, 0.03), float(np.exp(rng.normal(0, 0.05)))
        moved = replace(
            square, x=square.x + x, y=square.y + y, side=square.side * size, angle=square.angle + float(turn)
        )
        face = cut_square(self.store.frames[index], moved, self.sizes.side_px)
        top, left = rng.integers(0, self.sizes.side_px - self.data.crop_px + 1, 2)
        piece = recolour(face[top : top + self.data.crop_px, left : left + self.data.crop_px], rng)
        return np.ascontiguousarray(piece[:, ::-1] if rng.random() < 0.5 else piece)


def perplexity(codes: Int[Tensor, "r h w"], count: int) -> Float[Tensor, ""]:
    """How many codes would be as varied if all were used alike."""
    share = torch.bincount(codes.flatten(), minlength=count).float() / codes.numel()
    return torch.special.entr(share).sum().exp()


@torch.no_grad()
def revive(
    codebook: Codebook, features: Float[Tensor, "r c h w"], codes: Int[Tensor, "r h w"], share: float
) -> Int[Tensor, " moved"]:
    """The entries that were unused and drawn to begin anew at a feature of this batch; it depends on nothing before."""
    unused = torch.bincount(codes.flatten(), minlength=codebook.num_embeddings) == 0
    moved = torch.nonzero(unused & (torch.rand(len(unused), device=unused.device) < share)).flatten()
    flat = features.detach().permute(0, 2, 3, 1).flatten(0, 2)
    chosen = flat[torch.randint(len(flat), (len(moved),), device=flat.device)]
    codebook.weight.data[moved] = chosen.to(codebook.weight.dtype)
    return moved


def estimate(recipe: Recipe) -> str:
    """Parameters and work of the recipe, in words."""
    data = Data.checked(recipe.data)
    with torch.device("meta"):
        model = Vqgan(make_sizes(VqganSizes, recipe.sizes))
        picture = torch.zeros(1, 3, data.crop_px, data.crop_px)
    operations = operations_of(lambda: model.decoder(model.encoder(picture)[0]))
    return cost("enhancer, stage A", model, operations, f"a {data.crop_px} px piece")


def build(recipe: Recipe) -> EnhancerCodesTask:
    return EnhancerCodesTask(recipe)
