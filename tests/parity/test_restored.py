"""The enhancer gives the published numbers, with weights that are rebuilt from names."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import restored
import torch
import weight_rule as rule

from longtake.models.enhancer import Enhancer, EnhancerSizes
from longtake.weights import kinds, names

FIXTURES = Path(__file__).parents[1] / "fixtures" / "parity"
LIMITS = {"logits_sample": 32768}
SHOWN = slice(1, 2)  # one picture is enough: pictures know nothing of each other
WHOLE = ("out_mean8", "out_crop", "out_stats")  # arrays with a row for each picture


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_codes_and_pictures_are_the_published_ones():
    with np.load(FIXTURES / "codeformer_f3_w1.npz") as arrays:
        golden = dict(arrays)
    options = json.loads(str(golden["options"]))
    compared = set()
    network, frames = restored.enhancer(options["seed"]), restored.frames(options["frames"], options["seed"])
    for name, ours in restored.tap(network, frames, options["w"], SHOWN):
        if name not in golden or name == "out_sample" or name.startswith(("tap.generator", "tap.fuse")):
            continue  # thinned over all pictures: benchmarks/parity.py compares them
        wanted = torch.from_numpy(golden[name])[SHOWN if name in WHOLE else ...]
        if name == "codes":
            assert torch.equal(ours, wanted.long())
        else:
            ours = rule.thinned(ours, LIMITS.get(name, 8192)) if name.startswith("tap.") or name in LIMITS else ours
            loose = name.startswith("out") or name == "logits_lse" or name == "logits_margin"
            assert rule.error(ours, wanted) <= options["tolerance_output" if loose else "tolerance"], name
        compared.add(name)
    assert {"codes", "out_crop", "out_mean8", "tap.lq_feat", "tap.ft_layers.8"} <= compared


def test_the_full_size_has_exactly_the_published_names_and_shapes():
    shapes = {name: tuple(shape) for name, shape in _published().items()}
    assert len(shapes) == 623
    assert kinds.net_g_shapes() == shapes
    with torch.device("meta"):
        own = Enhancer(EnhancerSizes()).state_dict()
    assert {names.enhancer(name) for name in shapes} == set(own)
    assert {names.enhancer(name, 1) for name in own} == set(shapes)
    assert sum(x.numel() for x in own.values()) == 113_037_763


def _published():
    return json.loads(gzip.decompress((FIXTURES / "net_g.json.gz").read_bytes()))
