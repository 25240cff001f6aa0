"""The published names of the networks' tensors and ours, as tables that are read in both directions.

A name is cut from left to right: network, place, part, leaf. `#` stands for a number that is kept. What no row of a table
fits stays as it is (`weight`, `bias`, `conv1`, ...).
"""

import functools
import re
from collections.abc import Iterable

Table = tuple[tuple[str, str], ...]

# published                                    ours
NETS: Table = (
    ("reference_unet", "reference_net"),
    ("denoising_unet", "denoiser"),
    ("face_locator", "locator"),
    ("imageproj", "identity_projection"),
    ("audioproj", "speech_projection"),
)
PLACES: Table = (
    ("down_blocks.#.resnets.#", "down.#.layers.#.resnet"),
    ("down_blocks.#.attentions.#", "down.#.layers.#.transformer"),
    ("down_blocks.#.audio_modules.#", "down.#.layers.#.audio"),
    ("down_blocks.#.motion_modules.#.temporal_transformer", "down.#.layers.#.motion"),
    ("down_blocks.#.downsamplers.0", "down.#.shrink"),
    ("mid_block.resnets.0", "mid.resnet"),
    ("mid_block.attentions.0", "mid.transformer"),
    ("mid_block.audio_modules.0", "mid.audio"),
    ("mid_block.motion_modules.0.temporal_transformer", "mid.motion"),
    ("mid_block.resnets.1", "mid_resnet"),
    ("up_blocks.#.resnets.#", "up.#.layers.#.resnet"),
    ("up_blocks.#.attentions.#", "up.#.layers.#.transformer"),
    ("up_blocks.#.audio_modules.#", "up.#.layers.#.audio"),
    ("up_blocks.#.motion_modules.#.temporal_transformer", "up.#.layers.#.motion"),
    ("up_blocks.#.upsamplers.0", "up.#.grow"),
    ("time_embedding.linear_1", "step.first"),
    ("time_embedding.linear_2", "step.second"),
    ("conv_norm_out", "norm_out"),
    ("proj1", "first"),
    ("proj2", "second"),
    ("proj3", "third"),
)
BLOCK: Table = (
    ("transformer_blocks.0.attn1", "attention"),
    ("transformer_blocks.0.norm1", "norm1"),
    ("transformer_blocks.0.norm2", "norm2"),
    ("transformer_blocks.0.norm3", "norm3"),
    ("transformer_blocks.0.ff.net.0.proj", "ff.up"),
    ("transformer_blocks.0.ff.net.2", "ff.down"),
)
PARTS: dict[str, Table] = {
    "resnet": (("time_emb_proj", "step"), ("conv_shortcut", "shortcut")),
    "transformer": (*BLOCK, ("transformer_blocks.0.attn2", "identity")),
    "audio": (
        *BLOCK,
        ("transformer_blocks.0.attn2_0", "regions.pose"),
        ("transformer_blocks.0.attn2_1", "regions.face"),
        ("transformer_blocks.0.attn2_2", "regions.lip"),
        ("transformer_blocks.0.zero_conv_full", "zero_convs.pose"),
        ("transformer_blocks.0.zero_conv_face", "zero_convs.face"),
        ("transformer_blocks.0.zero_conv_lip", "zero_convs.lip"),
    ),
    "motion": (
        ("transformer_blocks.0.attention_blocks.0", "attention1"),
        ("transformer_blocks.0.attention_blocks.1", "attention2"),
        ("transformer_blocks.0.norms.0", "norm1"),
        ("transformer_blocks.0.norms.1", "norm2"),
        ("transformer_blocks.0.ff_norm", "norm3"),
        *BLOCK[4:],
    ),
}
LEAVES: Table = (
    ("to_q", "query"),
    ("to_k", "key"),
    ("to_v", "value"),
    ("to_out.0", "out"),
    ("pos_encoder.pe", "positions"),
)

# The autoencoder's attention as older files spell it, and as diffusers does now.
VAE: Table = (
    ("query", "to_q"),
    ("key", "to_k"),
    ("value", "to_v"),
    ("proj_attn", "to_out.0"),
)

# The enhancer, whose file has layers in rows: blocks keep their numbers.
ENHANCER: Table = (
    ("encoder.blocks.#", "encoder.blocks.#"),
    ("generator.blocks.#", "decoder.blocks.#"),
    ("quantize.embedding", "codebook"),
    ("position_emb", "predictor.positions"),
    ("feat_emb", "predictor.embed"),
    ("ft_layers.#.norm1", "predictor.layers.#.space_norm"),
    ("ft_layers.#.self_attn.out_proj", "predictor.layers.#.space.out"),
    ("ft_layers.#.self_attn", "predictor.layers.#.space"),
    ("ft_layers.#.norm2", "predictor.layers.#.ff_norm"),
    ("ft_layers.#.linear1", "predictor.layers.#.ff.up"),
    ("ft_layers.#.linear2", "predictor.layers.#.ff.down"),
    ("ft_layers.#.temp_norm", "predictor.layers.#.time_norm"),
    ("ft_layers.#.temp_attn.out_proj", "predictor.layers.#.time.out"),
    ("ft_layers.#.temp_attn", "predictor.layers.#.time"),
    ("ft_layers.#.temp_ffn_norm", "predictor.layers.#.time_ff_norm"),
    ("ft_layers.#.temp_linear1", "predictor.layers.#.time_ff.up"),
    ("ft_layers.#.temp_linear2", "predictor.layers.#.time_ff.down"),
    ("idx_pred_layer.0", "predictor.norm"),
    ("idx_pred_layer.1", "predictor.head"),
    ("fuse_convs_dict.#.encode_enc", "fusion.#.mix"),
    ("fuse_convs_dict.#", "fusion.#"),
)
ENHANCER_LEAVES: Table = (
    ("conv_out", "shortcut"),
    ("q", "query"),
    ("k", "key"),
    ("v", "value"),
    ("proj_out", "out"),
    ("in_proj_weight", "project.weight"),
    ("in_proj_bias", "project.bias"),
)

# Published tensors that never act (facts 2 and 3.2): five motion modules at the level without attention, and the reference
# net after the last features that anybody reads. Loading leaves them out unless the networks were built with `spare`.
NEVER_RUN = re.compile(
    r"denoising_unet\.(down_blocks\.3|up_blocks\.0)\.motion_modules\."
    r"|reference_unet\.up_blocks\.3\.attentions\.2\.(proj_out|transformer_blocks\.0\.(attn|norm[23]|ff))"
)
# Ours alone: a published file has none of them; they start as exact no-ops.
OURS_ONLY = re.compile(r"denoiser\..*\.(words|word_filter)\.")


def ours(published: str) -> str:
    """Our name of a published tensor."""
    return _translate(published, 0)


def published(our: str) -> str:
    """The published name of one of our tensors."""
    return _translate(our, 1)


def vae(name: str) -> str:
    """The present spelling of a tensor of the autoencoder; the present one stays."""
    place, attention, leaf = name.partition(".attentions.0.")
    old, rest = _cut(leaf, VAE, 0)
    return f"{place}{attention}{old}.{rest}" if old else name


def enhancer(name: str, side: int = 0) -> str:
    """Our name of a tensor of the published enhancer; with `side` 1 the published name of one of ours."""
    place, rest = _cut(name, ENHANCER, side)
    leaf, rest = _cut(rest, ENHANCER_LEAVES, side)
    return ".".join(piece for piece in (place, leaf, rest) if piece)


def rename(names: Iterable[str]) -> dict[str, str]:
    """Published name -> ours, for all of them."""
    return {name: ours(name) for name in names}


@functools.cache
def _translate(name: str, side: int) -> str:
    net, rest = _cut(name, NETS, side)
    place, rest = _cut(rest, PLACES, side)
    kind = re.sub(r"^mid_", "", (place if side == 0 else name[: len(name) - len(rest)].rstrip(".")).rpartition(".")[2])
    part, rest = _cut(rest, PARTS.get(kind, ()), side)
    leaf, rest = _cut(rest, LEAVES, side)
    return ".".join(piece for piece in (net, place, part, leaf, rest) if piece)


def _cut(name: str, table: Table, side: int) -> tuple[str, str]:
    """The other side's spelling of the row that `name` starts with, and what is left of the name."""
    for row in table:
        pattern = re.escape(row[side]).replace(r"\#", "#").replace("#", r"(\d+)") + r"(?:\.|$)"
        if found := re.match(pattern, name):
            numbers = iter(found.groups())
            return re.sub("#", lambda _, n=numbers: next(n), row[1 - side]), name[found.end() :]
    return "", name
