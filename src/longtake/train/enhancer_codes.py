"""Training the enhancer, stage A: a codebook from which sharp aligned faces can be put together (paper 3.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from pydantic import Field
from torch import Tensor, nn

from longtake.face.align import cut_square
from longtake.media.pixels import as_frames, as_pictures
from longtake.models.vqgan import Codebook, Vqgan, VqganSizes
from longtake.train.autoencoder import psnr
from longtake.train.cost import cost, operations_of
from longtake.train.face_clips import open_clips
from longtake.train.face_windows import Cutting, cut_sharp
from longtake.train.frames import header
from longtake.train.judge import Judge, same_patch, shipped_features
from longtake.train.recipe import Part, Recipe, make_sizes
from longtake.train.task import Batch, plain


class Data(Cutting):
    crop_px: int = Field(default=256, description="side of the pieces that are cut from the square")
    batch: int = 4
    enhancer: Path | None = Field(
        default=None,
        exclude=True,
        description="a finished enhancer: its codebook and decoder stay, and only an encoder that fits them is learned, "
        "whose codes are what further training of it needs",
    )


class Aims(Part):
    """What the loss adds up."""

    gradient: float = Field(default=1.0, description="L1 of differences between neighbouring pixels")
    codebook: float = Field(default=1.0, description="entries go to the features that chose them")
    commitment: float = Field(default=0.25, description="and features to their entries")
    perceptual: float = Field(default=0.0, ge=0, description="distance of features of the package's autoencoder")
    perceptual_px: int = Field(default=128, description="side of the patch that is compared and judged")
    seen_by: Path | None = Field(default=None, exclude=True, description="another autoencoder than the package's")
    adversarial: float = Field(default=0.0, ge=0, description="what a judge of patches says; 0: there is no judge")
    adversarial_from: float = Field(default=0.5, description="share of the run after which it counts")
    revive: float = Field(
        default=0.02, description="share of the entries unused in a batch that begin anew at one of its features"
    )
    revive_until: float = Field(default=0.7, description="share of the run")


class JudgedVqgan(Vqgan):
    """With a judge of its pictures; the judge is called within, as data parallelism wants it."""

    def __init__(self, sizes: VqganSizes):
        super().__init__(sizes)
        self.judge = Judge()

    def forward(self, pictures: Float[Tensor, "r 3 H W"], patch_px: int = 0) -> tuple[Tensor, ...]:
        made = super().forward(pictures)
        if not patch_px:
            return made
        return *made, *self.judge.contest(*same_patch(patch_px, pictures, made[0].float()))


class EnhancerCodesTask:
    """Sharp faces in, the same faces out, by way of the codebook."""

    def __init__(self, recipe: Recipe):
        torch.manual_seed(recipe.run.seed)
        self.data, self.aims = Data.checked(recipe.data), Aims.checked(recipe.task)
        self.clips = open_clips(self.data.folder)
        self.pool = np.concatenate([np.arange(clip.start, clip.stop) for clip in self.clips.train])
        self.sizes = make_sizes(VqganSizes, recipe.sizes)
        self.model = JudgedVqgan(self.sizes) if self.aims.adversarial else Vqgan(self.sizes)
        if self.data.enhancer:
            fit(self.model, self.data.enhancer)
        self.features = shipped_features(self.aims.seen_by) if self.aims.perceptual else None

    def batch(self, rng: np.random.Generator, share: float) -> Batch:
        chosen = rng.choice(self.pool, self.data.batch)
        return {"pictures": as_pictures(np.stack([self._piece(int(index), rng) for index in chosen]))}

    def loss(self, model: nn.Module, batch: Batch, share: float) -> tuple[Tensor, dict[str, Tensor]]:
        pictures, aims = batch["pictures"], self.aims
        judged = aims.adversarial > 0 and share >= aims.adversarial_from
        found, features, entries, codes, *contest = model(pictures, aims.perceptual_px) if judged else model(pictures)
        apart, edges = differences(found.float(), pictures)
        learn = (entries - features.detach()).float().square().mean()
        commit = (features - entries.detach()).float().square().mean()
        vqgan = plain(model, Vqgan)
        if vqgan.training and vqgan.codebook.weight.requires_grad and share < aims.revive_until:
            revive(vqgan.codebook, features, codes, aims.revive)
            _agree(vqgan.codebook)
        total = apart + aims.gradient * edges / 2 + aims.codebook * learn + aims.commitment * commit
        told = {"l1": apart, "edges": edges, "commit": commit, "perplexity": perplexity(codes, self.sizes.codes)}
        if self.features is not None:
            told["perceptual"] = self.features(*same_patch(aims.perceptual_px, found, pictures))
            total = total + aims.perceptual * told["perceptual"]
        if judged:
            told["judge"], told["fooled"] = contest
            total = total + told["judge"] + aims.adversarial * told["fooled"]
        return total, told

    def frames(self, batch: Batch) -> int:
        return len(batch["pictures"])

    @torch.no_grad()
    def sheet(self, model: nn.Module) -> tuple[np.ndarray, dict[str, float]]:
        chosen = [clip[len(clip) // 2] for clip in self.clips.heldout]
        chosen = [chosen[k] for k in np.linspace(0, len(chosen) - 1, 8).astype(int)]
        faces = np.stack([self._face(index) for index in chosen])
        device = next(model.parameters()).device
        rows = [plain(model, Vqgan)(as_pictures(face[None]).to(device)) for face in faces]
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
        return cut_square(self.clips.sharp(index), self.clips.square(index), self.sizes.side_px)

    def _piece(self, index: int, rng: np.random.Generator) -> UInt8[np.ndarray, "size size 3"]:
        face = cut_sharp(self.clips, index, self.sizes.side_px, self.data, rng)[0]
        top, left = rng.integers(0, self.sizes.side_px - self.data.crop_px + 1, 2)
        return np.ascontiguousarray(face[top : top + self.data.crop_px, left : left + self.data.crop_px])


def differences(
    found: Float[Tensor, "r 3 H W"], wanted: Float[Tensor, "r 3 H W"]
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """L1 of the pixels, and of the steps from pixel to pixel, across plus along."""
    error = found - wanted
    return error.abs().mean(), error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()


def perplexity(codes: Int[Tensor, "*places"], count: int) -> Float[Tensor, ""]:
    """How many codes would be as varied if all were used alike."""
    share = torch.bincount(codes.flatten(), minlength=count).float() / codes.numel()
    return torch.special.entr(share).sum().exp()


def fit(model: Vqgan, enhancer: Path) -> None:
    """The model begins with the encoder, codebook and decoder of a finished enhancer, and only the encoder learns."""
    from longtake.weights import files
    from longtake.weights.load import load

    tensors, _ = files.read(enhancer)
    for name in ("encoder", "codebook", "decoder"):
        part = getattr(model, name)
        load(part, {key.removeprefix(f"{name}."): x for key, x in tensors.items() if key.startswith(f"{name}.")})
        part.requires_grad_(name == "encoder")


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


def _agree(codebook: Codebook) -> None:
    """All processes take the first one's codebook: each saw other codes unused."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.broadcast(codebook.weight.data, 0)


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
