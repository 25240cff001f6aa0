"""The second input of the enhancer: latents of the diffusion model, read without decoding them (figure 4 of the paper)."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from longtake.models.blocks import Grow
from longtake.models.vqgan import Residual, VqganSizes, normalise_last


@dataclass(frozen=True)
class LatentSizes:
    """What the latents of a frame are: channels, and places a side."""

    channels: int = 16
    side: int = 16


class LatentReader(nn.Module):
    """Latents to features of the code grid, in the place of `Encoder`; what it makes on the way up is kept for the fusions.

    Latents are smaller than the code grid or as large, and the features for finer fusions are grown out of them.
    """

    def __init__(self, sizes: VqganSizes, latents: LatentSizes, finest: int):
        super().__init__()
        grow = sizes.grid // latents.side
        assert grow * latents.side == sizes.grid and grow & (grow - 1) == 0, (
            "the code grid is a power of two times theirs"
        )
        width = sizes.widths[-1]
        self.side = latents.side
        blocks: list[nn.Module] = [nn.Conv2d(latents.channels, width, 3, padding=1), Residual(width, width, sizes)]
        for _ in range(grow.bit_length() - 1):
            blocks += [Grow(width), Residual(width, width, sizes)]
        self.grid = nn.ModuleList(blocks)
        self.features = nn.Sequential(normalise_last(sizes, width), nn.Conv2d(width, sizes.code, 3, padding=1))
        finer: dict[str, nn.Module] = {}
        for side, narrower in reversed(list(zip(sizes.sides, sizes.widths, strict=True))[:-1]):
            if side <= finest:
                finer[str(side)] = nn.Sequential(Grow(width), Residual(width, narrower, sizes))
                width = narrower
        self.finer = nn.ModuleDict(finer)

    def forward(
        self, latents: Float[Tensor, "r c k k"], keep: tuple[int, ...] = ()
    ) -> tuple[Float[Tensor, "r d h w"], dict[int, Tensor]]:
        """The features, and what the fusions at the sides `keep` may read."""
        x = latents
        for block in self.grid:
            x = block(x)
        features = self.features(x)
        kept = {x.shape[-1]: x}
        for side, block in self.finer.items():
            if keep and int(side) <= max(keep):
                x = block(x)
                kept[int(side)] = x
        return features, {side: x for side, x in kept.items() if side in keep}
