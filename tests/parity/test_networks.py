"""Our networks give the published numbers, layer by layer, with weights that are rebuilt from names."""

import gzip
import json
from pathlib import Path

import numpy as np
import published
import pytest
import torch
import weight_rule as rule

from longtake.models.animation import Animation, hallo2_sizes
from longtake.weights.names import NEVER_RUN, ours
from longtake.weights.names import published as published_name

FIXTURES = Path(__file__).parents[1] / "fixtures" / "parity"
# Places whose inside we compute in another order, so that there is nothing to compare; their outputs are compared.
INSIDE = (".attn2", ".ff", ".attn1", ".attn2_0", ".attn2_1", ".attn2_2", ".attention_blocks.0", ".attention_blocks.1")


@pytest.mark.parametrize("file", ["net_cfg", "net_nocfg", "net_noref", "net_l16f16", "net_cfg_fp16bank"])
def test_every_tap_agrees_with_the_published_network(animation, file):
    golden = {name: torch.from_numpy(value) for name, value in _load(file).items() if name != "options"}
    options = json.loads(str(np.load(FIXTURES / f"{file}.npz")["options"]))
    taps = published.run(animation, options)
    compared = [name for name in golden if not name.endswith(INSIDE)]
    errors = {}
    for name in compared:
        value = taps[name] if name == "out" else rule.thinned(taps[name], options["thin"])
        errors[name] = rule.error(value, golden[name])
    wrong = {name: error for name, error in errors.items() if not error <= options["tolerance"]}
    assert not wrong, f"first of {len(wrong)} out of tolerance: {next(iter(wrong.items()))}"
    assert "out" in errors


def test_the_rule_draws_the_published_weights():
    for row in json.loads((FIXTURES / "rule_check.json").read_text()):
        drawn = rule.weight(row["name"], row["shape"], row["seed"]).reshape(-1)
        first = torch.tensor(row["first"])
        assert torch.allclose(drawn[: len(first)], first, rtol=1e-6, atol=1e-7), row["name"]


def test_the_full_size_has_exactly_the_published_names_and_shapes():
    shapes = json.loads(gzip.decompress((FIXTURES / "net_full.json.gz").read_bytes()))
    with torch.device("meta"):
        own = Animation(hallo2_sizes(), spare=True).state_dict()
    assert len(shapes) == 2656
    assert {ours(name): tuple(shape) for name, shape in shapes.items()} == {k: tuple(v.shape) for k, v in own.items()}
    assert {published_name(name) for name in own} == set(shapes)


def test_what_is_not_built_is_exactly_what_never_runs():
    shapes = json.loads(gzip.decompress((FIXTURES / "net_full.json.gz").read_bytes()))
    with torch.device("meta"):
        own = Animation(hallo2_sizes()).state_dict()
    assert {name for name in shapes if ours(name) not in own} == {name for name in shapes if NEVER_RUN.match(name)}


def _load(file):
    with np.load(FIXTURES / f"{file}.npz") as arrays:
        return {name: arrays[name] for name in arrays if arrays[name].dtype.kind == "f"}
