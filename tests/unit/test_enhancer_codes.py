"""Stage A of the enhancer's training: what its loss, its codebook and its batches must hold."""

import numpy as np
import pytest
import torch

from learning import losses
from longtake.face.align import TEMPLATE
from longtake.models.enhancer import mini_sizes
from longtake.models.vqgan import Codebook, VqganSizes
from longtake.train.enhancer_codes import EnhancerCodesTask, perplexity, revive
from longtake.train.frames import pack_frames
from longtake.train.recipe import Recipe, make_sizes, read_recipe
from longtake.train.run import task_module

SIZES = {"side_px": 32, "stem": 4, "widths": [8, 16], "groups": 4, "code": 4, "codes": 12}


@pytest.fixture
def task(tmp_path):
    rng = np.random.default_rng(0)
    points = rng.uniform(16, 48, (3, 468, 2))
    for rows, place in zip(((33, 133, 159, 145), (362, 263, 386, 374), (4,), (61,), (291,)), TEMPLATE / 8, strict=True):
        points[:, list(rows)] = place
    source = tmp_path / "source"
    source.mkdir()
    for k in range(8):
        frames = rng.integers(0, 255, (3, 64, 64, 3), np.uint8)
        np.savez(source / f"{k:05d}.npz", frames=frames, landmarks=points.astype(np.float16))
    pack_frames([source], tmp_path / "packed")
    data = {"folder": str(tmp_path / "packed"), "crop_px": 16, "batch": 3}
    return EnhancerCodesTask(Recipe(kind="enhancer_codes", sizes=SIZES, data=data))


def test_a_batch_is_made_of_its_generator_alone(task):
    first, again = (task.batch(np.random.default_rng(5), 0.0)["pictures"] for _ in range(2))
    assert torch.equal(first, again) and first.shape == (3, 3, 16, 16)
    assert not torch.equal(first, task.batch(np.random.default_rng(6), 0.0)["pictures"])


def test_the_loss_is_its_formula(task):
    batch = task.batch(np.random.default_rng(0), 1.0)
    total, told = task.loss(task.model.eval(), batch, 1.0)
    found, features, entries, _ = task.model(batch["pictures"])
    error = found - batch["pictures"]
    across, along = (
        (error[..., 1:] - error[..., :-1]).abs().mean(),
        (error[..., 1:, :] - error[..., :-1, :]).abs().mean(),
    )
    quantised = (features - entries).square().mean()
    wanted = error.abs().mean() + (across + along) / 2 + 1.25 * quantised
    assert total.item() == pytest.approx(wanted.item(), rel=1e-5)
    assert told["commit"].item() == pytest.approx(quantised.item(), rel=1e-5)


def test_a_few_steps_make_it_smaller(task):
    found = losses(task, steps=25, rate=3e-3, number="l1")
    assert found[-1] < 0.9 * found[0]


def test_perplexity_counts_what_is_used_alike():
    assert perplexity(torch.zeros(2, 3, 3, dtype=torch.long), 9).item() == pytest.approx(1)
    assert perplexity(torch.arange(8).reshape(2, 2, 2), 20).item() == pytest.approx(8)


def test_only_unused_entries_begin_anew_and_at_features():
    torch.manual_seed(0)
    book, features = Codebook(10, 4), torch.randn(2, 4, 3, 3)
    before = book.weight.detach().clone()
    codes = torch.randint(0, 4, (2, 3, 3))
    moved = revive(book, features, codes, 1.0)
    unused = sorted(set(range(10)) - set(codes.flatten().tolist()))
    assert moved.tolist() == unused
    kept = sorted(set(range(10)) - set(unused))
    assert torch.equal(book.weight[kept], before[kept])
    flat = features.permute(0, 2, 3, 1).flatten(0, 2)
    assert all((flat == row).all(1).any() for row in book.weight[unused])


def test_the_sheet_shows_held_out_faces_and_how_varied_the_codes_are(task):
    sheet, numbers = task.sheet(task.model.eval())
    assert sheet.shape == (64, 8 * 32, 3)
    assert 0 < numbers["perplexity_share"] <= 1 and np.isfinite(numbers["psnr"])


def test_recipes_have_the_sizes_of_their_enhancers(request):
    recipes = request.config.rootpath / "recipes"
    for place, wanted in (("mini", mini_sizes().vqgan), ("paper", VqganSizes())):
        recipe = read_recipe(recipes / place / "enhancer_codes.toml")
        assert make_sizes(VqganSizes, recipe.sizes) == wanted
        assert task_module(recipe).__name__ == "longtake.train.enhancer_codes"
