"""Stages B and C of the enhancer's training: what they learn, from what, and that they learn."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from faces import packed_faces
from learning import losses
from longtake.errors import CorpusError, SettingsError
from longtake.models.code_predictor import PredictorSizes
from longtake.models.enhancer import Enhancer, EnhancerSizes, mini_sizes
from longtake.models.latent_reader import LatentSizes
from longtake.models.vqgan import Vqgan, VqganSizes
from longtake.networks import load_enhancer
from longtake.settings import RunSettings
from longtake.train import enhancer as stage
from longtake.train.enhancer import EnhancerTask
from longtake.train.enhancer_learner import learning
from longtake.train.recipe import Recipe, read_recipe
from longtake.train.run import task_module
from longtake.weights import files

TINY = EnhancerSizes(
    VqganSizes(side_px=32, stem=4, widths=(8, 16), layers=1, norm="place", attend=False, code=4, codes=12),
    PredictorSizes(width=16, layers=2, heads=2, ff=16),
    fused=(8,),
    steady=True,
)


@pytest.fixture
def make(tmp_path, monkeypatch):
    """A task of a kind, on tiny sizes and faces."""

    def sizes_of(latents=False):
        return replace(TINY, latents=LatentSizes(4, 2), steady=False) if latents else TINY

    monkeypatch.setitem(stage.SIZES, "tiny", sizes_of)
    torch.manual_seed(0)
    known = Vqgan(TINY.vqgan)
    known.codebook.weight.data.normal_()
    files.write(tmp_path / "codes.safetensors", known.state_dict(), {"kind": "enhancer_codes"})
    folder = packed_faces(tmp_path, own=True)

    def made(kind, latents=False, **data):
        data = {"folder": str(folder), "codes": str(tmp_path / "codes.safetensors"), "frames": 4, **data}
        sizes = {"of": "tiny", "latents": latents}
        return EnhancerTask(Recipe(kind=kind, sizes=sizes, data=data, task={"part": 4}))

    return made


@pytest.mark.parametrize(
    ("kind", "latents"), [("enhancer_predict", False), ("enhancer_align", False), ("enhancer_predict", True)]
)
def test_a_few_steps_make_the_loss_smaller(make, kind, latents):
    found = losses(make(kind, latents), steps=20, rate=5e-3)
    assert found[-1] < 0.95 * found[0]


def test_stage_b_leaves_the_decoder_and_the_codes_alone_and_stage_c_all_but_time(make):
    model = make("enhancer_predict").model
    names = {id(x): name for name, x in model.named_parameters()}
    first = {names[id(x)] for x in learning(model, aligned=False)}
    last = {names[id(x)] for x in learning(model, aligned=True)}
    assert not first & last
    assert {name.split(".")[0] for name in first} == {"encoder", "predictor", "fusion"}
    assert {name.split(".")[0] for name in last} == {"predictor"}
    assert all(name.startswith(("decoder.", "codebook.")) for name in set(names.values()) - first - last)


def test_in_stage_c_the_pixels_cost_nothing_for_they_can_teach_nothing(make):
    task = make("enhancer_align")
    _, told = task.loss(task.model, task.batch(np.random.default_rng(0), 0.0), 0.0)
    assert set(told) == {"codes", "right"}


def test_before_stage_c_frames_that_are_aligned_are_what_they_are_alone_and_after_a_step_they_are_not(make):
    task = make("enhancer_align")
    window = task.batch(np.random.default_rng(0), 0.0)["given"]
    network = task.model.eval()

    def scores(align):
        features, _ = network.read(window[0], 0.0, 4)
        return network.predictor(features[None], align)

    assert torch.allclose(scores(True), scores(False), atol=1e-5)
    learner = torch.optim.SGD([x for x in network.parameters() if x.requires_grad], 1.0)
    task.loss(network, task.batch(np.random.default_rng(0), 0.0), 0.0)[0].backward()
    learner.step()
    assert not torch.allclose(scores(True), scores(False), atol=1e-4)


def test_what_is_trained_is_an_enhancer_and_comes_back_from_its_file(make, tmp_path):
    task = make("enhancer_align")
    path = tmp_path / "enhancer.safetensors"
    files.write(path, task.model.state_dict(), {"kind": "enhancer", **task.header()})
    network = load_enhancer(path, RunSettings(device="cpu", dtype="float32"))
    assert network.sizes == TINY and type(network) is Enhancer
    found = network(torch.rand(1, 4, 3, 32, 32), 0.7)
    assert found.shape == (1, 4, 3, 32, 32)


def test_latents_go_straight_into_the_predictor(make):
    task = make("enhancer_predict", latents=True)
    batch = task.batch(np.random.default_rng(0), 0.0)
    assert batch["given"].shape == (1, 4, 4, 2, 2) and batch["sharp"].shape == (1, 4, 3, 32, 32)
    found = Enhancer.forward(task.model, batch["given"], 0.7)
    assert found.shape == batch["sharp"].shape


def test_batches_are_made_of_their_generator_alone(make):
    task = make("enhancer_predict", batch=2)
    first, again = (task.batch(np.random.default_rng(3), 0.0) for _ in range(2))
    assert torch.equal(first["given"], again["given"]) and torch.equal(first["sharp"], again["sharp"])


def test_the_sheet_tells_what_alignment_is_worth(make):
    task = make("enhancer_align")
    sheet, numbers = task.sheet(task.model.eval())
    assert sheet.shape == (4 * 32, 4 * 32, 3)
    assert numbers["psnr"] != numbers["psnr_alone"], "frames are averaged from the first step on"
    assert numbers["change"] < numbers["change_alone"]


def test_what_is_missing_is_told(make, tmp_path):
    with pytest.raises(SettingsError, match="codes"):
        make("enhancer_predict", codes=None)
    with pytest.raises(CorpusError, match="frames"):
        make("enhancer_align", frames=9).batch(np.random.default_rng(0), 0.0)
    bare = packed_faces(tmp_path / "bare")
    with pytest.raises(CorpusError, match="latents"):
        make("enhancer_predict", latents=True, folder=str(bare))


def test_recipes_build_what_they_name(request):
    recipes = request.config.rootpath / "recipes"
    for place, name, aligned, frames in (
        ("mini", "enhancer_predict", False, 1),
        ("mini", "enhancer_latents", False, 1),
        ("mini", "enhancer_align", True, 16),
        ("paper", "enhancer_predict", False, 1),
        ("paper", "enhancer_align", True, 16),
    ):
        recipe = read_recipe(recipes / place / f"{name}.toml")
        wanted = EnhancerSizes() if place == "paper" else mini_sizes("latents" in name)
        assert stage.read_sizes(recipe) == wanted
        assert (recipe.kind == "enhancer_align") == aligned and task_module(recipe) is stage
        assert stage.Data.checked(recipe.data).frames == frames and stage.Data.checked(recipe.data).draws == "clip"
        stage.Aims.checked(recipe.task)
        if place == "mini":
            assert "learn" in stage.estimate(recipe)
    assert read_recipe(recipes / "paper" / "enhancer_align.toml").run.steps == 550_000
