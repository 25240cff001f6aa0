"""A converted checkpoint is the published one, bit for bit, and gives the published numbers."""

import json
from pathlib import Path

import numpy as np
import published
import published_files
import pytest
import torch
import weight_rule as rule

from longtake.networks import load_animation
from longtake.weights import files, kinds, names
from longtake.weights.convert import convert_file

GOLDEN = Path(__file__).parents[1] / "fixtures" / "parity" / "net_cfg.npz"


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """net.pth in half precision as published, converted."""
    folder = tmp_path_factory.mktemp("converted")
    return convert_file(published_files.write_net(folder / "net.pth"), folder)


def test_every_tensor_keeps_its_bits_and_only_what_never_runs_stays_behind(converted):
    drawn = rule.weights(kinds.net_shapes(published_files.tiny_sizes()))
    tensors, header = files.read(converted)
    assert header["sizes"] == published_files.header_sizes()
    kept = {name: x for name, x in drawn.items() if not names.NEVER_RUN.match(name)}
    assert header["skipped"] == len(drawn) - len(kept) == 2656 - len(tensors)
    assert all(torch.equal(tensors[names.ours(name)], x.half()) for name, x in kept.items())


def test_a_converted_float32_checkpoint_gives_the_golden_numbers(tmp_path):
    path = published_files.write_net(tmp_path / "net.pth", features=768, dtype=torch.float32)
    animation, header = load_animation(convert_file(path, tmp_path))
    assert header["settings"] == {"prediction": "v"}
    with np.load(GOLDEN) as golden, torch.no_grad():
        options = json.loads(str(golden["options"]))
        out = torch.from_numpy(golden["out"])
        made = published.run(animation.eval(), options)["out"]
    assert rule.error(made, out) <= options["tolerance"]


def test_position_tables_stay_rounded_as_in_the_file(converted):
    animation, _ = load_animation(converted)
    tables = {name: x for name, x in animation.named_buffers() if name.endswith("positions")}
    assert len(tables) == 32, "42 in the file, 10 of them in motion modules that never run"
    assert all(torch.equal(x, x.half().float()) for x in tables.values())
    assert any(not torch.equal(x, rule.sinusoids(*x.shape[1:])) for x in tables.values())
