"""Laws of the training objective."""

import torch

from longtake.diffusion.noise import common_noise, mixed_noise, segment_generator
from longtake.train.objective import change_loss, frame_loss, min_snr_weight, noise_latents, place_weight

ALPHAS = torch.linspace(0.999, 0.0, 1000)
SHAPE = (3, 4, 5, 8, 8)


def draw(seed=0):
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))


def steps(*rows):
    """Each row's step, for all of its frames."""
    return torch.tensor(rows)[:, None].expand(3, SHAPE[2])


def test_signal_and_velocity_give_back_the_clean_latents():
    clean, noise, step = draw(0), draw(1), steps(0, 500, 999)
    noised = noise_latents(clean, step, ALPHAS, noise)
    alpha = ALPHAS[step][:, None, :, None, None]
    assert torch.allclose(alpha.sqrt() * noised.latents - (1 - alpha).sqrt() * noised.target, clean, atol=1e-5)


def test_the_last_step_is_pure_noise_and_asks_for_minus_the_picture():
    noised = noise_latents(draw(0), steps(999, 999, 999), ALPHAS, draw(1))
    assert torch.equal(noised.latents, draw(1))
    assert torch.equal(noised.target, -draw(0))


def test_the_loss_equals_its_formula_sample_by_sample():
    noised = noise_latents(draw(0), steps(10, 500, 990), ALPHAS, draw(1))
    place = place_weight((torch.rand(3, 8, 8), 1.0), (torch.rand(3, 8, 8), 4.0))
    losses = frame_loss(draw(2) - noised.target, place) * min_snr_weight(noised.snr, 5.0)
    for k, step in enumerate([10, 500, 990]):
        snr = ALPHAS[step] / (1 - ALPHAS[step])
        for frame in range(SHAPE[2]):
            squared = (draw(2)[k, :, frame] - noised.target[k, :, frame]) ** 2 * place[k]
            expected = squared.mean() * min(snr + 1, torch.tensor(5.0)) / (snr + 1)
            assert torch.allclose(losses[k, frame], expected, rtol=1e-4)


def test_each_sample_keeps_its_own_weight():
    """Averaging first, as the released code does, gives another number."""
    noised = noise_latents(draw(0), steps(0, 300, 999), ALPHAS, draw(1))
    place = torch.ones(3, 8, 8)
    own = (frame_loss(draw(2) - noised.target, place) * min_snr_weight(noised.snr, 5.0)).mean()
    averaged = (draw(2) - noised.target).square().mean() * min_snr_weight(noised.snr, 5.0).mean()
    assert not torch.allclose(own, averaged, rtol=1e-3)


def test_velocity_and_clean_latents_are_asked_for_the_same():
    """The loss of a guess is the same number whether it is told as velocity or as clean latents."""
    step, place, guess = steps(10, 500, 990), torch.ones(3, 8, 8), draw(2)
    losses = []
    for prediction in ("v", "clean"):
        noised = noise_latents(draw(0), step, ALPHAS, draw(1), prediction)
        alpha = ALPHAS[step][:, None, :, None, None]
        told = (alpha.sqrt() * noised.latents - guess) / (1 - alpha).sqrt() if prediction == "v" else guess
        losses.append(frame_loss(told - noised.target, place) * min_snr_weight(noised.snr, 5.0, prediction))
    assert torch.allclose(*losses, rtol=1e-3)


def test_change_counts_flicker_and_forgives_what_all_frames_share():
    place, flicker = torch.ones(3, 8, 8), draw(3)
    shared = draw(4)[:, :, :1].expand(SHAPE)
    assert change_loss(shared, place).abs().max() == 0
    assert torch.allclose(change_loss(flicker + shared, place), change_loss(flicker, place), rtol=1e-4)
    assert abs(change_loss(flicker, place).mean() / frame_loss(flicker, place).mean() - 1) < 0.1


def test_an_error_of_all_frames_is_a_jump_where_the_segment_begins_and_nowhere_else():
    place, error = torch.ones(2, 8, 8), torch.full((2, 4, 6, 8, 8), 0.5)
    jumps = change_loss(error, place, border=4.0)
    assert jumps.shape == (2, 6) and jumps[:, 1:].abs().max() == 0
    assert torch.allclose(jumps[:, 0], 4 * frame_loss(error, place)[:, 0] / 2)


def test_place_weights_average_to_one_and_favour_the_lips():
    lip = torch.zeros(2, 8, 8)
    lip[:, 5, 3:5] = 1
    weight = place_weight((torch.zeros(2, 8, 8), 1.0), (lip, 6.0))
    assert torch.allclose(weight.mean((1, 2)), torch.ones(2))
    assert torch.allclose(weight[0, 5, 3] / weight[0, 0, 0], torch.tensor(7.0))


def test_mixed_noise_is_unit_noise_with_the_shared_part_it_says():
    noise = mixed_noise((8, 4, 16, 16, 16), 0.5, torch.Generator().manual_seed(0))
    assert abs(noise.std().item() - 1) < 0.02
    one, other = noise[:, :, 0].flatten(), noise[:, :, 7].flatten()
    assert abs((one * other).mean().item() - 0.5) < 0.05


def test_common_noise_is_unit_noise_that_passes_slowly_from_segment_to_segment():
    at = lambda segment: common_noise((8, 4, 16, 16, 16), 3, segment, 8).flatten()  # noqa: E731
    assert torch.equal(at(5), at(5))
    assert abs(at(5).std().item() - 1) < 0.03
    for apart, related in ((1, 7 / 8), (4, 1 / 2), (8, 0)):
        assert abs((at(5) * at(5 + apart)).mean().item() - related) < 0.05


def test_segments_and_seeds_draw_different_noise_and_the_same_one_draws_the_same():
    def first(seed, segment):
        return torch.rand(4, generator=segment_generator(seed, segment)).tolist()

    assert first(1, 2) == first(1, 2)
    assert len({tuple(first(seed, segment)) for seed in range(8) for segment in range(8)}) == 64
