"""Laws of the enhancer, on one that fits in a thumbnail."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from longtake.models.code_predictor import Attention, CodePredictor, PredictorSizes
from longtake.models.enhancer import Enhancer, EnhancerSizes, PictureFusion, in_colours_of, mini_sizes
from longtake.models.vqgan import Codebook, Vqgan, VqganSizes
from longtake.weights import names

TINY = EnhancerSizes(
    VqganSizes(side_px=32, stem=2, widths=(8, 8, 16), groups=4, code=6, codes=20),
    PredictorSizes(width=16, layers=2, heads=2, ff=24),
    fused=(8, 16),
)


@pytest.fixture(scope="module")
def enhancer():
    torch.manual_seed(0)
    made = Enhancer(TINY)
    for parameter in made.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    return made.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def frames():
    return torch.rand(1, 5, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_frames_come_out_as_they_went_in_whatever_is_computed_at_once(enhancer, frames):
    found = enhancer(frames, fidelity=0.7, at_once=2)
    assert found.shape == frames.shape
    assert torch.allclose(found, enhancer(frames, fidelity=0.7, at_once=5), atol=1e-4)  # rounding goes by threads


def test_without_alignment_every_frame_is_for_itself(enhancer, frames):
    features, _ = enhancer.read(frames[0], 0.0, 5)
    together = enhancer.predictor(features[None], align=False)
    alone = torch.cat([enhancer.predictor(row[None, None], align=False) for row in features], dim=1)
    assert torch.allclose(together, alone, atol=1e-5)
    assert not torch.allclose(together, enhancer.predictor(features[None]), atol=1e-2)


def test_aligned_scores_depend_on_the_other_frames_but_not_on_their_order(enhancer, frames):
    features, _ = enhancer.read(frames[0], 0.0, 5)
    scores = enhancer.predictor(features[None])
    order = torch.tensor([0, 4, 2, 1, 3])
    assert torch.allclose(enhancer.predictor(features[None, order]), scores[:, order], atol=1e-5)
    changed = features.clone()
    changed[4] += 1
    assert not torch.allclose(enhancer.predictor(changed[None])[:, 0], scores[:, 0], atol=1e-3)


def test_a_place_reads_other_frames_only_at_the_same_place():
    torch.manual_seed(0)
    predictor = CodePredictor(PredictorSizes(width=8, layers=1, heads=2, ff=8), 4, 5, 6)
    layer = predictor.layers[0]
    layer.space.out.requires_grad_(False).weight.zero_()  # nothing passes from place to place within a frame
    x = torch.randn(1, 3, 6, 8)
    spread = layer(x, predictor.positions, True)
    x[0, 2, 4, 0] += 3
    moved = (layer(x, predictor.positions, True) - spread).abs().amax(-1)[0]
    assert moved[0, 4] > 1e-6 and moved[1, 4] > 1e-6
    assert moved[:2, [0, 1, 2, 3, 5]].max() == 0


def test_attention_is_that_of_the_library_with_positions_on_queries_and_keys():
    torch.manual_seed(0)
    ours, theirs = Attention(16, 4), nn.MultiheadAttention(16, 4, batch_first=True)
    theirs.in_proj_weight.data, theirs.in_proj_bias.data = ours.project.weight.data, ours.project.bias.data
    theirs.out_proj.load_state_dict(ours.out.state_dict())
    x, positions = torch.randn(3, 7, 16), torch.randn(1, 7, 16)
    wanted, _ = theirs(x + positions, x + positions, x)
    assert torch.allclose(ours(x, positions), wanted, atol=1e-6)


def test_fidelity_nothing_reads_nothing_of_the_input_but_its_codes_and_colours(enhancer, frames):
    _, seen = enhancer.read(frames[0], 0.0, 5)
    assert seen == [{}]
    assert not torch.allclose(enhancer(frames, fidelity=0.0), enhancer(frames, fidelity=1.0), atol=1e-3)


@pytest.mark.parametrize("fidelity", [0.0, 0.7, 1.0])
def test_fusion_is_linear_in_fidelity(enhancer, fidelity):
    fusion = enhancer.fusion["8"]
    x, seen = torch.randn(2, 8, 8, 8), torch.randn(2, 8, 8, 8)
    whole = fusion(x, seen, 1.0)
    assert torch.allclose(fusion(x, seen, fidelity), x + fidelity * (whole - x), atol=1e-5)


def test_entries_take_the_colours_of_the_features():
    generator = torch.Generator().manual_seed(0)
    entries, features = torch.randn(2, 3, 9, 4, 4, generator=generator).unbind(1)[:2]
    found = in_colours_of(entries, features * 3 + 1)
    wanted = features * 3 + 1
    assert torch.allclose(found.mean((2, 3)), wanted.mean((2, 3)), atol=1e-4)
    assert torch.allclose(found.std((2, 3)), wanted.std((2, 3)), rtol=1e-3)


def test_the_nearest_entry_is_the_nearest():
    generator = torch.Generator().manual_seed(0)
    book = Codebook(30, 6)
    features = torch.randn(2, 6, 3, 4, generator=generator)
    distance = torch.cdist(features.permute(0, 2, 3, 1).reshape(-1, 6), book.weight)
    assert torch.equal(book.nearest(features).flatten(), distance.argmin(1))
    assert torch.allclose(
        book.entries(book.nearest(features))[1, :, 2, 3], book.weight[book.nearest(features)[1, 2, 3]]
    )


def test_gradients_pass_the_codebook_to_the_encoder():
    torch.manual_seed(0)
    vqgan = Vqgan(TINY.vqgan)
    found, features, entries, codes = vqgan(torch.rand(2, 3, 32, 32))
    assert found.shape == (2, 3, 32, 32) and codes.shape == (2, 4, 4) and features.shape == entries.shape
    found.square().mean().backward()
    first = vqgan.encoder.blocks[0]
    assert isinstance(first, nn.Conv2d) and first.weight.grad is not None and first.weight.grad.abs().sum() > 0


def test_what_the_first_stage_learns_is_part_of_the_enhancer(enhancer):
    own = {name: x.shape for name, x in enhancer.state_dict().items()}
    learned = {name: x.shape for name, x in Vqgan(TINY.vqgan).state_dict().items()}
    assert learned == {
        name: shape for name, shape in own.items() if name.split(".")[0] in ("encoder", "decoder", "codebook")
    }


def test_the_small_enhancer_takes_the_same_picture_and_fits_in_the_package():
    with torch.device("meta"):
        made = Enhancer(mini_sizes())
    assert made.sizes.vqgan.side_px == 512 and made.sizes.vqgan.grid == 32
    assert sum(x.numel() for x in made.parameters()) <= 2.5e6, "bytes, one for each number"


def test_names_of_the_small_enhancer_survive_the_way_to_the_published_ones_and_back():
    with torch.device("meta"):
        own = Enhancer(mini_sizes()).state_dict()
    assert {names.enhancer(names.enhancer(name, 1)) for name in own} == set(own)


PICTURED = replace(TINY, picture=6, steady=True)


@pytest.fixture(scope="module")
def pictured():
    torch.manual_seed(0)
    made = Enhancer(PICTURED)
    for parameter in made.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return made.eval().requires_grad_(False)


def test_what_is_kept_of_the_given_picture_is_the_picture_itself(frames):
    fusion = PictureFusion(6, stem=4)
    for part in (fusion.keep, fusion.shift):
        torch.nn.init.zeros_(part.weight)
        torch.nn.init.zeros_(part.bias)
    made, given = frames[0, :2], frames[0, 2:4]
    assert torch.allclose(fusion(made, given, 1.0), (made + given) / 2, atol=1e-6), "half, if it knows nothing"
    torch.nn.init.constant_(fusion.keep.bias, 30.0)
    assert torch.allclose(fusion(made, given, 1.0), given, atol=1e-6)
    assert torch.equal(fusion(made, given, 0.0), made), "the codes alone"


def test_a_picture_that_is_given_goes_in_and_no_one_else_reads_it_without_alignment(pictured, frames):
    changed = frames.clone()
    changed[0, 4] = -changed[0, 4]
    for align, others in ((False, True), (True, False)):
        before, after = (pictured(x, 0.7, align) for x in (frames, changed))
        assert torch.allclose(before[0, :4], after[0, :4], atol=1e-5) == others
        assert not torch.allclose(before[0, 4], after[0, 4], atol=1e-2)


def test_steady_sizes_read_the_mean_of_frames_that_look_alike_and_only_where_frames_align(pictured, frames):
    grain = 0.02 * torch.randn(1, 8, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    still = frames[:, :1] + grain
    alone, aligned = (pictured.steadied(still, align) for align in (False, True))
    assert alone is still
    assert (aligned - frames[:, :1]).std() < 0.5 * grain.std()
    twice = torch.cat([still, frames[:, :1].expand_as(still)])
    assert torch.allclose(pictured.steadied(twice, True)[0], aligned[0]), "windows are for themselves"
