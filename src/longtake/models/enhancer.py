"""The enhancer: a window of frames, made sharp by predicting codes; how true it stays to the input is adjustable."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from longtake.models.code_predictor import CodePredictor, PredictorSizes
from longtake.models.latent_reader import LatentReader, LatentSizes
from longtake.models.vqgan import Codebook, Decoder, Encoder, Residual, VqganSizes


@dataclass(frozen=True)
class EnhancerSizes:
    """Sizes of the enhancer; as they stand those of the published one."""

    vqgan: VqganSizes = field(default_factory=VqganSizes)
    predictor: PredictorSizes = field(default_factory=PredictorSizes)
    fused: tuple[int, ...] = (32, 64, 128, 256)  # sides at which what the encoder saw may enter the decoder
    steady: bool = False  # the frames align there too, so that what passes by the codes does not flicker
    latents: LatentSizes | None = None  # diffusion latents go in instead of frames


def mini_sizes(latents: bool = False) -> EnhancerSizes:
    """Those of the small enhancer: 4 x 4 pixels are folded into channels first, so that 512 px cost little."""
    return EnhancerSizes(
        VqganSizes(stem=4, widths=(32, 64, 96), layers=1, norm="place", attend=False, code=32, codes=512),
        PredictorSizes(width=96, layers=3, heads=4, ff=192),
        fused=(64, 128),
        steady=True,
        latents=LatentSizes() if latents else None,
    )


class Align(nn.Module):
    """Each place moves towards what the frames that look alike there show; frames that are equal stay, and at first all do."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.out = nn.Linear(width, width, bias=False)
        nn.init.zeros_(self.out.weight)

    def forward(self, seen: Float[Tensor, "f c h w"]) -> Float[Tensor, "f c h w"]:
        rows = seen.permute(2, 3, 0, 1).flatten(0, 1)  # (h·w) × frames × width, as in the predictor
        normed = self.norm(rows)
        others = F.scaled_dot_product_attention(self.query(normed), self.key(normed), rows)
        rows = rows + self.out(others - rows)
        return rows.unflatten(0, seen.shape[2:]).permute(2, 3, 0, 1)


class Fusion(nn.Module):
    """Controllable feature fusion: the encoder's features scale and shift the decoder's."""

    def __init__(self, width: int, sizes: VqganSizes):
        super().__init__()
        self.mix = Residual(2 * width, width, sizes)
        self.scale, self.shift = (
            nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(width, width, 3, padding=1)
            )
            for _ in range(2)
        )

    def forward(
        self, x: Float[Tensor, "r c h w"], seen: Float[Tensor, "r c h w"], fidelity: float
    ) -> Float[Tensor, "r c h w"]:
        mixed = self.mix(torch.cat([seen, x], dim=1))
        return x + fidelity * (x * self.scale(mixed) + self.shift(mixed))


class Enhancer(nn.Module):
    """Frames in [-1, 1] to sharp ones of the same size, which is that of `sizes`."""

    def __init__(self, sizes: EnhancerSizes = EnhancerSizes()):
        super().__init__()
        self.sizes = sizes
        vqgan = sizes.vqgan
        if sizes.latents is None:
            self.encoder = Encoder(vqgan)
        else:
            self.encoder = LatentReader(vqgan, sizes.latents, max(sizes.fused, default=0))
        self.decoder = Decoder(vqgan)
        self.codebook = Codebook(vqgan.codes, vqgan.code)
        self.predictor = CodePredictor(sizes.predictor, vqgan.code, vqgan.codes, vqgan.grid**2)
        width_at = dict(zip(vqgan.sides, vqgan.widths, strict=True))
        self.fusion = nn.ModuleDict({str(side): Fusion(width_at[side], vqgan) for side in sizes.fused})
        steady = sizes.fused if sizes.steady else ()
        self.steady = nn.ModuleDict({str(side): Align(width_at[side]) for side in steady})

    def forward(
        self,
        frames: Float[Tensor, "b f c H W"],
        fidelity: float = 0.5,
        align: bool = True,
        at_once: int = 4,
    ) -> Float[Tensor, "b f 3 side side"]:
        """Fidelity 0 trusts the codes alone, 1 stays closest to the input (w of the released code).

        Only the predictor, and `steady` where there is any, see the frames together; encoder and decoder take `at_once` of
        them at a time.
        """
        b = frames.shape[0]
        features, seen = self.read(frames.flatten(0, 1), fidelity, at_once)
        if align and self.steady:
            seen = self.aligned(seen, b)
        codes = self.predictor(features.unflatten(0, (b, -1)), align).argmax(-1)
        return torch.cat(list(self.write(codes.flatten(0, 1), features, seen, fidelity, at_once))).unflatten(0, (b, -1))

    def aligned(self, seen: list[dict[int, Tensor]], batch: int) -> list[dict[int, Tensor]]:
        """What the encoder saw in each group of frames, aligned over all frames of each of `batch` windows."""
        counts = [next(iter(kept.values())).shape[0] if kept else 0 for kept in seen]
        out: list[dict[int, Tensor]] = [{} for _ in seen]
        for side in seen[0]:
            windows = torch.cat([kept[side] for kept in seen]).chunk(batch)
            whole = torch.cat([self.steady[str(side)](window) for window in windows])
            for group, part in zip(out, whole.split(counts), strict=True):
                group[side] = part
        return out

    def read(
        self, frames: Float[Tensor, "r c H W"], fidelity: float, at_once: int
    ) -> tuple[Float[Tensor, "r c h w"], list[dict[int, Tensor]]]:
        """The encoder's features, and for each group of frames what it saw on the way, if that is needed."""
        keep = self.sizes.fused if fidelity > 0 else ()
        groups = [self.encoder(group, keep) for group in frames.split(at_once)]
        return torch.cat([features for features, _ in groups]), [seen for _, seen in groups]

    def write(
        self,
        codes: Int[Tensor, "r l"],
        features: Float[Tensor, "r c h w"],
        seen: list[dict[int, Tensor]],
        fidelity: float,
        at_once: int,
    ) -> Iterator[Float[Tensor, "g 3 H W"]]:
        """The pictures of the codes, group by group, in the colours of the features."""
        entries = self.codebook.entries(codes.unflatten(1, features.shape[2:]))
        entries = in_colours_of(entries, features)
        for group, kept in zip(entries.split(at_once), seen, strict=True):
            change = {
                side: functools.partial(self.fusion[str(side)], seen=x, fidelity=fidelity) for side, x in kept.items()
            }
            yield self.decoder(group, change)


def in_colours_of(entries: Float[Tensor, "r c h w"], features: Float[Tensor, "r c h w"]) -> Float[Tensor, "r c h w"]:
    """The entries with mean and spread, channel by channel, of the features (adaptive instance normalisation)."""
    own, wanted = _moments(entries), _moments(features)
    return (entries - own[0]) / own[1] * wanted[1] + wanted[0]


def _moments(x: Float[Tensor, "r c h w"]) -> tuple[Tensor, Tensor]:
    variance, mean = torch.var_mean(x.float(), dim=(2, 3), keepdim=True)
    return mean.to(x.dtype), (variance + 1e-5).sqrt().to(x.dtype)
