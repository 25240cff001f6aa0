"""The autoencoder: shapes, locality, statistics, its loss."""

import json

import numpy as np
import pytest
import torch

from longtake.errors import CorpusError
from longtake.models.autoencoder import Autoencoder, AutoencoderSizes
from longtake.train.autoencoder import AutoencoderTask, likeness, psnr, reconstruct
from longtake.train.crops import EYES, FACE, LIPS, box, take, weigh
from longtake.train.frames import FrameStore, pack_frames
from longtake.train.recipe import Recipe

TINY = AutoencoderSizes(widths=(8, 12, 16), blocks=(1, 1, 1), channels=4)


def model() -> Autoencoder:
    torch.manual_seed(0)
    net = Autoencoder(TINY).requires_grad_(False)
    for name, p in net.named_parameters():
        if name.endswith("second.weight"):
            p.normal_(std=0.05)  # so that the blocks do something
    return net


def face(side: int = 64) -> np.ndarray:
    """468 landmarks on a grid that fills the middle of a picture, the lips and eyes where they belong."""
    rng = np.random.default_rng(0)
    points = rng.uniform(0.25, 0.75, (468, 2))
    points[LIPS] = rng.uniform((0.42, 0.62), (0.58, 0.7), (len(LIPS), 2))
    for eye, x in zip(EYES, (0.38, 0.62), strict=True):
        points[eye] = rng.uniform((x - 0.05, 0.4), (x + 0.05, 0.45), (len(eye), 2))
    return (points * side).astype(np.float32)


@pytest.fixture
def store(tmp_path):
    rng = np.random.default_rng(0)
    source = tmp_path / "source"
    source.mkdir()
    for k in range(8):
        frames = rng.integers(0, 255, (3, 64, 64, 3), np.uint8)
        np.savez(source / f"{k:05d}.npz", frames=frames, landmarks=np.stack([face()] * 3).astype(np.float16))
    pack_frames([source], tmp_path / "packed")
    return tmp_path / "packed"


def test_latents_are_sixteen_times_smaller_and_decode_to_the_same_size():
    net = model()
    assert TINY.factor == 16
    latents = net.encode(torch.zeros(2, 3, 64, 96))
    assert latents.shape == (2, 4, 4, 6)
    assert net.decode(latents).shape == (2, 3, 64, 96)


def test_a_change_in_one_corner_of_the_latents_leaves_the_far_corner_of_the_picture_alone():
    net = model()
    latents = torch.randn(1, 4, 16, 16)
    before = net.decode(latents)
    latents[0, :, 0, 0] += 3
    after = net.decode(latents)
    assert not torch.equal(before[..., :16, :16], after[..., :16, :16])
    assert torch.equal(before[..., -64:, -64:], after[..., -64:, -64:])


def test_a_change_in_one_corner_of_the_picture_leaves_the_far_latents_alone():
    net = model()
    picture = torch.randn(1, 3, 256, 256)
    before = net.encode(picture)
    picture[..., :16, :16] = 0
    assert torch.equal(before[..., -4:, -4:], net.encode(picture)[..., -4:, -4:])


def test_after_watching_pictures_the_latents_have_zero_mean_and_unit_spread():
    net = model()
    pictures = torch.randn(4, 3, 64, 64)
    _, raw = net(pictures)
    net.observe(raw, 1.0)
    latents = net.encode(pictures)
    assert torch.allclose(latents.mean((0, 2, 3)), torch.zeros(4), atol=1e-4)
    assert torch.allclose(latents.std((0, 2, 3)), torch.ones(4), atol=1e-3)


def test_without_noise_the_way_through_is_encode_then_decode():
    net, pictures = model(), torch.randn(1, 3, 32, 32)
    assert torch.equal(net(pictures)[0], net.decode(net.encode(pictures)))
    assert not torch.equal(net(pictures, 0.1)[0], net(pictures)[0])


def test_the_full_autoencoder_has_seven_and_a_half_million_parameters():
    with torch.device("meta"):
        count = sum(p.numel() for p in Autoencoder().parameters())
    assert 7e6 < count < 8e6


def test_lips_count_most_then_eyes_then_the_face():
    points = face()
    weights = weigh(points, 64)
    x, y = points[LIPS].mean(0).astype(int)
    assert weights[y, x] == 8 and weights[0, 0] == 1
    x, y = points[EYES[0]].mean(0).astype(int)
    assert weights[y, x] == 5


def test_an_unvaried_crop_of_the_whole_picture_is_the_picture():
    picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    crop, _ = take(picture, face(), (32.0, 32.0), 64, np.random.default_rng(0), vary=False)
    assert np.array_equal(crop, picture)


def test_weights_follow_the_crop_when_it_is_mirrored_and_scaled():
    """A picture that is bright only on the lips stays bright where the weights are highest."""
    points = face(128)
    left, top, right, bottom = (int(v) for v in box(points, LIPS, 1.0))
    picture = np.zeros((128, 128, 3), np.uint8)
    picture[top:bottom, left:right] = 255
    for seed in range(8):
        crop, weights = take(picture, points, (64.0, 84.0), 64, np.random.default_rng(seed))
        bright = crop.max(2) > 100
        assert bright.any() and weights[bright].mean() > 7.5


def test_packed_frames_come_back_as_rgb_with_the_last_files_held_out(store, tmp_path):
    packed = FrameStore(store)
    assert len(packed.train) == 2 * 3 and len(packed.heldout) == 6 * 3
    assert packed.clip[:7].tolist() == [0, 0, 0, 1, 1, 1, 2]
    with np.load(tmp_path / "source" / "00001.npz") as arrays:
        assert np.array_equal(packed.frames[3], arrays["frames"][0][..., ::-1])
    assert np.allclose(packed.landmarks[3][FACE], face(), atol=0.05)


def test_a_folder_without_frames_says_how_to_make_them(tmp_path):
    with pytest.raises(CorpusError, match=r"longtake\.train\.pack frames"):
        FrameStore(tmp_path)


def task(store, **aims) -> AutoencoderTask:
    sizes = {"widths": [8, 12, 16], "blocks": [1, 1, 1], "channels": 4}
    data = {"folder": str(store), "crop_px": 32, "batch": 4}
    return AutoencoderTask(Recipe.checked({"kind": "autoencoder", "sizes": sizes, "data": data, "task": aims}))


def test_the_loss_equals_its_formula_when_every_pixel_counts_the_same(store):
    made = task(store, noise_std=0.0, gradient=2.0, spread=0.0, settle=0.0)
    batch = made.batch(np.random.default_rng(0), 0.5)
    batch["weights"] = torch.full_like(batch["weights"], 3.0)
    loss, _ = made.loss(made.model, batch, 0.95)
    pictures = batch["pictures"]
    wrong = made.model(pictures)[0] - pictures
    edges = (wrong.diff(dim=-1).abs().mean() + wrong.diff(dim=-2).abs().mean()) / 2
    assert torch.allclose(loss, wrong.abs().mean() + 2 * edges)


def test_channels_are_alike_when_they_repeat_each_other_and_not_when_they_are_independent():
    torch.manual_seed(0)
    one = torch.randn(2, 1, 64, 64)
    assert likeness(one * torch.tensor([1.0, -2.0, 3.0])[:, None, None]).item() == pytest.approx(1.0, abs=1e-4)
    assert likeness(torch.randn(2, 3, 64, 64)).item() < 1e-3


def test_the_statistics_stay_at_the_end_of_the_run(store):
    made = task(store)
    batch = made.batch(np.random.default_rng(0), 0.5)
    made.loss(made.model, batch, 0.5)
    before = made.model.latent_std.clone()
    made.loss(made.model, batch, 0.95)
    assert torch.equal(before, made.model.latent_std) and not torch.equal(before, torch.ones(4))


def test_whole_pictures_follow_the_crops(store):
    made = task(store)
    assert made.batch(np.random.default_rng(0), 0.1)["pictures"].shape == (4, 3, 32, 32)
    assert made.batch(np.random.default_rng(0), 0.9)["pictures"].shape == (1, 3, 64, 64)


def test_the_sheet_shows_held_out_faces_and_the_header_is_json(store):
    made = task(store)
    picture, numbers = made.sheet(made.model)
    assert picture.dtype == np.uint8 and picture.shape[1] == 8 * 64
    assert {"psnr", "psnr_mouth"} <= set(numbers)
    json.dumps(made.header())


def test_reconstructed_frames_are_frames():
    frames = np.random.default_rng(0).integers(0, 255, (3, 32, 32, 3), np.uint8)
    found = reconstruct(model(), frames, at_once=2)
    assert found.shape == frames.shape and found.dtype == np.uint8
    assert psnr(frames, frames) > 60
