"""What must hold for the networks whatever their weights are. Tiny sizes, so each law takes milliseconds."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from longtake.models.animation import Animation, init_for_training, mini_sizes
from longtake.models.attention import attend
from longtake.models.blocks import Grow
from longtake.models.pairing import context_rows, frame_reads
from longtake.models.rows import Rows
from longtake.models.told import Conditions

FRAMES, MOTION = 3, 2


@pytest.fixture(scope="module")
def animation():
    torch.manual_seed(0)
    sizes = mini_sizes(
        (32, 64),
        (False, True),
        speech_layers=2,
        speech_features=8,
        speech_tokens=3,
        speech_hidden=16,
        words=16,
        word_filter=8,
    )
    made = Animation(sizes).eval()
    for parameter in made.parameters():  # nothing may be hidden by a zero at the start
        torch.nn.init.normal_(parameter, std=0.1 if parameter.ndim == 1 else parameter[0].numel() ** -0.5)
    for module in made.modules():
        if isinstance(module, torch.nn.GroupNorm | torch.nn.LayerNorm):
            torch.nn.init.ones_(module.weight)
    return made


def told(animation, b=2, **changes):
    """Full conditions of b segments on an 8x8 grid."""
    draw = torch.Generator().manual_seed(1)

    def noise(*shape):
        return torch.randn(shape, generator=draw)

    identity = animation.identity_projection(noise(b, 128))
    motion = animation.reference_net(noise(b * MOTION, 16, 8, 8), context_rows(identity, MOTION, "correct"))
    full = Conditions(
        identity=identity,
        regions=(noise(b, 3, 8, 8).sigmoid(), noise(b, 3, 4, 4).sigmoid()),
        reference=animation.reference_net(noise(b, 16, 8, 8), identity),
        motion={name: x.unflatten(0, (b, MOTION)) for name, x in motion.items()},
        speech=animation.speech_projection(noise(b, FRAMES, 5, 2, 8)),
        words=noise(b, FRAMES, 16),
        locator=animation.locator(noise(b, 3, 32, 32))[:, None],
    )
    return replace(full, **changes)


def velocity(animation, conditions, frames=FRAMES, step=None):
    b = conditions.identity.shape[0]
    latents = torch.randn(1, 16, frames, 8, 8, generator=torch.Generator().manual_seed(2)).expand(b, -1, -1, -1, -1)
    step = torch.full((b,), 500) if step is None else step
    return animation.denoiser(latents, step, animation.denoiser.prepare(conditions, frames))


def row(conditions, k):
    """The conditions of one row of the batch."""
    kept = {
        name: {place: x[k : k + 1] for place, x in value.items()} if isinstance(value, dict) else value[k : k + 1]
        for name in ("identity", "reference", "motion", "speech", "words", "locator")
        if (value := getattr(conditions, name)) is not None
    }
    return replace(conditions, **kept, regions=tuple(region[k : k + 1] for region in conditions.regions))


@torch.no_grad()
def test_rows_of_a_batch_do_not_see_each_other(animation):
    both = told(animation)
    whole = velocity(animation, both)
    for k in (0, 1):
        assert torch.allclose(whole[k : k + 1], velocity(animation, row(both, k)), atol=1e-5)


@torch.no_grad()
def test_each_row_may_lack_what_another_has(animation):
    both = told(animation)
    flags = torch.tensor([True, False])
    mixed = velocity(animation, replace(both, has_reference=flags, has_speech=~flags, has_words=flags))
    first = replace(row(both, 0), has_speech=torch.tensor([False]))
    second = replace(row(both, 1), reference=None, words=None)
    assert torch.allclose(mixed[:1], velocity(animation, first), atol=1e-5)
    assert torch.allclose(mixed[1:], velocity(animation, second), atol=1e-5)


@torch.no_grad()
def test_a_row_without_speech_hears_exact_silence(animation):
    both = told(animation)
    zero_tokens = velocity(animation, replace(both, speech=torch.zeros_like(both.speech)))
    folded = velocity(animation, replace(both, has_speech=torch.tensor([False, False])))
    assert torch.allclose(zero_tokens, folded, atol=1e-5)


@torch.no_grad()
def test_a_row_pays_only_for_what_it_has(animation):
    both = told(animation)
    flags = torch.tensor([True, False])

    def cost(conditions):
        prepared = animation.denoiser.prepare(conditions, FRAMES)
        rows = conditions.identity.shape[0]
        with FlopCounterMode(display=False) as counter:
            animation.denoiser(torch.randn(rows, 16, FRAMES, 8, 8), torch.zeros(rows), prepared)
        return counter.get_total_flops()

    mixed = cost(replace(both, has_reference=flags, has_speech=flags, has_words=flags))
    full = cost(row(both, 0))
    bare = cost(replace(row(both, 1), reference=None, has_speech=torch.tensor([False]), words=None))
    assert bare < full
    assert mixed == full + bare


@torch.no_grad()
def test_cached_keys_equal_recomputed_ones(animation):
    both = told(animation)
    prepared = animation.denoiser.prepare(both, FRAMES)
    latents = torch.randn(2, 16, FRAMES, 8, 8)
    for step in (999, 400):
        cached = animation.denoiser(latents, torch.full((2,), step), prepared)
        fresh = animation.denoiser(latents, torch.full((2,), step), animation.denoiser.prepare(both, FRAMES))
        assert torch.equal(cached, fresh)


@torch.no_grad()
@pytest.mark.parametrize(
    "change", ["identity", "regions", "reference", "motion", "speech", "words", "locator", "step", "region_weights"]
)
def test_everything_that_is_told_changes_the_answer(animation, change):
    both = told(animation)
    before = velocity(animation, both)
    value = None if change == "step" else getattr(both, change)
    if change == "step":
        after = velocity(animation, both, step=torch.tensor([3, 3]))
    elif change == "region_weights":
        after = velocity(animation, replace(both, region_weights=(1.0, 1.0, 2.0)))
    elif isinstance(value, dict):
        after = velocity(animation, replace(both, **{change: {place: x.flip(0) for place, x in value.items()}}))
    elif isinstance(value, tuple):
        after = velocity(animation, replace(both, regions=tuple(region.flip(0) for region in value)))
    else:
        after = velocity(animation, replace(both, **{change: value.flip(0)}))
    assert (after - before).abs().mean() > 1e-4


@torch.no_grad()
def test_a_place_told_once_is_that_of_every_frame(animation):
    once = told(animation)
    each = replace(once, locator=once.locator.repeat(1, FRAMES, 1, 1, 1))
    assert torch.equal(velocity(animation, once), velocity(animation, each))


@torch.no_grad()
def test_words_that_were_never_trained_change_nothing(animation):
    both = told(animation)
    without = velocity(animation, replace(both, words=None))
    kept = {name: x.clone() for name, x in animation.state_dict().items()}
    try:
        init_for_training(animation)
        silent = replace(both, words=None)
        assert torch.equal(velocity(animation, both), velocity(animation, silent))
    finally:
        animation.load_state_dict(kept)
    assert torch.equal(velocity(animation, replace(both, has_words=torch.tensor([False, False]))), without)


def test_the_reference_net_begins_as_the_denoiser():
    animation = init_for_training(Animation(mini_sizes((32, 32), speech_layers=2, speech_features=8, words=0)))
    denoiser = animation.denoiser.state_dict()
    copied = animation.reference_net.state_dict()
    assert len(copied) > 20 and all(torch.equal(tensor, denoiser[name]) for name, tensor in copied.items())
    assert not any(
        a is b for a, b in zip(animation.reference_net.parameters(), animation.denoiser.parameters(), strict=False)
    )


@torch.no_grad()
def test_untrained_motion_modules_leave_frames_unrelated(animation):
    both = told(animation)
    kept = {name: x.clone() for name, x in animation.state_dict().items()}
    try:
        init_for_training(animation)
        unrelated = velocity(animation, replace(both, motion=None))
        assert torch.allclose(velocity(animation, both), unrelated, atol=1e-6)
    finally:
        animation.load_state_dict(kept)


@torch.no_grad()
def test_frames_without_motion_modules_do_not_see_each_other(animation):
    alone = replace(row(told(animation), 0), motion=None)
    steps = torch.tensor([[10, 500, 900]])
    latents = torch.randn(1, 16, FRAMES, 8, 8)
    prepared = animation.denoiser.prepare(alone, FRAMES)
    changed = latents.clone()
    changed[:, :, 2] += 1
    before, after = (animation.denoiser(x, steps, prepared) for x in (latents, changed))
    assert torch.equal(before[:, :, :2], after[:, :, :2])
    assert not torch.equal(before[:, :, 2], after[:, :, 2])


@torch.no_grad()
def test_reading_by_frame_equals_reading_by_row(animation):
    both = told(animation)
    by_row = velocity(animation, replace(both, reads=torch.tensor([1, 0])))
    by_frame = velocity(animation, replace(both, reads=torch.tensor([[1] * FRAMES, [0] * FRAMES])))
    assert torch.equal(by_row, by_frame)
    assert not torch.allclose(by_row, velocity(animation, both), atol=1e-4)


def test_published_and_correct_pairing():
    assert frame_reads(2, 3, "correct").tolist() == [[0, 0, 0], [1, 1, 1]]
    assert frame_reads(2, 3, "published").tolist() == [[0, 1, 0], [1, 0, 1]]
    identity = torch.tensor([0.0, 1.0]).view(2, 1, 1)
    assert context_rows(identity, 3, "correct").flatten().tolist() == [0, 0, 0, 1, 1, 1]
    assert context_rows(identity, 3, "published").flatten().tolist() == [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize(("length", "others"), [(5, 7), (64, 9)])
def test_attention_for_training_equals_the_fused_one(length, others):
    torch.manual_seed(0)
    inputs = [torch.randn(3, n, 8, dtype=torch.float64, requires_grad=True) for n in (length, others, others)]
    with torch.no_grad():
        fused = attend(*inputs, heads=2)
    written = attend(*inputs, heads=2)
    assert torch.allclose(written, fused, atol=1e-12)
    q, k, v = (x.unflatten(2, (2, -1)).transpose(1, 2) for x in inputs)
    want = torch.autograd.grad(F.scaled_dot_product_attention(q, k, v).square().sum(), inputs)
    have = torch.autograd.grad(written.square().sum(), inputs)
    assert all(torch.allclose(a, b, atol=1e-10) for a, b in zip(have, want, strict=True))


def test_growing_equals_nearest_neighbour_and_a_convolution():
    grow = Grow(4).double()
    x = torch.randn(2, 4, 3, 5, dtype=torch.float64)
    plain = F.conv2d(F.interpolate(x, scale_factor=2.0, mode="nearest"), grow.conv.weight, grow.conv.bias, padding=1)
    assert torch.allclose(grow(x), plain, atol=1e-12)


def test_every_parameter_learns(animation):
    both = told(animation)
    animation.zero_grad()
    velocity(animation, both).square().mean().backward()
    still = [name for name, x in animation.named_parameters() if x.grad is None or not x.grad.any()]
    assert still == []
    animation.zero_grad(set_to_none=True)


def test_training_in_bf16_is_near_float32(animation):
    whole = velocity(animation, told(animation))
    with torch.autocast("cpu", torch.bfloat16):
        low = velocity(animation, told(animation))
    assert (low.float() - whole).abs().mean() < 0.05 * whole.abs().mean()
    low.float().square().mean().backward()
    animation.zero_grad(set_to_none=True)


@torch.no_grad()
def test_weights_in_bf16_run_without_autocast(animation):
    whole = velocity(animation, told(animation))
    kept = {name: x.clone() for name, x in animation.state_dict().items()}
    try:
        low = velocity(animation.bfloat16(), told(animation))
    finally:
        animation.float().load_state_dict(kept)
    assert low.dtype == torch.bfloat16
    assert (low.float() - whole).abs().mean() < 0.05 * whole.abs().mean()


@torch.no_grad()
def test_what_is_in_the_portrait_is_shown_place_by_place_where_the_sizes_say_so():
    small = {"speech_layers": 2, "speech_features": 8, "words": 0}
    plain, shown = (Animation(mini_sizes((32, 32), anchored=anchored, **small)) for anchored in (False, True))
    picture, portrait = torch.rand(1, 2, 3, 32, 32), torch.randn(1, 16, 8, 8)
    assert plain.anchor is None and shown.anchor is not None
    shown.locator.load_state_dict(plain.locator.state_dict())
    feature = shown.located(picture, portrait) - plain.located(picture, portrait)
    changed = portrait.clone()
    changed[..., 2, 3] += 1
    moved = (shown.located(picture, changed) - shown.located(picture, portrait)).abs().sum((1, 2))[0]
    assert feature.abs().max() > 0
    assert moved[1:4, 2:5].min() > 0 and moved[5:].max() == 0 and moved[:, 6:].max() == 0
    assert torch.equal(
        init_for_training(shown).located(picture, portrait), init_for_training(plain).located(picture, portrait)
    )


@torch.no_grad()
def test_words_of_strength_zero_are_no_words_exactly_and_of_strength_one_words_as_ever(animation):
    both = told(animation)
    silent, plain = velocity(animation, replace(both, words=None)), velocity(animation, both)
    assert torch.equal(velocity(animation, replace(both, words_strength=torch.zeros(2, FRAMES))), silent)
    assert torch.equal(velocity(animation, replace(both, words_strength=torch.ones(2, FRAMES))), plain)


@torch.no_grad()
def test_words_move_one_place_and_leave_another(animation):
    """What a word norm can't: gamma and beta are the same at all places, the filter's channels are not."""
    layer = next(layer for layer in animation.denoiser.layers() if not layer.attends)
    x, words = torch.zeros(2, layer.resnet.conv2.out_channels, 8, 8), torch.randn(1, 2, 16)
    x[..., 2, 2] = torch.randn(x.shape[:2])
    opening = layer.word_filter.prepare(words, Rows.of(None, 1))
    moved = (layer.word_filter(x, opening) - x).std(1)
    assert moved[:, 2, 2].min() > 0
    assert not torch.allclose(moved[:, 2, 2], moved[:, 6, 6], rtol=0.05)


@torch.no_grad()
def test_each_frame_has_its_own_strength(animation):
    alone = replace(told(animation), motion=None)  # frames that don't see each other
    silent, plain = velocity(animation, replace(alone, words=None)), velocity(animation, alone)
    mixed = velocity(animation, replace(alone, words_strength=torch.tensor([[0.0, 1.0, 0.5]] * 2)))
    assert torch.equal(mixed[:, :, 0], silent[:, :, 0]) and torch.equal(mixed[:, :, 1], plain[:, :, 1])
    near = (mixed[:, :, 2] - silent[:, :, 2]).square().mean(), (plain - silent)[:, :, 2].square().mean()
    assert 0 < near[0] < near[1]


@torch.no_grad()
def test_each_frame_may_weigh_the_regions_in_its_own_way(animation):
    alone = replace(told(animation), motion=None)
    quiet, loud = ((1.0, 1.0, 0.0), (0.5, 1.0, 2.0))
    weights = torch.tensor([quiet, loud, (1.0, 1.0, 1.0)])
    by_frame = velocity(animation, replace(alone, frame_weights=weights))
    for frame, same in enumerate((quiet, loud, (1.0, 1.0, 1.0))):
        whole = velocity(animation, replace(alone, region_weights=same))
        assert torch.allclose(by_frame[:, :, frame], whole[:, :, frame], atol=1e-6)
    assert not torch.allclose(by_frame[:, :, 0], velocity(animation, alone)[:, :, 0], atol=1e-4)
