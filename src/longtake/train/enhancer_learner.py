"""The enhancer as it learns: all that the loss needs in one call, which of it learns in which stage, and how it begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from longtake.models.code_predictor import Layer
from longtake.models.enhancer import Enhancer, in_colours_of
from longtake.models.vqgan import Vqgan

TIME = ("time_norm.", "time.", "time_ff_norm.", "time_ff.")
"""What aligns: it learns in stage C, and nothing else does."""
KNOWN = ("decoder.", "codebook.")
"""What stage A learned stays as it is; the encoder goes on from there."""


class Learner(Enhancer):
    """The enhancer as it learns: all that the loss needs, in one call (data parallelism wants that)."""

    def forward(
        self, given: Float[Tensor, "b f c H W"], align: bool, fidelity: float, top: int, left: int, part: int
    ) -> tuple[Float[Tensor, "r l k"], Float[Tensor, "r c h w"], Float[Tensor, "r 3 h2 w2"] | None]:
        """Scores, features, and the pictures of a part of the code grid; none with `part` 0."""
        b, f = given.shape[:2]
        with torch.set_grad_enabled(torch.is_grad_enabled() and not align):  # stage C leaves the encoder alone
            given = self.steadied(given, align)
            features, seen = self.read(given.flatten(0, 1), fidelity if part else 0.0, at_once=b * f)
        scores = self.predictor(features.unflatten(0, (b, f)), align).flatten(0, 1)
        if not part:
            return scores, features, None
        grid = features.shape[-1]
        kept = {side: cut(x, grid, top, left, part) for side, x in seen[0].items()}
        entries = in_colours_of(self.codebook.entries(scores.argmax(-1).unflatten(1, (grid, grid))), features)
        return scores, features, self.drawn(cut(entries, grid, top, left, part), kept, fidelity)


def learning(enhancer: Enhancer, aligned: bool, parts: Sequence[str] = ()) -> Iterator[nn.Parameter]:
    """The parameters that learn in stage C, or else in stage B; with `parts` only those whose names begin so."""
    for name, parameter in enhancer.named_parameters():
        timely = any(f".{part}" in f".{name}" for part in TIME)
        wanted = timely if aligned else not (timely or name.startswith(KNOWN))
        if wanted and (not parts or name.startswith(tuple(parts))):
            yield parameter


@torch.no_grad()
def begin(enhancer: Enhancer, teacher: Vqgan) -> None:
    """The enhancer begins with what stage A knows, its temporal layers as no-ops: aligned and alone are the same at first."""
    known = ("decoder", "codebook") if enhancer.sizes.latents else ("encoder", "decoder", "codebook")
    for name in known:
        getattr(enhancer, name).load_state_dict(getattr(teacher, name).state_dict())
    forget_time(enhancer)


@torch.no_grad()
def forget_time(enhancer: Enhancer) -> None:
    """The temporal layers become no-ops; the mean over alike frames stays."""
    for layer in enhancer.predictor.layers:
        assert isinstance(layer, Layer)
        for last in (layer.time.out, layer.time_ff.down):
            last.weight.zero_()
            last.bias.zero_()


def cut(x: Float[Tensor, "r c H W"], grid: int, top: int, left: int, part: int) -> Float[Tensor, "r c h w"]:
    """What lies over `part` x `part` places of a code grid of `grid` a side."""
    scale = x.shape[-1] // grid
    return x[..., scale * top : scale * (top + part), scale * left : scale * (left + part)]
