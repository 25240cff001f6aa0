"""Weights in eight bits: half a step is the worst, and what is small stays whole."""

import torch

from longtake.weights import files
from longtake.weights.rounded import restored, rounded
from longtake.weights.ship import ship


def tensors():
    generator = torch.Generator().manual_seed(0)
    return {
        "conv.weight": torch.randn(8, 4, 3, 3, generator=generator),
        "conv.bias": torch.randn(8, generator=generator),
        "still.weight": torch.zeros(4, 4),
        "places": torch.arange(6).view(2, 3),
    }


def test_no_weight_is_off_by_more_than_half_a_step_of_its_row():
    before = tensors()
    after = restored(rounded(before))
    assert after.keys() == before.keys()
    step = before["conv.weight"].flatten(1).abs().amax(1) / 127
    off = (after["conv.weight"] - before["conv.weight"]).flatten(1).abs().amax(1)
    assert (off <= 0.5001 * step).all() and (off > 0).all()
    for name in ("conv.bias", "still.weight", "places"):
        assert torch.equal(after[name], before[name])


def test_a_rounded_file_is_half_as_large_and_read_like_any_other(tmp_path):
    generator = torch.Generator().manual_seed(0)
    weights = {
        "a.weight": torch.randn(256, 256, generator=generator),
        "reference_net.b.weight": torch.ones(16, 16).to(torch.bfloat16),
    }
    weights["a.weight"] = weights["a.weight"].to(torch.bfloat16)
    files.write(tmp_path / "trained.safetensors", weights, {"kind": "animation"})
    ship(tmp_path / "trained.safetensors", tmp_path / "plain" / "animation.safetensors")
    ship(tmp_path / "trained.safetensors", tmp_path / "small" / "animation.safetensors", eight_bits=True)
    sizes = [(tmp_path / kind / "animation.safetensors").stat().st_size for kind in ("plain", "small")]
    assert sizes[1] < 0.53 * sizes[0]
    read, header = files.read(tmp_path / "small" / "animation.safetensors")
    assert header["kind"] == "animation" and read.keys() == weights.keys()
    assert torch.equal(read["reference_net.b.weight"], weights["reference_net.b.weight"].float())
    assert (read["a.weight"] - weights["a.weight"].float()).abs().max() < 5 / 254
