"""One forward of our five networks with the weights of the golden arrays, and every intermediate value they list."""

import re

import torch
import weight_rule as rule
from torch import Tensor

from longtake.models.animation import Animation, hallo2_sizes
from longtake.models.pairing import context_rows, frame_reads
from longtake.models.told import Conditions
from longtake.weights.load import load_published
from longtake.weights.names import published as published_name

TINY = (32, 64, 128, 128)
SHORT = {"reference_net": "ref", "denoiser": "den", "locator": "face_locator"}


def tiny_animation() -> Animation:
    """The published networks at the width of the golden arrays, with their weights."""
    animation = Animation(hallo2_sizes(TINY))
    shapes = {published_name(name): tuple(x.shape) for name, x in animation.state_dict().items()}
    load_published(animation, rule.weights(shapes))
    return animation.eval().requires_grad_(False)


def run(animation: Animation, options: dict) -> dict[str, Tensor]:
    """All taps of one forward, under the names of the golden file."""
    given = rule.network_inputs(options["latent"], options["frames"], options["motion"], options["seed"])
    taps: dict[str, Tensor] = {}
    b, f, n = (2 if options["guidance"] else 1), options["frames"], options["motion"]
    hooks = _listen(animation, taps, b, n if options["reference"] else 4)
    try:
        taps["out"] = _forward(animation, given, options, taps, b, f, n)
        taps["den.mid_block"] = taps["den.mid_block.resnets.1"]
    finally:
        for hook in hooks:
            hook.remove()
    return taps


def _forward(animation, given, options, taps, b, f, n) -> Tensor:
    embeddings = torch.cat([torch.zeros_like(given["identity"]), given["identity"]])
    taps["image_tokens"] = animation.identity_projection(embeddings)
    identity = taps["image_tokens"][-b:]
    speech = taps["audio_tokens"] = animation.speech_projection(given["speech"])
    locator = animation.locator(given["rectangle"])
    taps["face_locator"] = locator[:, :, None].expand(-1, -1, f, -1, -1)
    present = torch.tensor([False, True])[-b:]
    features, motion = None, None
    if options["reference"]:
        bank = animation.reference_net(given["pictures"].repeat(b, 1, 1, 1), context_rows(identity, 1 + n, "published"))
        if options["bank"] == "fp16":
            bank = {name: value.half().float() for name, value in bank.items()}
        taps.update({f"bank.{_bank_name(name)}": value for name, value in bank.items()})
        rows = {name: value.unflatten(0, (b, 1 + n)) for name, value in bank.items()}
        features = {name: value[:, 0] for name, value in rows.items()}
        motion = {name: value[:, 1:] for name, value in rows.items()}
    else:
        motion = _empty_bank(animation, options["latent"])
    told = Conditions(
        identity=identity,
        regions=tuple(mask.expand(b, -1, -1, -1) for mask in given["regions"]),
        reference=features,
        reads=frame_reads(b, f, "published"),
        has_reference=present,
        motion=motion,
        speech=speech.expand(b, -1, -1, -1),
        has_speech=present,
        locator=torch.cat([torch.zeros_like(locator), locator])[-b:, None],
        region_weights=tuple(options["weights"]),
    )
    prepared = animation.denoiser.prepare(told, f)
    return animation.denoiser(given["latents"].repeat(b, 1, 1, 1, 1), torch.full((b,), options["timestep"]), prepared)


def _empty_bank(animation: Animation, latent: int) -> dict[str, Tensor]:
    """The published stand-in for an image that was dropped in training: four motion frames of zeros."""
    sizes = animation.sizes.denoiser.unet
    places = {layer.name: layer.level for layer in animation.denoiser.attending()}
    return {
        name: torch.zeros(1, 4, max(latent >> level, 1) ** 2, sizes.channels[level]) for name, level in places.items()
    }


def _bank_name(place: str) -> str:
    return published_name(f"denoiser.{_layer(place)}.transformer").removeprefix("denoising_unet.")


def _layer(place: str) -> str:
    return re.sub(r"(\w+)\.(\d+)\.(\d+)", r"\1.\2.layers.\3", place)


def _listen(animation: Animation, taps: dict[str, Tensor], b: int, n: int) -> list:
    """Hooks on every part that the golden arrays name."""
    hooks = []
    for name, module in animation.named_modules():
        net, _, place = name.partition(".")
        kind = place.rpartition(".")[2]
        whole = kind in ("resnet", "mid_resnet", "transformer", "audio", "motion", "shrink", "grow")
        if net not in ("reference_net", "denoiser") or not (whole or place in ("conv_in", "norm_out", "step")):
            continue
        key = published_name(name).split(".", 1)[1].removesuffix(".temporal_transformer")
        key = "time_embedding" if place == "step" else key
        frames_apart = net == "denoiser" and place != "step"
        hooks.append(module.register_forward_hook(_store(taps, f"{SHORT[net]}.{key}", b, n, frames_apart, kind)))
    return hooks


def _store(taps, key, b, n, frames_apart, kind):
    def hook(_module, _inputs, output):
        value = output[0] if isinstance(output, tuple) else output
        if kind == "step":
            value = value[:, 0] if value.ndim == 3 else value
        if frames_apart:
            value = value.unflatten(0, (b, -1)).transpose(1, 2)
        if kind == "motion":  # the published module also returns the motion frames, which nobody reads; we skip them
            unknown = torch.full_like(value[:, :, :1], torch.nan).expand(-1, -1, n, -1, -1)
            value = torch.cat([unknown, value], dim=2)
        taps[key] = value

    return hook
