"""The enhancer: a window of frames, made sharp by predicting codes; how true it stays to the input is adjustable."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from longtake.models.alike import mean_of_alike
from longtake.models.code_predictor import CodePredictor, PredictorSizes
from longtake.models.latent_reader import LatentReader, LatentSizes
from longtake.models.vqgan import Codebook, Decoder, Encoder, Residual, VqganSizes


@dataclass(frozen=True)
class EnhancerSizes:
    """Sizes of the enhancer; as they stand those of the published one."""

    vqgan: VqganSizes = field(default_factory=VqganSizes)
    predictor: PredictorSizes = field(default_factory=PredictorSizes)
    fused: tuple[int, ...] = (32, 64, 128, 256)  # sides at which what the encoder saw may enter the decoder
    picture: int = 0  # width of a last fusion, with the picture that is given itself; 0: none
    steady: bool = (
        False  # aligned frames are first averaged where they look alike, so that noise does not pass by the codes
    )
    latents: LatentSizes | None = None  # diffusion latents go in instead of frames


def mini_sizes(latents: bool = False) -> EnhancerSizes:
    """Those of the small enhancer: 4 x 4 pixels are folded into channels first, so that 512 px cost little."""
    return EnhancerSizes(
        VqganSizes(stem=4, widths=(32, 64, 96), layers=1, norm="place", attend=False, code=32, codes=512),
        PredictorSizes(width=96, layers=3, heads=4, ff=192),
        fused=(64, 128),
        picture=0 if latents else 32,
        steady=not latents,
        latents=LatentSizes() if latents else None,
    )


GIVEN = 0
"""Where what was seen of a frame keeps the frame itself, beside the features by their sides."""


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


class PictureFusion(nn.Module):
    """The last fusion, at the picture itself: how much of what was given is kept in each place, and a correction.

    Small networks need it: what is finer than their features would be lost. Pixels are folded as in the stem.
    """

    def __init__(self, width: int, stem: int):
        super().__init__()
        self.stem = stem
        folded = 3 * stem**2
        self.mix = nn.Sequential(
            nn.Conv2d(2 * folded, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.2),
        )
        self.keep, self.shift = (nn.Conv2d(width, folded, 3, padding=1) for _ in range(2))

    def forward(
        self, x: Float[Tensor, "r 3 H W"], seen: Float[Tensor, "r 3 H W"], fidelity: float
    ) -> Float[Tensor, "r 3 H W"]:
        x, seen = (F.pixel_unshuffle(picture, self.stem) for picture in (x, seen))
        mixed = self.mix(torch.cat([seen, x], dim=1))
        change = self.keep(mixed).sigmoid() * (seen - x) + self.shift(mixed)
        return F.pixel_shuffle(x + fidelity * change, self.stem)


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
        if sizes.picture:
            self.picture = PictureFusion(sizes.picture, vqgan.stem)

    def forward(
        self,
        frames: Float[Tensor, "b f c H W"],
        fidelity: float = 0.5,
        align: bool = True,
        at_once: int = 4,
    ) -> Float[Tensor, "b f 3 side side"]:
        """Fidelity 0 trusts the codes alone, 1 stays closest to the input (w of the released code).

        With `align` the frames of a window see each other: in the predictor, and before everything else if the sizes are
        `steady`. Encoder and decoder take `at_once` of them at a time.
        """
        b = frames.shape[0]
        features, seen = self.read(self.steadied(frames, align).flatten(0, 1), fidelity, at_once)
        codes = self.predictor(features.unflatten(0, (b, -1)), align).argmax(-1)
        return torch.cat(list(self.write(codes.flatten(0, 1), features, seen, fidelity, at_once))).unflatten(0, (b, -1))

    def steadied(self, frames: Float[Tensor, "b f c H W"], align: bool) -> Float[Tensor, "b f c H W"]:
        """What is read: the frames, or if they align and the sizes are steady their means where they look alike."""
        return torch.stack([mean_of_alike(window) for window in frames]) if align and self.sizes.steady else frames

    def read(
        self, frames: Float[Tensor, "r c H W"], fidelity: float, at_once: int
    ) -> tuple[Float[Tensor, "r c h w"], list[dict[int, Tensor]]]:
        """The encoder's features, and for each group of frames what it saw on the way, if that is needed."""
        keep = self.sizes.fused if fidelity > 0 else ()
        groups = [(group, *self.encoder(group, keep)) for group in frames.split(at_once)]
        given = bool(self.sizes.picture) and fidelity > 0
        seen = [kept | ({GIVEN: group} if given else {}) for group, _, kept in groups]
        return torch.cat([features for _, features, _ in groups]), seen

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
            yield self.drawn(group, kept, fidelity)

    def drawn(
        self, entries: Float[Tensor, "g c h w"], seen: dict[int, Tensor], fidelity: float
    ) -> Float[Tensor, "g 3 H W"]:
        """The pictures of entries, fused with what was seen."""
        change = {
            side: functools.partial(self.fusion[str(side)], seen=x, fidelity=fidelity)
            for side, x in seen.items()
            if side != GIVEN
        }
        made = self.decoder(entries, change)
        return self.picture(made, seen[GIVEN], fidelity) if GIVEN in seen else made


def in_colours_of(entries: Float[Tensor, "r c h w"], features: Float[Tensor, "r c h w"]) -> Float[Tensor, "r c h w"]:
    """The entries with mean and spread, channel by channel, of the features (adaptive instance normalisation)."""
    own, wanted = _moments(entries), _moments(features)
    return (entries - own[0]) / own[1] * wanted[1] + wanted[0]


def _moments(x: Float[Tensor, "r c h w"]) -> tuple[Tensor, Tensor]:
    variance, mean = torch.var_mean(x.float(), dim=(2, 3), keepdim=True)
    return mean.to(x.dtype), (variance + 1e-5).sqrt().to(x.dtype)
