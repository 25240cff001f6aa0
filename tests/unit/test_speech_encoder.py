"""The speech encoder: bounded reach, windows equal the whole, times."""

from itertools import pairwise

import numpy as np
import torch

from longtake.encoders.speech import SpeechEncoder, SpeechFeatures, SpeechSizes, log_mel, mel_filters
from longtake.train.speech import mask_bands, stretch
from longtake.train.spoil import add_noise, level, spoil
from sounds import reader

TINY = SpeechSizes(mels=20, width=32, blocks=2, kernel=5, taps=(1, 2))


def encoder() -> SpeechEncoder:
    torch.manual_seed(0)
    return SpeechEncoder(TINY).requires_grad_(False)


def sound(seconds: float = 20.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (0.1 * rng.standard_normal(int(16000 * seconds))).astype(np.float32)


def test_features_of_any_stretch_equal_features_of_the_whole_bit_for_bit():
    read, model = reader(sound()), encoder()
    whole = SpeechFeatures(model, read, keep=100).between(0, 1000)
    for first, stop in ((0, 50), (120, 140), (333, 700), (990, 1000)):
        assert torch.equal(SpeechFeatures(model, read).between(first, stop), whole[first:stop])


def test_windowed_features_equal_one_pass_over_the_whole_sound():
    samples, model = sound(8.0), encoder()
    reach = TINY.reach
    padded = np.pad(samples, (reach * 320 + 200, reach * 320 + 200))
    once = model(log_mel(torch.from_numpy(padded)[None], TINY.mels))[0, reach:-reach]
    windowed = SpeechFeatures(model, reader(samples)).between(0, len(once))
    assert torch.allclose(windowed, once, atol=1e-4)


def test_a_feature_hears_no_further_than_its_reach():
    samples, model = sound(8.0), encoder()
    before = SpeechFeatures(model, reader(samples)).between(0, 400)
    samples[3 * 16000 : 4 * 16000] = 0
    changed = (SpeechFeatures(model, reader(samples)).between(0, 400) != before).flatten(1).any(1)
    first, last = changed.nonzero()[0].item(), changed.nonzero()[-1].item()
    assert 150 - TINY.reach - 1 <= first <= 150 and 199 <= last <= 200 + TINY.reach + 1


def test_reading_forwards_reads_each_sample_once():
    asked = []
    inner = reader(sound())

    def read(start_s, stop_s):
        asked.append((round(start_s * 16000), round(stop_s * 16000)))
        return inner(start_s, stop_s)

    features = SpeechFeatures(encoder(), read)
    for first in range(0, 900, 50):
        features.between(first, first + 50)
    assert all(one[1] == other[0] for one, other in pairwise(asked))
    assert len(features.done) <= features.keep and len(features.held) < 16000 * 5


def test_a_frame_gets_the_feature_of_its_own_time():
    model = encoder()
    features = SpeechFeatures(model, reader(sound()))
    grid = features.between(0, 60)
    at = features.at_frames(first=5, frames=10, fps=25.0)
    assert at.shape == (10, 1, 2, 32)
    assert torch.equal(at[:, 0], grid[10:30:2])
    between = features.at_frames(first=1, frames=1, fps=30.0, context=1)  # 1/30 s is 1 2/3 features
    wanted = torch.lerp(grid[0:3], grid[1:4], torch.tensor(2 / 3))
    assert torch.allclose(between[0], wanted, atol=1e-6)


def test_windows_are_every_other_feature_round_the_frames_own():
    features = SpeechFeatures(encoder(), reader(sound()))
    found = features.windows(first_frame=5, frames=4, fps=25.0, window=5)
    grid = features.between(0, 40)
    assert found.shape == (4, 5, 2, 32)
    for frame in range(4):
        middle = 2 * (5 + frame)
        assert torch.equal(found[frame], grid[middle - 4 : middle + 5 : 2])


def test_times_before_the_sound_and_after_it_are_silence():
    model = encoder()
    features = SpeechFeatures(model, reader(np.zeros(16000, np.float32)))
    found = features.between(-30, 90)
    assert torch.allclose(found, found[:1].expand_as(found), atol=1e-5)


def test_a_click_shows_in_the_mel_frame_at_its_time():
    samples = torch.zeros(1, 200 + 16000 + 200)
    samples[0, 200 + 8000] = 0.5
    mel = log_mel(samples)
    assert mel.shape == (1, 80, 101)
    assert mel.sum(1).argmax().item() == 50


def test_every_mel_band_hears_something():
    assert (mel_filters(80).sum(1) > 0.99).all()


def test_the_full_encoder_has_two_to_three_million_parameters_and_sees_about_a_second():
    sizes = SpeechSizes()
    with torch.device("meta"):
        count = sum(p.numel() for p in SpeechEncoder(sizes).parameters())
    assert 2e6 < count < 3e6
    assert 0.9 <= sizes.reach / 50 <= 1.1


def test_noise_is_added_at_the_ratio_asked_for():
    samples, rng = sound(2.0), np.random.default_rng(1)
    noise = add_noise(samples, rng, snr_db=6.0) - samples
    assert abs(20 * np.log10(level(samples) / level(noise)) - 6.0) < 0.1


def test_spoiled_sound_keeps_its_length_and_its_time():
    samples = np.zeros(16000, np.float32)
    samples[8000:8400] = 0.5 * np.sin(np.arange(400) / 5)
    for seed in range(12):
        out = spoil(samples, np.random.default_rng(seed))
        assert out.shape == samples.shape and np.isfinite(out).all() and np.abs(out).max() <= 1
        energy = np.convolve(out**2, np.ones(400), "same")
        assert 7900 <= energy.argmax() <= 8900


def test_stretched_sound_is_read_at_its_speed():
    samples = np.arange(1000, dtype=np.float32)
    assert np.allclose(stretch(samples, 500, 1.5), np.arange(500) * 1.5)


def test_masked_bands_are_whole_and_few():
    torch.manual_seed(0)
    hidden = (mask_bands(torch.ones(64, 80, 5)) == 0).float()
    assert torch.equal(hidden.amin(2), hidden.amax(2))
    assert 0 < hidden.mean() < 0.15
