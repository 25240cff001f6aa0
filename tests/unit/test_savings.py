"""Each exact saving changes nothing but the work: equal numbers with and without it, and more operations without it."""

import pytest
import torch
from flops import count
from plain import Savings, saving
from torch.utils.flop_counter import FlopCounterMode

from longtake.models.animation import Animation, mini_sizes
from longtake.models.pairing import context_rows, frame_reads
from longtake.models.told import Conditions

FRAMES, MOTION = 3, 2
TOLERANCE = 2e-5  # of the answer's spread, float32


@pytest.fixture(scope="module")
def animation():
    torch.manual_seed(0)
    sizes = mini_sizes((32, 64), (True, True), speech_layers=2, speech_features=8, speech_tokens=3, speech_hidden=16)
    made = Animation(sizes, spare=True).eval()
    for parameter in made.parameters():  # nothing may be hidden by a zero at the start
        torch.nn.init.normal_(parameter, std=0.1 if parameter.ndim == 1 else parameter[0].numel() ** -0.5)
    return made.requires_grad_(False)


def velocity(animation, flags=(False, True)):
    """One answer under guidance, everything that leads to it included."""
    draw = torch.Generator().manual_seed(1)

    def noise(*shape):
        return torch.randn(shape, generator=draw)

    flags = torch.tensor(flags)
    identity = animation.identity_projection(noise(2, 128))
    motion = animation.reference_net(noise(2 * MOTION, 16, 8, 8), context_rows(identity, MOTION, "published"))
    told = Conditions(
        identity=identity,
        regions=(noise(2, 3, 8, 8).sigmoid(), noise(2, 3, 4, 4).sigmoid()),
        reference=animation.reference_net(noise(2, 16, 8, 8), identity),
        reads=frame_reads(2, FRAMES, "published"),
        has_reference=flags,
        motion={name: x.unflatten(0, (2, MOTION)) for name, x in motion.items()},
        speech=animation.speech_projection(noise(2, FRAMES, 5, 2, 8)),
        has_speech=flags,
        locator=noise(2, 1, 32, 8, 8),
        region_weights=(1.0, 1.3, 0.7),
    )
    portrait = animation.denoiser.prepare_video(told)
    prepared = animation.denoiser.prepare(told, FRAMES, portrait)
    return animation.denoiser(noise(2, 16, FRAMES, 8, 8), torch.full((2,), 500), prepared)


@pytest.fixture(scope="module")
def saved(animation):
    return work(animation, Savings())


def work(animation, savings, **changes):
    with saving(savings), FlopCounterMode(display=False) as counter:
        answer = velocity(animation, **changes)
    return answer, counter.get_total_flops()


WITHIN_A_SEGMENT = [name for name in Savings.names() if name != "once_per_video"]


@pytest.mark.parametrize("name", WITHIN_A_SEGMENT)
def test_a_saving_changes_only_the_work(animation, saved, name):
    plain, operations = work(animation, Savings().without(name))
    assert (plain - saved[0]).abs().max() <= TOLERANCE * saved[0].std()
    if name not in ("regions", "speech_keys", "reference_keys"):  # these move work to where it is done once
        assert operations > saved[1]


@pytest.mark.parametrize("name", ["regions", "speech_keys", "reference_keys"])
def test_what_is_made_beforehand_is_not_made_again(animation, name):
    def step(savings):
        with saving(savings):
            return steps_of(animation)

    assert step(Savings().without(name)) > step(Savings())


def steps_of(animation):
    """Operations of the denoiser's own forward."""
    with FlopCounterMode(display=False, depth=None) as counter:
        velocity(animation)
    return sum(counter.get_flop_counts()["Denoiser"].values())


def test_all_savings_together_change_nothing(animation, saved):
    for flags in ((False, True), (True, True), (True, False)):
        with_all, few = work(animation, Savings(), flags=flags)
        without, many = work(animation, Savings.none(), flags=flags)
        assert (with_all - without).abs().max() <= TOLERANCE * with_all.std()
        assert many > few


def test_a_portrait_prepared_once_serves_every_segment(animation):
    """`prepare` with what `prepare_video` made equals `prepare` alone, bit for bit."""
    draw = torch.Generator().manual_seed(3)
    identity = torch.randn(1, 4, 128, generator=draw)
    latents = torch.randn(1, 16, FRAMES, 8, 8, generator=draw)
    regions = (torch.rand(1, 3, 8, 8, generator=draw), torch.rand(1, 3, 4, 4, generator=draw))
    denoiser, reference = animation.denoiser, animation.reference_net(latents[:, :, 0], identity)
    kept = denoiser.prepare_video(Conditions(identity, regions, reference))
    for _ in range(2):
        speech = torch.randn(1, FRAMES, 3, 128, generator=draw)
        told = Conditions(identity, regions, reference, speech=speech)
        step = torch.tensor([500])
        fresh = denoiser(latents, step, denoiser.prepare(told, FRAMES))
        assert torch.equal(denoiser(latents, step, denoiser.prepare(told, FRAMES, kept)), fresh)


def test_a_row_alone_is_told_what_it_is_told_among_others(animation):
    denoiser, draw = animation.denoiser, torch.Generator().manual_seed(4)

    def noise(*shape):
        return torch.randn(shape, generator=draw)

    identity = noise(3, 4, 128)
    told = Conditions(
        identity,
        regions=(noise(3, 3, 8, 8).sigmoid(), noise(3, 3, 4, 4).sigmoid()),
        reference=animation.reference_net(noise(3, 16, 8, 8), identity),
        reads=frame_reads(3, FRAMES, "published"),
        has_reference=torch.tensor([False, True, True]),
        motion={
            layer.name: noise(3, MOTION, 64 >> (2 * layer.level), 32 << layer.level) for layer in denoiser.attending()
        },
        speech=noise(3, FRAMES, 3, 128),
        has_speech=torch.tensor([False, False, True]),
        words=noise(3, FRAMES, 128),
        has_words=torch.tensor([True, False, True]),
        locator=noise(3, 1, 32, 8, 8),
    )
    latents, step = noise(3, 16, FRAMES, 8, 8), torch.tensor([500])
    prepared = denoiser.prepare(told, FRAMES)
    together = denoiser(latents, step.expand(3), prepared)
    for k in range(3):
        alone = denoiser(latents[k : k + 1], step, prepared.row(k))
        assert (alone - together[k : k + 1]).abs().max() <= TOLERANCE * together.std()


@pytest.mark.slow
def test_a_segment_of_the_published_size_costs_what_it_should():
    result = count(steps=40)
    assert result["published"] == pytest.approx(2.2e15, rel=0.01), "40 steps of about 54 TFLOP, and 48 beside them"
    assert result["ratio"] <= 0.88
