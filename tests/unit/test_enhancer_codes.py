"""Stage A of the enhancer's training: what its loss, its codebook and its batches must hold."""

import numpy as np
import pytest
import torch

from faces import AUTOENCODER, packed_faces
from learning import losses
from longtake.models.autoencoder import Autoencoder
from longtake.models.code_predictor import PredictorSizes
from longtake.models.enhancer import Enhancer, EnhancerSizes, mini_sizes
from longtake.models.vqgan import Codebook, VqganSizes
from longtake.train.enhancer_codes import EnhancerCodesTask, JudgedVqgan, perplexity, revive
from longtake.train.judge import Features, Judge, same_patch
from longtake.train.recipe import Recipe, make_sizes, read_recipe
from longtake.train.run import task_module
from longtake.weights.files import write

SIZES = {"side_px": 32, "stem": 4, "widths": [8, 16], "groups": 4, "code": 4, "codes": 12}


@pytest.fixture
def task(tmp_path):
    data = {"folder": str(packed_faces(tmp_path, frames=3)), "crop_px": 16, "batch": 3}
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


def test_neither_the_judge_nor_the_maker_learns_from_the_others_aim():
    torch.manual_seed(0)
    judge, true = Judge(4), torch.rand(2, 3, 16, 16)
    made = torch.rand(2, 3, 16, 16, requires_grad=True)
    learn, fooled = judge.contest(true, made)
    learn.backward(retain_graph=True)
    assert made.grad is None
    before = [x.grad.clone() for x in judge.parameters()]
    fooled.backward()
    assert made.grad is not None and made.grad.abs().sum() > 0
    assert all(torch.equal(a, x.grad) for a, x in zip(before, judge.parameters(), strict=True))


def test_a_judge_learns_beside_the_pictures_and_only_when_it_is_time(task):
    task.aims = task.aims.overlay({"adversarial": 0.1, "adversarial_from": 0.5, "perceptual_px": 16})
    task.model = JudgedVqgan(task.sizes)
    batch = task.batch(np.random.default_rng(0), 0.0)
    for share, judged in ((0.4, False), (0.6, True)):
        task.model.zero_grad()
        total, told = task.loss(task.model, batch, share)
        total.backward()
        assert ("judge" in told) == judged
        assert any(x.grad is not None and x.grad.any() for x in task.model.judge.parameters()) == judged


def test_features_see_a_difference_and_none_between_equals():
    torch.manual_seed(0)
    features = Features(Autoencoder(AUTOENCODER))
    true, made = torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16, requires_grad=True)
    assert features(true, true).item() == pytest.approx(0, abs=1e-6)
    features(made, true).backward()
    assert made.grad.abs().sum() > 0 and not list(features.parameters())


def test_patches_are_cut_at_the_same_place():
    pictures = torch.arange(2 * 3 * 8 * 8.0).reshape(2, 3, 8, 8)
    a, b = same_patch(4, pictures, pictures + 1000)
    assert a.shape == (2, 3, 4, 4) and torch.equal(a + 1000, b)
    assert same_patch(20, pictures)[0].shape == pictures.shape


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


def test_of_a_finished_enhancer_only_an_encoder_that_fits_it_learns(tmp_path):
    torch.manual_seed(1)
    finished = Enhancer(
        EnhancerSizes(make_sizes(VqganSizes, SIZES), PredictorSizes(width=16, layers=1, heads=2, ff=16), fused=(8,))
    )
    write(tmp_path / "enhancer.safetensors", finished.state_dict(), {"kind": "enhancer"})
    data = {"folder": str(packed_faces(tmp_path, frames=3)), "crop_px": 16, "batch": 3}
    data["enhancer"] = str(tmp_path / "enhancer.safetensors")
    task = EnhancerCodesTask(Recipe(kind="enhancer_codes", sizes=SIZES, data=data))
    for name in ("encoder", "codebook", "decoder"):
        theirs = getattr(finished, name).state_dict()
        assert all(torch.equal(x, theirs[key]) for key, x in getattr(task.model, name).state_dict().items())
    before = {name: x.clone() for name, x in task.model.state_dict().items()}
    found = losses(task, steps=25, rate=3e-3)
    assert found[-1] < found[0]
    moved = {name.split(".")[0] for name, x in task.model.state_dict().items() if not torch.equal(x, before[name])}
    assert moved == {"encoder"}, "unused entries must not begin anew either"
