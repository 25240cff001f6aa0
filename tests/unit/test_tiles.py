"""Pictures worked on in tiles; the network that doubles them."""

import dataclasses

import numpy as np
import pytest
import torch

from longtake.media.tiles import in_tiles
from longtake.models.rrdb import Rrdb, RrdbSizes
from longtake.restoration import enlarge_with
from longtake.settings import EnhanceSettings
from longtake.weights import kinds

TINY = RrdbSizes(width=8, blocks=2, grown=4)


def net(sizes=TINY):
    torch.manual_seed(0)
    return Rrdb(sizes).eval().requires_grad_(False)


def picture(height=90, width=122):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("tile", "overlap"), [(32, 8), (32, 16), (33, 8), (64, 0), (90, 20), (200, 10)])
@pytest.mark.parametrize("size", [(90, 122), (33, 65), (20, 140), (34, 34)])
def test_tiles_of_what_does_nothing_are_the_picture(tile, overlap, size):
    given = picture(*size)
    assert torch.allclose(in_tiles(given, lambda x: x, tile, overlap), given, atol=1e-6)


def test_no_tile_is_larger_than_asked_and_all_begin_at_even_places():
    seen = []
    in_tiles(picture(91, 123), lambda x: seen.append(tuple(x.shape[2:])) or x, 40, 8)
    assert max(max(shape) for shape in seen) <= 42 and len(seen) == 3 * 4


def test_seams_of_a_network_can_not_be_seen():
    """Two blocks see 60 pixels far, but little of that counts: 24 are enough."""
    given, network = picture(120, 120), net()
    whole = network(given)
    assert whole.shape == (1, 3, 240, 240)
    away = (in_tiles(given, network, 60, 24, 2) - whole).abs()
    assert 255 * away.max() < 1 and 255 * whole.std() > 20, "less than a grey level of many"
    assert (in_tiles(given, network, 60, 0, 2) - whole).abs().max() > 3 * away.max(), "without overlap there are seams"


def test_the_network_has_the_published_names_and_shapes():
    shapes = kinds.rrdb_shapes()
    assert len(shapes) == 702
    assert shapes["conv_first.weight"] == (64, 12, 3, 3) and shapes["conv_last.weight"] == (3, 64, 3, 3)
    assert shapes["body.22.rdb3.conv5.weight"] == (64, 192, 3, 3) and shapes["body.0.rdb1.conv2.weight"] == (
        32,
        96,
        3,
        3,
    )


def test_its_file_is_told_by_its_names_and_one_tensor_less_is_refused(tmp_path):
    from longtake.errors import WeightsMismatch
    from longtake.weights.source import source

    tensors = {name: torch.zeros(1).expand(shape) for name, shape in kinds.rrdb_shapes().items()}
    # Expanded zeros are saved without their numbers: 702 tensors in a small file.
    torch.save({"params_ema": tensors}, tmp_path / "RealESRGAN_x2plus.pth")
    plan = kinds.plan(source(tmp_path / "RealESRGAN_x2plus.pth"))
    assert plan.kind == "rrdb" and plan.about["sizes"] == dataclasses.asdict(RrdbSizes())
    tensors.pop("conv_hr.bias")
    torch.save({"params_ema": tensors}, tmp_path / "less.pth")
    with pytest.raises(WeightsMismatch, match=r"conv_hr\.bias"):
        kinds.plan(source(tmp_path / "less.pth"))


def test_pictures_of_odd_size_become_larger_by_the_network_and_smaller_without():
    class Twice(Rrdb):
        def forward(self, x):
            return torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")

    larger = enlarge_with(Twice(TINY), EnhanceSettings(tile_px=64))
    given = np.random.default_rng(0).integers(0, 255, (51, 71, 3), dtype=np.uint8)
    assert np.array_equal(larger(given, 102, 142), np.repeat(np.repeat(given, 2, 0), 2, 1))
    assert larger(given, 204, 284).shape == (204, 284, 3) and larger(given, 20, 30).shape == (20, 30, 3)
