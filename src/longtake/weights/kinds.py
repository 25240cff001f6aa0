"""What is in a published file, told by its tensors' names; which tensors it must have; and what they are called here.

The networks themselves, built without memory, say which names and shapes are right, at any width.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from longtake.errors import WeightsMismatch
from longtake.models.animation import Animation, AnimationSizes, hallo2_sizes
from longtake.models.enhancer import Enhancer, EnhancerSizes
from longtake.models.rrdb import Rrdb, RrdbSizes
from longtake.models.vae import SCALE, Vae, VaeSizes
from longtake.weights import files, names, wav2vec2
from longtake.weights.load import troubles
from longtake.weights.source import Facts, Source

Shapes = dict[str, tuple[int, ...]]
MARKS: dict[str, str] = {  # kind → a name that no other kind has; looked for in this order
    "net": r"denoising_unet\.conv_in\.weight",
    "motion": r"down_blocks\.\d\.motion_modules\.\d\.temporal_transformer\.norm\.weight",
    "vae": r"decoder\.mid_block\.resnets\.0\.norm1\.weight",
    "unet": r"down_blocks\.0\.attentions\.0\.transformer_blocks\.0\.attn1\.to_q\.weight",
    "net_g": r"ft_layers\.\d\.temp_attn\.in_proj_weight",
    "codeformer": r"ft_layers\.\d\.self_attn\.in_proj_weight",
    "rrdb": r"body\.\d+\.rdb1\.conv1\.weight",
    "wav2vec2": r"(wav2vec2\.)?feature_extractor\.conv_layers\.\d\.conv\.weight",
    "animation": r"denoiser\.conv_in\.weight",
    "enhancer": r"predictor\.layers\.\d\.time\.project\.weight",
}
ABOUT: dict[str, str] = {
    "net": "the five networks that animate (net.pth)",
    "motion": "AnimateDiff's motion modules",
    "vae": "the autoencoder (sd-vae-ft-mse)",
    "unet": "the U-Net of Stable Diffusion 1.5",
    "net_g": "the enhancer (net_g.pth)",
    "codeformer": "CodeFormer for single pictures",
    "rrdb": "what enlarges pictures (Real-ESRGAN)",
    "wav2vec2": "wav2vec2",
    "animation": "networks of longtake",
    "enhancer": "the enhancer of longtake",
}


@dataclass(frozen=True)
class Plan:
    """How a published file becomes one of ours."""

    kind: str
    moves: dict[str, str]  # published name → ours, in the order of the file
    shapes: Shapes  # of ours
    skipped: tuple[str, ...] = ()  # never used
    about: dict[str, Any] = field(default_factory=dict)  # the header


def kind_of(facts: Mapping[str, Facts]) -> str:
    """What the file is; empty if none of the kinds we know."""
    for kind, mark in MARKS.items():
        if any(re.fullmatch(mark, name) for name in facts):
            return kind
    return ""


def plan(source: Source) -> Plan:
    """What to do with each tensor; raises WeightsMismatch with every name that is missing, unknown or misshapen."""
    kind = kind_of(source.facts)
    plans = {"net": _net, "motion": _motion, "unet": _unet, "vae": _vae, "net_g": _net_g, "rrdb": _rrdb}
    if kind not in plans:
        raise WeightsMismatch(
            f"{source.path} holds {ABOUT[kind]}."
            if kind
            else f"The tensors in {source.path} are of no model known here.",
            expected=", ".join(ABOUT[known] for known in plans),
            do="longtake weights check FOLDER says which file is which",
        )
    made = plans[kind](source)
    return replace(
        made, about={"kind": made.kind, "source": source.path.name, "skipped": len(made.skipped), **made.about}
    )


def must_be(source: Source) -> int:
    """How many tensors of the file are never used; raises WeightsMismatch if it does not have exactly what it should."""
    kind = kind_of(source.facts)
    if kind == "wav2vec2":
        now = wav2vec2.present(source.facts)
        facts = {now[name]: fact for name, fact in source.facts.items() if name in now}
        _must_fit(source, wav2vec2.shapes(_config(source.path)), facts)
        return 0
    if kind == "animation":
        used = {name: fact for name, fact in source.facts.items() if not names.OURS_ONLY.match(name)}
        sizes = files.sizes(source.path, files.about(source.path), AnimationSizes)
        _must_fit(source, animation_shapes(sizes), used)
        return 0
    if kind == "enhancer":
        sizes = files.sizes(source.path, files.about(source.path), EnhancerSizes)
        _must_fit(source, {names.enhancer(name): shape for name, shape in net_g_shapes(sizes).items()})
        return 0
    return len(plan(source).skipped)


def animation_sizes(facts: Mapping[str, Facts]) -> AnimationSizes:
    """The sizes of the networks in net.pth; speech comes in twelve layers, as published, of whatever width fits."""
    try:
        shape = {name: facts[name].shape for name in facts}
        unet = "denoising_unet"
        widths = _widths(shape, f"{unet}.down_blocks.{{}}.resnets.0.conv1.weight")
        motion = "mid_block.motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.0"
        table = shape[f"{unet}.{motion}.pos_encoder.pe"]
        sizes = hallo2_sizes(widths)
        hidden, told = shape["audioproj.proj1.weight"]
        per_layer = told // (sizes.speech.window * sizes.speech.layers)
        return replace(
            sizes,
            denoiser=replace(sizes.denoiser, positions=table[1]),
            speech=replace(sizes.speech, hidden=hidden, features=per_layer),
        )
    except (KeyError, ValueError, IndexError):
        return hallo2_sizes()  # the comparison of names will tell what is wrong


def net_shapes(sizes: AnimationSizes | None = None) -> Shapes:
    """Published name → shape of every tensor of net.pth, used or not; no memory is taken."""
    return dict(_net_shapes(sizes or hallo2_sizes()))


def animation_shapes(sizes: AnimationSizes) -> Shapes:
    """Our name → shape of the tensors of net.pth that are used."""
    return {names.ours(name): shape for name, shape in net_shapes(sizes).items() if not names.NEVER_RUN.match(name)}


@functools.cache
def _net_shapes(sizes: AnimationSizes) -> Shapes:
    with torch.device("meta"):
        made = Animation(sizes, spare=True).state_dict()
    return {names.published(name): tuple(x.shape) for name, x in made.items() if not names.OURS_ONLY.match(name)}


def fit(shapes: Shapes, facts: Mapping[str, Facts]) -> list[str]:
    """What is wrong with a file that should have exactly these shapes: missing, unknown and misshapen names."""
    missing = [name for name in shapes if name not in facts]
    unknown = [name for name in facts if name not in shapes]
    other = [
        f"{name}: {facts[name].shape}, expected {shape}"
        for name, shape in shapes.items()
        if name in facts and facts[name].shape != shape
    ]
    return troubles(missing, unknown, other)


@functools.cache
def vae_shapes(widths: tuple[int, ...], layers: int, groups: int, latent: int) -> Shapes:
    """Name → shape of the autoencoder, in diffusers' present spelling."""
    with torch.device("meta"):
        made = Vae(VaeSizes(widths, layers, groups, latent))
    return {name: tuple(x.shape) for name, x in made.state_dict().items()}


@functools.cache
def net_g_shapes(sizes: EnhancerSizes = EnhancerSizes()) -> Shapes:
    """Published name → shape of the enhancer's tensors."""
    with torch.device("meta"):
        made = Enhancer(sizes).state_dict()
    return {names.enhancer(name, 1): tuple(x.shape) for name, x in made.items()}


@functools.cache
def rrdb_shapes(sizes: RrdbSizes = RrdbSizes()) -> Shapes:
    """Name → shape of the tensors of what enlarges pictures; published and ours alike."""
    with torch.device("meta"):
        return {name: tuple(x.shape) for name, x in Rrdb(sizes).state_dict().items()}


def _net(source: Source) -> Plan:
    sizes = animation_sizes(source.facts)
    _must_fit(source, net_shapes(sizes))
    moves, skipped = _moves(source.facts, "")
    about = {"settings": {"prediction": "v"}, "sizes": asdict(sizes)}
    return Plan("animation", moves, animation_shapes(sizes), skipped, about)


def _motion(source: Source) -> Plan:
    prefix, mark = "denoising_unet.", ".motion_modules."
    widths = _widths({name: fact.shape for name, fact in source.facts.items()},
                     "down_blocks.{}.motion_modules.0.temporal_transformer.norm.weight")  # fmt: skip
    expected = net_shapes(hallo2_sizes(widths)) if len(widths) == 4 else net_shapes()
    _must_fit(source, {name.removeprefix(prefix): shape for name, shape in expected.items() if mark in name})
    moves, skipped = _moves(source.facts, prefix)
    shapes = {ours: source.facts[name].shape for name, ours in moves.items()}
    return Plan("motion", moves, shapes, skipped, {"widths": list(widths)})


def _unet(source: Source) -> Plan:
    widths = _widths({name: f.shape for name, f in source.facts.items()}, "down_blocks.{}.resnets.0.conv1.weight")
    whole = net_shapes(hallo2_sizes(widths)) if len(widths) == 4 else net_shapes()
    expected = {
        name.removeprefix("reference_unet."): x for name, x in whole.items() if name.startswith("reference_unet.")
    }
    head = ("denoising_unet.conv_norm_out", "denoising_unet.conv_out")
    expected |= {name.removeprefix("denoising_unet."): x for name, x in whole.items() if name.startswith(head)}
    _must_fit(source, expected)
    moves = {name: names.ours(f"denoising_unet.{name}").removeprefix("denoiser.") for name in source.facts}
    shapes = {ours: source.facts[name].shape for name, ours in moves.items()}
    return Plan("unet", moves, shapes, about={"widths": list(widths)})


def _vae(source: Source) -> Plan:
    moves = {name: names.vae(name) for name in source.facts}
    facts = {ours: source.facts[name] for name, ours in moves.items()}
    shapes = {ours: _without_side(ours, fact.shape) for ours, fact in facts.items()}
    config = _config(source.path)
    sizes = {
        "widths": _widths(shapes, "encoder.down_blocks.{}.resnets.0.conv1.weight"),
        "layers": len(_widths(shapes, "encoder.down_blocks.0.resnets.{}.conv1.weight")),
        "groups": config.get("norm_num_groups", 32),
        "latent": shapes.get("post_quant_conv.weight", (4,))[0],
    }
    _must_fit(source, vae_shapes(**sizes), {name: Facts(shapes[name], fact.dtype) for name, fact in facts.items()})
    about = {"sizes": {**sizes, "widths": list(sizes["widths"])}, "scale": config.get("scaling_factor", SCALE)}
    return Plan("vae", moves, shapes, about=about)


def _net_g(source: Source) -> Plan:
    _must_fit(source, net_g_shapes())
    moves = {name: names.enhancer(name) for name in source.facts}
    shapes = {moves[name]: fact.shape for name, fact in source.facts.items()}
    return Plan("enhancer", moves, shapes, about={"sizes": asdict(EnhancerSizes())})


def _rrdb(source: Source) -> Plan:
    shapes = rrdb_shapes()
    _must_fit(source, shapes)
    return Plan("rrdb", {name: name for name in source.facts}, shapes, about={"sizes": asdict(RrdbSizes())})


def _moves(facts: Mapping[str, Facts], prefix: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Published name → ours, and the published names that never act; `prefix` is what the file leaves out."""
    skipped = tuple(name for name in facts if names.NEVER_RUN.match(prefix + name))
    return {name: names.ours(prefix + name) for name in facts if name not in set(skipped)}, skipped


def _must_fit(source: Source, expected: Shapes, facts: Mapping[str, Facts] | None = None) -> None:
    if wrong := fit(expected, source.facts if facts is None else facts):
        raise WeightsMismatch(
            f"{source.path} is not as published: {'; '.join(wrong)}",
            expected=f"{len(expected)} tensors: {ABOUT[kind_of(source.facts)]}",
            do="fetch it again: longtake weights fetch hallo2",
        )


def _widths(shapes: Mapping[str, tuple[int, ...]], pattern: str) -> tuple[int, ...]:
    """The first sizes of the tensors called pattern.format(0), pattern.format(1), ... as far as there are any."""
    found: list[int] = []
    while (name := pattern.format(len(found))) in shapes:
        found.append(shapes[name][0])
    return tuple(found)


def _without_side(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of an attention's matrix that was stored as a 1 x 1 convolution."""
    return shape[:2] if ".attentions." in name and shape[2:] == (1, 1) else shape


def _config(path: Path) -> dict[str, Any]:
    """What config.json beside a file says, if it is there."""
    config = path.with_name("config.json")
    try:
        return json.loads(config.read_text())
    except (OSError, ValueError):
        return {}
