"""The enhancer: a window of frames, made sharp by predicting codes; how true it stays to the input is adjustable."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from longtake.models.code_predictor import CodePredictor, PredictorSizes
from longtake.models.vqgan import Codebook, Decoder, Encoder, Residual, VqganSizes


@dataclass(frozen=True)
class EnhancerSizes:
    """Sizes of the enhancer; as they stand those of the published one."""

    vqgan: VqganSizes = field(default_factory=VqganSizes)
    predictor: PredictorSizes = field(default_factory=PredictorSizes)
    fused: tuple[int, ...] = (32, 64, 128, 256)  # sides at which what the encoder saw may enter the decoder


def mini_sizes() -> EnhancerSizes:
    """Those of the small enhancer: 4 x 4 pixels are folded into channels first, so that 512 px cost little."""
    return EnhancerSizes(
        VqganSizes(stem=4, widths=(32, 64, 96, 144), code=64, codes=512, groups=16),
        PredictorSizes(width=192, layers=4, heads=4, ff=384),
        fused=(32, 64),
    )


class Fusion(nn.Module):
    """Controllable feature fusion: the encoder's features scale and shift the decoder's."""

    def __init__(self, width: int, groups: int):
        super().__init__()
        self.mix = Residual(2 * width, width, groups)
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
        self.encoder, self.decoder = Encoder(vqgan), Decoder(vqgan)
        self.codebook = Codebook(vqgan.codes, vqgan.code)
        self.predictor = CodePredictor(sizes.predictor, vqgan.code, vqgan.codes, vqgan.grid**2)
        width_at = dict(zip(vqgan.sides, vqgan.widths, strict=True))
        self.fusion = nn.ModuleDict({str(side): Fusion(width_at[side], vqgan.groups) for side in sizes.fused})

    def forward(
        self,
        frames: Float[Tensor, "b f 3 H W"],
        fidelity: float = 0.5,
        align: bool = True,
        at_once: int = 4,
    ) -> Float[Tensor, "b f 3 H W"]:
        """Fidelity 0 trusts the codes alone, 1 stays closest to the input (w of the released code).

        Only the predictor sees the frames together; encoder and decoder take `at_once` of them at a time.
        """
        b = frames.shape[0]
        features, seen = self.read(frames.flatten(0, 1), fidelity, at_once)
        codes = self.predictor(features.unflatten(0, (b, -1)), align).argmax(-1)
        return torch.cat(list(self.write(codes.flatten(0, 1), features, seen, fidelity, at_once))).unflatten(0, (b, -1))

    def read(
        self, frames: Float[Tensor, "r 3 H W"], fidelity: float, at_once: int
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
