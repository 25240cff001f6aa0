"""wav2vec2 by windows: what one pass over the whole sound gives, whatever its length, in constant memory."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sounds import reader

transformers = pytest.importorskip("transformers")

from longtake.encoders.wav2vec import Wav2VecFeatures, frame_count, load_wav2vec  # noqa: E402
from longtake.errors import MissingDependency, WeightsMismatch, WeightsMissing  # noqa: E402

SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": (16,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}


@pytest.fixture(scope="module")
def model():
    """A tiny wav2vec2 whose weights make activations of unit size, so that nothing hides in small numbers."""
    torch.manual_seed(0)
    made = transformers.Wav2Vec2Model(transformers.Wav2Vec2Config(**SIZES)).eval().requires_grad_(False)
    for name, parameter in made.named_parameters():
        if parameter.ndim > 1 and not name.endswith("original0"):
            parameter.copy_(torch.randn_like(parameter) / math.sqrt(parameter[0].numel()))
    return made


def talk(seconds, seed=0):
    """Noise whose level moves like that of speech, with an offset, as cheap recorders have."""
    rng = np.random.default_rng(seed)
    level = np.interp(np.arange(round(16000 * seconds)) / 4000, np.arange(4 * 90), rng.uniform(0, 0.3, 4 * 90))
    return (level * rng.standard_normal(len(level)) + 0.01).astype(np.float32)


def features(model, samples, **options):
    return Wav2VecFeatures(model, reader(samples), len(samples) / 16000, **options)


def one_pass(model, samples, frames, silence=0):
    """The definition, straight from the facts: normalise, convolve, interpolate, project, attend."""
    x = torch.from_numpy(samples)
    x = (x - x.mean()) / (x.var(correction=0) + 1e-7).sqrt()
    heard = model.feature_extractor(F.pad(x, (0, silence * 640))[None])
    heard = F.interpolate(heard, size=frames, mode="linear", align_corners=True).transpose(1, 2)
    layers = []
    hooks = [layer.register_forward_hook(lambda *given: layers.append(given[2])) for layer in model.encoder.layers]
    model.encoder(model.feature_projection(heard)[0])
    for hook in hooks:
        hook.remove()
    return torch.stack(layers, 2)[0]


@pytest.mark.parametrize("seconds", [0.04, 0.07, 0.51, 2.03, 12.34])
def test_a_sound_of_one_window_is_one_pass(model, seconds):
    samples = talk(seconds)
    found = features(model, samples)
    assert found.frames == math.ceil(round(seconds * 100) * 25 / 100)
    expected = one_pass(model, samples, found.frames)
    assert torch.allclose(found.between(0, found.frames), expected, atol=2e-5)


def test_convolutions_are_those_of_the_whole_sound_however_they_are_cut(model):
    samples = talk(40.0)
    piece = features(model, samples).pieces[0]
    x = torch.from_numpy(samples)
    whole = model.feature_extractor(((x - x.mean()) / (x.var(correction=0) + 1e-7).sqrt())[None])[0].T
    assert piece.convolved_frames == len(whole)
    assert torch.allclose(piece.convolved(0, len(whole)), whole, atol=2e-5)
    assert torch.allclose(piece.convolved(777, 1501), whole[777:1501], atol=2e-5)


def test_but_for_attention_windows_of_a_long_sound_give_exactly_one_pass(model):
    """Normalisations, convolutions, interpolation and positions know nothing of windows, so seams can't show."""
    deaf = transformers.Wav2Vec2Model(model.config).eval().requires_grad_(False)
    deaf.load_state_dict(model.state_dict())
    for layer in deaf.encoder.layers:
        layer.attention.out_proj.weight.zero_()
    samples = talk(60.0)
    found = features(deaf, samples, window_s=12, overlap_s=4, fade_s=2)
    assert len(found.places) == 7
    assert torch.allclose(found.between(0, 1500), one_pass(deaf, samples, 1500), atol=5e-5)


def test_with_attention_windows_come_closer_to_one_pass_than_pieces_and_the_closer_the_longer(model):
    """Random attention looks everywhere alike, which is the worst case: a trained one looks near."""
    samples = talk(60.0)
    whole = features(model, samples).between(0, 1500)
    spread = whole.std((0, 2), keepdim=True)
    cut = torch.cat([features(model, samples[at : at + 480000]).between(0, 750) for at in (0, 480000)])
    longer, shorter = (
        features(model, samples, window_s=window, overlap_s=10, fade_s=5).between(0, 1500) for window in (30, 20)
    )
    pieces, long, short = (((x - whole) / spread).abs() for x in (cut, longer, shorter))
    assert long.max() < 0.7 * pieces.max()
    assert long.square().mean() < 0.8 * pieces.square().mean()
    assert long.square().mean() < short.square().mean() < 0.1**2


def test_no_frame_jumps_where_windows_meet(model):
    samples = talk(60.0)
    whole = features(model, samples).between(0, 1500)
    found = features(model, samples, window_s=20, overlap_s=6, fade_s=3)
    steps, usual = ((x[1:] - x[:-1]).square().mean((1, 2)).sqrt() for x in (found.between(0, 1500), whole))
    assert len(found.places) == 4
    assert (steps / usual).max() < 1.1


def test_any_stretch_is_the_same_bit_for_bit(model):
    samples = talk(60.0)
    options = {"window_s": 20, "overlap_s": 6, "fade_s": 3}
    whole = features(model, samples, **options).between(0, 1500)
    for first, stop in ((0, 16), (400, 432), (410, 411), (700, 1100), (1490, 1500)):
        assert torch.equal(features(model, samples, **options).between(first, stop), whole[first:stop])


@pytest.mark.parametrize("frames", [40, 499, 500, 501, 850, 851, 999, 1500, 4000])
def test_the_windows_of_a_sound_of_any_length_add_up_to_one(model, frames):
    found = Wav2VecFeatures(model, reader(np.zeros(0)), frames / 25, window_s=20, overlap_s=6, fade_s=3)
    total = torch.zeros(frames)
    for place in found.places:
        first, stop = place.shown(found.fade)
        assert place.first <= first and stop <= place.stop
        total[first:stop] += place.weights(first, stop, found.fade)
    assert torch.allclose(total, torch.ones(frames))
    assert all(one.stop - one.first == min(frames, 500) for one in found.places)
    assert all(other.first > one.first for one, other in pairwise(found.places))


def test_memory_holds_two_windows_at_most_and_reads_run_forwards(model):
    asked = []
    samples = talk(60.0)
    found = Wav2VecFeatures(model, reader(samples, asked), 60.0, window_s=12, overlap_s=4, fade_s=2)
    for first in range(0, 1500, 16):
        found.windows(first, 16, 25, 5)
        assert len(found.done) <= 2
    back = max(one[1] - other[0] for one, other in pairwise(asked) if other[0] > 0)
    assert back <= 6 * 16000  # the overlap and the two seconds on each side of it, not the beginning of the file


def test_windows_repeat_the_first_and_the_last_frame(model):
    found = features(model, talk(1.0))
    whole = found.between(0, 25)
    rows = np.array([[0, 0, 0, 1, 2], [0, 0, 1, 2, 3]])
    assert torch.equal(found.windows(0, 2, 25, 5), whole[rows])
    assert torch.equal(found.windows(24, 16, 25, 5)[1:, 2], whole[[24]].expand(15, -1, -1))


def test_video_at_another_rate_hears_the_same_features_between_two_of_them(model):
    found = features(model, talk(2.0))
    whole = found.between(0, 50)
    halves = found.windows(3, 4, 50, 3)  # frames 3..6 of 50 a second are 1.5, 2, 2.5 and 3
    assert torch.equal(halves[1], whole[1:4]) and torch.equal(halves[3], whole[2:5])
    assert torch.allclose(halves[0], (whole[0:3] + whole[1:4]) / 2)
    assert torch.equal(found.windows(98, 6, 50, 3)[3:, 1], whole[[-1]].expand(3, -1, -1))


def test_frames_are_counted_exactly():
    assert frame_count(4480, 25) == 7  # the published arithmetic says 8
    assert all(frame_count(640 * n, 25) == n for n in range(1, 100_000, 7))
    assert frame_count(640 * 7 + 1, 25) == 8
    assert frame_count(16000 * 3600, 30000 / 1001) == math.ceil(3600 * 30000 / 1001)


def test_the_published_minutes_know_nothing_of_each_other(model):
    samples = talk(75.0)
    found = features(model, samples, pieces="published").between(0, 1875)
    first, second = samples[:960000], samples[960000:]
    expected = torch.cat([one_pass(model, first, 1500), one_pass(model, second, 375)])
    assert torch.allclose(found, expected, atol=2e-5)


def test_frames_after_the_end_are_zeros_after_the_normalisation(model):
    samples = talk(2.03)
    found = features(model, samples, silence_frames=13)
    assert found.frames == 64
    assert torch.allclose(found.between(0, 64), one_pass(model, samples, 64, silence=13), atol=2e-5)


@pytest.mark.parametrize("value", [0.0, 0.25])
def test_silence_is_heard_as_silence(model, value):
    found = features(model, np.full(48000, value, np.float32)).between(0, 75)
    assert found.isfinite().all()
    assert (found[30:45] - found[31:46]).abs().max() < 1e-2  # away from the ends every frame is alike


def test_a_folder_is_loaded_or_its_fault_is_told(model, tmp_path, monkeypatch):
    with pytest.raises(WeightsMissing, match="longtake weights fetch hallo2"):
        load_wav2vec(tmp_path)
    model.save_pretrained(tmp_path)
    loaded = load_wav2vec(tmp_path)
    samples = talk(0.5)
    assert torch.equal(features(loaded, samples).between(0, 13), features(model, samples).between(0, 13))
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsMismatch, match="wav2vec2"):
        load_wav2vec(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(WeightsMismatch):
        load_wav2vec(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(MissingDependency, match=r"longtake\[hallo2\]"):
        load_wav2vec(tmp_path)


def test_the_weights_of_another_network_are_refused(model, tmp_path):
    from safetensors.torch import save_file

    model.save_pretrained(tmp_path)
    save_file({"something.weight": torch.zeros(3)}, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsMismatch, match="missing"):
        load_wav2vec(tmp_path)
