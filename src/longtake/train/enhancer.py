"""Training the enhancer, stages B and C: codes of sharp faces from spoiled ones, then alignment over frames (paper 3.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from longtake.errors import CorpusError, SettingsError
from longtake.media.pixels import as_frames, as_pictures
from longtake.models.enhancer import Enhancer, EnhancerSizes, mini_sizes
from longtake.models.vqgan import Vqgan
from longtake.train.autoencoder import psnr
from longtake.train.cost import cost, operations_of
from longtake.train.enhancer_codes import differences, perplexity
from longtake.train.enhancer_learner import Learner, begin, cut, learning
from longtake.train.face_clips import open_clips
from longtake.train.face_windows import Cutting, cut_window, draw_window
from longtake.train.frames import header
from longtake.train.recipe import Part, Recipe, make_sizes
from longtake.train.task import Batch, plain

SHOWN = 0.7
"""Fidelity of the sheet: what `longtake enhance` takes by default."""
SIZES = {"mini": mini_sizes, "paper": EnhancerSizes}


class Data(Cutting):
    codes: Path | None = Field(
        default=None, exclude=True, description="weights of stage A, whose codes are to be predicted"
    )
    frames: int = Field(default=16, ge=1, description="frames of a window; stage B sees them one by one")
    batch: int = Field(default=1, ge=1, description="windows")


class Aims(Part):
    """What the loss adds up."""

    codes: float = Field(default=0.5, description="cross-entropy of the codes")
    features: float = Field(default=1.0, description="squares between the features and the true entries (stage B)")
    pixels: float = Field(
        default=1.0, description="L1 of pixels and of the steps between them, on a part of the pictures (stage B)"
    )
    part: int = Field(
        default=12, ge=0, description="places a side of the code grid that are made into pixels; 0 is all"
    )
    fidelity: tuple[float, float] = Field(default=(0.5, 1.0), description="from where to where it is drawn")
    learns: list[str] = Field(
        default_factory=list, description="what the names begin with that learn, of those of the stage; empty: all"
    )


class EnhancerTask:
    """Spoiled faces in, the codes of the sharp ones out; alone (stage B) or in windows that see each other (stage C)."""

    def __init__(self, recipe: Recipe):
        torch.manual_seed(recipe.run.seed)
        self.data, self.aims = Data.checked(recipe.data), Aims.checked(recipe.task)
        self.aligned = recipe.kind == "enhancer_align"
        self.clips = open_clips(self.data.folder)
        self.sizes = read_sizes(recipe)
        self.model = Learner(self.sizes).requires_grad_(False)
        self.teacher = _teacher(self.data, self.sizes)
        begin(self.model, self.teacher)
        for parameter in learning(self.model, self.aligned, self.aims.learns):
            parameter.requires_grad_(True)
        if self.sizes.latents and self.clips.latents(self.clips.train[0][0]) is None:
            raise CorpusError(
                f"{self.data.folder} has no latents.", do=f"python -m longtake.train.pack own {self.data.folder}"
            )

    def batch(self, rng: np.random.Generator, share: float) -> Batch:
        return self._stacked(
            [draw_window(self.clips.train, self.data.frames, rng) for _ in range(self.data.batch)], rng
        )

    def loss(self, model: nn.Module, batch: Batch, share: float) -> tuple[Tensor, dict[str, Tensor]]:
        sharp, given, aims = batch["sharp"], batch["given"], self.aims
        if not self.aligned:  # every frame for itself
            sharp, given = (x.flatten(0, 1)[:, None] for x in (sharp, given))
        wanted, entries = self._true(sharp.flatten(0, 1))
        grid = self.sizes.vqgan.grid
        part = min(aims.part or grid, grid)
        top, left = (int(torch.randint(grid - part + 1, ())) for _ in range(2))
        fidelity = float(torch.empty(()).uniform_(*aims.fidelity))
        part = part if aims.pixels and not self.aligned else 0  # a code is chosen or not: pixels teach time nothing
        scores, features, found = model(given, self.aligned, fidelity, top, left, part)
        told = {"codes": F.cross_entropy(scores.float().flatten(0, 1), wanted.flatten())}
        told["right"] = (scores.argmax(-1) == wanted).float().mean()
        total = aims.codes * told["codes"]
        if not self.aligned:
            told["features"] = (features.float() - entries).square().mean()
            total = total + aims.features * told["features"]
        if found is not None:
            true = cut(sharp.flatten(0, 1), grid, top, left, part)
            rim = self.sizes.vqgan.side_px // grid if part < grid else 0  # its neighbours were left out
            found, true = (x[..., rim : x.shape[-2] - rim, rim : x.shape[-1] - rim] for x in (found.float(), true))
            told["l1"], edges = differences(found, true)
            total = total + aims.pixels * (told["l1"] + edges / 2)
        return total, told

    def frames(self, batch: Batch) -> int:
        return batch["sharp"].shape[0] * batch["sharp"].shape[1]

    @torch.no_grad()
    def sheet(self, model: nn.Module) -> tuple[np.ndarray, dict[str, float]]:
        """Four held-out windows: true, given, made, and made by each frame for itself."""
        rng = np.random.default_rng(0)
        clips = [self.clips.heldout[k] for k in np.linspace(0, len(self.clips.heldout) - 1, 4).astype(int)]
        net, device = plain(model, Learner), next(model.parameters()).device
        rows, numbers = [], []
        for clip in clips:
            batch = self._stacked([range(clip.start, clip.start + min(self.data.frames, len(clip)))], rng)
            sharp, given = batch["sharp"], batch["given"].to(device)
            made, alone = (
                Enhancer.forward(net, given, SHOWN, align, at_once=1)[0].float().cpu()
                for align in (self.aligned, False)
            )
            wanted, _ = self._true(sharp.flatten(0, 1))
            codes = net.predictor(net.read(given.flatten(0, 1), 0.0, 1)[0][None], self.aligned).argmax(-1)[0]
            numbers.append(
                {
                    "psnr": psnr(as_frames(made), as_frames(sharp[0])),
                    "psnr_alone": psnr(as_frames(alone), as_frames(sharp[0])),
                    "right": float((codes.cpu() == wanted.cpu()).float().mean()),
                    "perplexity_share": float(perplexity(codes, self.sizes.vqgan.codes)) / self.sizes.vqgan.codes,
                    "change": float((made - sharp[0]).diff(dim=0).abs().mean()) if len(made) > 1 else 0.0,
                    "change_alone": float((alone - sharp[0]).diff(dim=0).abs().mean()) if len(made) > 1 else 0.0,
                }
            )
            shown = given[0, 0].cpu() if not self.sizes.latents else torch.zeros_like(sharp[0, 0])
            rows.append(np.concatenate(list(as_frames(torch.stack([sharp[0, 0], shown, made[0], alone[0]])))))
        means = {name: float(np.mean([row[name] for row in numbers])) for name in numbers[0]}
        return np.concatenate(rows, axis=1), means

    def header(self) -> dict[str, Any]:
        return header(self.sizes, self.data, self.aims)

    def _stacked(self, windows: list[range], rng: np.random.Generator) -> Batch:
        side = self.sizes.vqgan.side_px
        if self.sizes.latents:
            sharp = np.stack([np.stack([_at(self.clips.sharp(k), side) for k in w]) for w in windows])
            latents = np.stack([np.stack([np.asarray(self.clips.latents(k)) for k in w]) for w in windows])
            return {"sharp": _pictures(sharp), "given": torch.from_numpy(latents).float()}
        cuts = [cut_window(self.clips, window, side, self.data, rng) for window in windows]
        sharp, given = (np.stack([pair[k] for pair in cuts]) for k in range(2))
        return {"sharp": _pictures(sharp), "given": _pictures(given)}

    @torch.no_grad()
    def _true(self, sharp: Float[Tensor, "r 3 H W"]) -> tuple[Int[Tensor, "r l"], Float[Tensor, "r c h w"]]:
        """Codes and entries of the sharp pictures."""
        teacher = self.teacher.to(sharp.device)
        codes = torch.cat([teacher.codebook.nearest(teacher.encoder(group)[0]) for group in sharp.split(4)])
        return codes.flatten(1), teacher.codebook.entries(codes).float()


def read_sizes(recipe: Recipe) -> EnhancerSizes:
    """The sizes that [sizes] names: those of mini, with or without latents for input, or the published ones."""
    table = dict(recipe.sizes)
    name = table.pop("of", "mini")
    if name not in SIZES:
        raise SettingsError(f"There are no sizes {name!r}.", expected="sizes.of = " + " or ".join(map(repr, SIZES)))
    return make_sizes(SIZES[name], table)


def _teacher(data: Data, sizes: EnhancerSizes) -> Vqgan:
    """Stage A's network, whose codes of the sharp pictures are the truth."""
    from longtake.weights import files
    from longtake.weights.load import load

    teacher = Vqgan(sizes.vqgan)
    if data.codes is None:
        raise SettingsError("data.codes is missing.", expected="weights of stage A (enhancer_codes)", do="name them")
    tensors, _ = files.read(data.codes)
    load(teacher, {name: x for name, x in tensors.items() if not name.startswith("judge.")})
    return teacher.eval().requires_grad_(False)


def _at(picture: np.ndarray, side: int) -> np.ndarray:
    import cv2

    return picture if len(picture) == side else cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)


def _pictures(frames: np.ndarray) -> Float[Tensor, "b f 3 H W"]:
    return as_pictures(frames.reshape(-1, *frames.shape[2:])).unflatten(0, frames.shape[:2])


def estimate(recipe: Recipe) -> str:
    """Parameters and work of the recipe, in words."""
    sizes, data, aims = read_sizes(recipe), Data.checked(recipe.data), Aims.checked(recipe.task)
    aligned = recipe.kind == "enhancer_align"
    latents, side = sizes.latents, sizes.vqgan.side_px
    with torch.device("meta"):
        enhancer = Learner(sizes).requires_grad_(False)  # the counter stumbles over parameters without a graph
        shape = (latents.channels, latents.side, latents.side) if latents else (3, side, side)
        given = torch.zeros(1, data.frames if aligned else 1, *shape)
    part = min(aims.part or sizes.vqgan.grid, sizes.vqgan.grid)
    operations = operations_of(lambda: enhancer(given, aligned, 1.0, 0, 0, part))
    learn = sum(p.numel() for p in learning(enhancer, aligned, aims.learns)) / 1e6
    line = cost(f"enhancer, stage {'C' if aligned else 'B'}", enhancer, operations / given.shape[1], "a frame")
    return f"{line}; {learn:.2f} M learn, the true codes come on top"


def build(recipe: Recipe) -> EnhancerTask:
    return EnhancerTask(recipe)
