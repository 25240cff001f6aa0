"""What a stage recipe would train and cost, counted on networks without memory (the meta device)."""

from __future__ import annotations

import torch
from torch import nn

from longtake.train.cost import operations_of
from longtake.train.learner import Learner, Told
from longtake.train.recipe import Recipe
from longtake.train.stage_settings import choose_what_learns, settings_of, sizes_for

GIB = 2**30


def describe(recipe: Recipe) -> str:
    """A few lines: parameters that learn, memory for weights and optimiser, FLOPs of a step and of the run."""
    settings, sizes = settings_of(recipe), sizes_for(recipe)
    with torch.device("meta"):
        model = Learner(sizes)
    choose_what_learns(model, settings)
    counts = {name: (_count(part), _count(part, learning=True)) for name, part in model.named_children()}
    total, learning = (sum(pair[k] for pair in counts.values()) for k in (0, 1))
    # bf16 weights; float32 master copy, gradient, two moments and average of what learns
    memory = (2 * total + 5 * 4 * learning) / GIB
    flops = 3 * count_flops(model, settings)  # the backward pass costs about two forward ones
    seen = recipe.run.steps * settings.clips * settings.frames * recipe.learning.accumulate
    return "\n".join(
        [
            f"{recipe.kind}: {recipe.run.steps} steps of {settings.clips} clips x {settings.frames} frames = {seen} frames",
            *(
                f"  {name:20} {_millions(all_)} M parameters, {_millions(some)} M learn"
                for name, (all_, some) in counts.items()
            ),
            f"  {'all':20} {_millions(total)} M parameters, {_millions(learning)} M learn",
            f"  weights, gradients, moments, average: {memory:.1f} GiB; activations come on top",
            f"  {flops / 1e12:.2f} TFLOP a step, {flops * recipe.run.steps / 1e15:.2f} PFLOP in all",
        ]
    )


def count_flops(model: Learner, settings) -> int:
    """Floating-point operations (2 x multiply-add) of one forward pass."""
    unet, b, f = model.sizes.denoiser.unet, settings.clips, settings.frames
    side = 64 if unet.latent == 4 else 16
    make = lambda *shape: torch.zeros(shape, device="meta")  # noqa: E731
    speech, window = model.sizes.speech, model.sizes.speech.window
    told = Told(
        reference=make(b, unet.latent, side, side),
        motion=make(b, settings.motion, unet.latent, side, side) if settings.motion else None,
        speech=make(b, f, window, speech.layers, speech.features) if settings.speech else None,
        identity=make(b, model.sizes.identity.embedding),
        regions=tuple(make(b, 3, side >> level, side >> level) for level in range(len(unet.channels))),
        rectangle=make(b, 3, side * model.sizes.locator.factor, side * model.sizes.locator.factor),
        has_portrait=torch.ones(b, dtype=torch.bool),
        has_speech=torch.ones(b, dtype=torch.bool),
        eyes=make(b, *2 * [side * model.sizes.locator.factor]),
        lids=make(b, f) if settings.lids else None,
        words=make(b, f, model.sizes.denoiser.words) if settings.words else None,
    )
    return operations_of(lambda: model(make(b, unet.latent, f, side, side), make(b, f), told))


def _count(part: nn.Module, learning: bool = False) -> int:
    return sum(p.numel() for p in part.parameters() if p.requires_grad or not learning)


def _millions(count: int) -> str:
    return f"{count / 1e6:9.2f}"
