"""A small checkpoint in the published layout: every file that the preset needs, every name of net.pth, tiny numbers of channels.

The tensors are those of the golden arrays (weight_rule.py), so that what is converted from here can be compared with them.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import asdict, replace
from pathlib import Path

import torch
import weight_rule as rule

from longtake.models.animation import AnimationSizes, hallo2_sizes
from longtake.weights import kinds, names

TINY = (32, 64, 128, 128)
VAE = {"widths": (32, 32, 64, 64), "layers": 1, "groups": 32, "latent": 4}


def write_published(
    folder: Path | str,
    widths: tuple[int, ...] = TINY,
    features: int = 32,
    dtype: torch.dtype = torch.float16,
    old_vae: bool = True,
    insight: bool = True,
    net: str = "hallo2/net.pth",
) -> Path:
    """The folder, filled. `features` is the width of a wav2vec2 layer (768 as published makes everything ten times larger),
    `old_vae` spells the autoencoder's attention as the published file does, `net` is where the networks go (hallo/net.pth in v1).
    """
    folder = Path(folder)
    write_net(folder / net, widths, features, dtype)
    write_vae(folder / "sd-vae-ft-mse", old_vae)
    write_wav2vec2(folder / "wav2vec" / "wav2vec2-base-960h", features)
    if insight:
        from insight_files import write_insight

        write_insight(folder / "face_analysis" / "models")
    return folder


def tiny_sizes(widths: tuple[int, ...] = TINY, features: int = 32) -> AnimationSizes:
    """Sizes of the networks in `write_net`."""
    sizes = hallo2_sizes(widths)
    return replace(sizes, speech=replace(sizes.speech, features=features))


def write_net(
    path: Path, widths: tuple[int, ...] = TINY, features: int = 32, dtype: torch.dtype = torch.float16
) -> Path:
    """net.pth with all 2,656 names."""
    shapes = kinds.net_shapes(tiny_sizes(widths, features))
    assert len(shapes) == 2656
    return save(path, {name: x.to(dtype) for name, x in rule.weights(shapes).items()})


def write_vae(folder: Path, old: bool = True, sizes: dict = VAE) -> Path:
    """The autoencoder and its config.json; `old` spells attention as query, key, value and proj_attn."""
    from safetensors.torch import save_file

    tensors = rule.weights(kinds.vae_shapes(**sizes), "vae.")
    if old:
        tensors = {old_spelling(name): x for name, x in tensors.items()}
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "diffusion_pytorch_model.safetensors", {"format": "pt"})
    config = {
        "_class_name": "AutoencoderKL",
        "block_out_channels": list(sizes["widths"]),
        "layers_per_block": sizes["layers"],
        "norm_num_groups": sizes["groups"],
        "latent_channels": sizes["latent"],
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder / "diffusion_pytorch_model.safetensors"


def write_wav2vec2(folder: Path, features: int = 32) -> Path:
    """A wav2vec2 of twelve thin layers that transformers reads."""
    from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

    config = Wav2Vec2Config(
        hidden_size=features,
        num_hidden_layers=12,
        num_attention_heads=4,
        intermediate_size=2 * features,
        conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
    )
    torch.manual_seed(0)
    Wav2Vec2ForCTC(config).save_pretrained(folder)
    return folder


def save(path: Path, tensors: dict[str, torch.Tensor], inside: str = "") -> Path:
    """A file as torch.save writes it, the tensors under the key `inside` if there is one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered = OrderedDict(tensors)
    torch.save({inside: ordered} if inside else ordered, path)
    return path


def old_spelling(name: str) -> str:
    """The autoencoder's attention names of 2022."""
    for old, new in names.VAE:
        if ".attentions.0." in name:
            name = name.replace(f".attentions.0.{new}.", f".attentions.0.{old}.")
    return name


def header_sizes(widths: tuple[int, ...] = TINY, features: int = 32) -> dict:
    """The sizes that a converted net.pth should have in its header."""
    return json.loads(json.dumps(asdict(tiny_sizes(widths, features))))
