"""The tensors that a wav2vec2 of given sizes must have, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

BASE: dict[str, Any] = {  # wav2vec2-base, for what a config.json leaves out
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "conv_dim": [512] * 7,
    "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
    "num_conv_pos_embeddings": 128,
    "num_conv_pos_embedding_groups": 16,
}
OLD = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}
OTHERS = ("lm_head.", "quantizer.", "project_q.", "project_hid.", "masked_spec_embed")  # for training; never read


def present(names: Iterable[str]) -> dict[str, str]:
    """Name in the file → present name without the prefix, of the tensors that are read."""
    found = {}
    for name in names:
        now = name.removeprefix("wav2vec2.")
        start, _, leaf = now.rpartition(".")
        if not now.startswith(OTHERS):
            found[name] = f"{start}.{OLD[leaf]}" if leaf in OLD else now
    return found


def shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Name → shape, for the sizes in config.json."""
    sizes = {**BASE, **{name: config[name] for name in BASE if name in config}}
    width, inner = sizes["hidden_size"], sizes["intermediate_size"]
    return {**_hearing(sizes), **_between(sizes), **_layers(sizes["num_hidden_layers"], width, inner)}


def _hearing(sizes: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The convolutions over the sound; only the first one has a norm."""
    found: dict[str, tuple[int, ...]] = {}
    before = 1
    for i, (width, kernel) in enumerate(zip(sizes["conv_dim"], sizes["conv_kernel"], strict=True)):
        found[f"feature_extractor.conv_layers.{i}.conv.weight"] = (width, before, kernel)
        before = width
    return found | _pair("feature_extractor.conv_layers.0.layer_norm", (sizes["conv_dim"][0],))


def _between(sizes: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    width, last, length = sizes["hidden_size"], sizes["conv_dim"][-1], sizes["num_conv_pos_embeddings"]
    place = "encoder.pos_conv_embed.conv"
    return {
        **_pair("feature_projection.layer_norm", (last,)),
        **_pair("feature_projection.projection", (width, last)),
        f"{place}.bias": (width,),
        f"{place}.parametrizations.weight.original0": (1, 1, length),
        f"{place}.parametrizations.weight.original1": (width, width // sizes["num_conv_pos_embedding_groups"], length),
        **_pair("encoder.layer_norm", (width,)),
    }


def _layers(count: int, width: int, inner: int) -> dict[str, tuple[int, ...]]:
    parts = {f"attention.{part}_proj": (width, width) for part in ("q", "k", "v", "out")}
    parts |= {"layer_norm": (width,), "final_layer_norm": (width,)}
    parts |= {"feed_forward.intermediate_dense": (inner, width), "feed_forward.output_dense": (width, inner)}
    found = {}
    for i in range(count):
        for name, shape in parts.items():
            found |= _pair(f"encoder.layers.{i}.{name}", shape)
    return found


def _pair(name: str, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """A layer's weight and its bias."""
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
