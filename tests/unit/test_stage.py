"""The stages as a task of the training loop, on two made-up clips."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from learning import losses
from longtake.corpus.windows import INDEX
from longtake.errors import SettingsError
from longtake.face.regions import LIP
from longtake.train.recipe import Recipe, read_recipe
from longtake.train.stage import build, estimate

FRAMES = 40
SIZES = {
    "widths": [32, 32],
    "speech_layers": 2,
    "speech_features": 8,
    "speech_hidden": 16,
    "speech_tokens": 2,
    "words": 0,
}


@pytest.fixture(scope="module")
def windows(tmp_path_factory) -> Path:
    """A prepared folder of noise around a fixed face."""
    folder, rng = tmp_path_factory.mktemp("windows"), np.random.default_rng(0)
    count = 2 * FRAMES
    shapes = {"latents": (16, 16, 16), "dropped": (16, 16, 16), "speech": (2, 8), "identity": (128,)}
    for name, shape in shapes.items():
        np.save(folder / f"{name}.npy", rng.normal(size=(count, *shape)).astype(np.float16))
    face = rng.uniform([60, 60], [190, 200], (468, 2))
    face[list(LIP)] = rng.uniform([110, 150], [140, 165], (len(LIP), 2))
    np.save(folder / "landmarks.npy", face[None].repeat(count, 0).astype(np.float16))
    clips = [
        {"id": str(k), "split": split, "start": k * FRAMES, "frames": FRAMES}
        for k, split in enumerate(("train", "heldout"))
    ]
    (folder / INDEX).write_text(json.dumps({"clips": clips, "frames": count, "fps": 25, "hashes": {}}))
    return folder


def recipe(windows: Path, **task):
    stage = "stage2" if task.get("motion") else "stage1"
    small = {"clips": 2, "frames": 4, **task}
    return Recipe.checked({"kind": stage, "sizes": SIZES, "data": {"windows": [windows]}, "task": small})


def learning_names(task) -> set[str]:
    return {name for name, parameter in task.model.named_parameters() if parameter.requires_grad}


def test_a_batch_depends_on_its_generator_alone(windows):
    one, two = (build(recipe(windows)).batch(np.random.default_rng(3), 0.0) for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_stage_1_leaves_motion_modules_alone_and_stage_2_trains_them(windows):
    single, segment = build(recipe(windows)), build(recipe(windows, motion=4, frames=16))
    assert not any(".motion." in name for name in learning_names(single))
    assert any(".motion." in name for name in learning_names(segment))


def test_everything_that_learns_gets_a_gradient_after_one_step(windows):
    """The second step: branches that begin at zero hide what is before them in the first."""
    task = build(recipe(windows, motion=4, frames=16, drop_all=0.0, drop_speech=0.0))
    optimizer = torch.optim.SGD(task.model.parameters(), lr=0.1)
    for step in range(3):
        optimizer.zero_grad()
        loss, _ = task.loss(task.model, task.batch(np.random.default_rng(step), 0.0), 0.0)
        loss.backward()
        optimizer.step()
    lacking = [n for n, p in task.model.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())]
    assert not lacking


def test_a_few_steps_lower_the_loss(windows):
    found = losses(build(recipe(windows, drop_all=0.0)), steps=12, rate=2e-3)
    assert found[-1] < 0.9 * found[0]


def test_rows_lose_their_conditions_at_the_rates_of_the_recipe(windows):
    task = build(recipe(windows, clips=8, drop_all=0.3, drop_speech=0.5))
    batches = [task.batch(np.random.default_rng(seed), 0.0) for seed in range(40)]
    portrait, speech = (torch.cat([b[name] for b in batches]).float().mean() for name in ("has_portrait", "has_speech"))
    assert abs(portrait - 0.7) < 0.08
    assert abs(speech - 0.35) < 0.08


def test_the_noisiest_steps_are_drawn_as_often_as_the_recipe_says(windows):
    """A third of them by chance, and of the rest the share that is asked for."""
    for rate, share in ((0.0, 1 / 3), (0.7, 0.8), (1.0, 1.0)):
        task = build(recipe(windows, noisy_rate=rate))
        steps = torch.cat([task.batch(np.random.default_rng(seed), 0.0)["step"].flatten() for seed in range(60)])
        assert abs((steps >= 666).float().mean().item() - share) < 0.08 and steps.max() > 900


def test_the_sheet_measures_samples_without_an_autoencoder(windows):
    task = build(recipe(windows))
    task.sheets.steps = 1
    picture, numbers = task.sheet(task.model)
    assert picture is None
    assert np.isfinite(numbers["distance"])


def test_the_header_says_how_the_latents_were_anchored(windows):
    assert build(recipe(windows)).header()["settings"]["anchor_std"] == pytest.approx(2**0.5, rel=0.1)


@pytest.mark.parametrize("name", ["mini/stage1", "mini/stage2", "paper/stage1", "paper/stage2"])
def test_every_shipped_recipe_can_be_counted_without_data(name):
    told = estimate(read_recipe(Path(__file__).parents[2] / "recipes" / f"{name}.toml"))
    assert "TFLOP" in told and "learn" in told


def test_the_paper_s_stages_have_the_paper_s_numbers():
    one, two = (read_recipe(Path(__file__).parents[2] / "recipes" / "paper" / f"stage{stage}.toml") for stage in (1, 2))
    assert (one.run.steps, two.run.steps) == (30_000, 28_000)
    assert (one.learning.rate, two.learning.rate) == (1e-5, 1e-5)
    assert (two.task["clips"], two.task["motion"], two.task["frames"]) == (4, 4, 16)


def test_an_unknown_setting_of_a_stage_is_named(windows):
    with pytest.raises(SettingsError, match=r"lip_gian.*lip_gain"):
        build(recipe(windows, lip_gian=3))


def test_training_goes_on_from_the_shipped_weights():
    from longtake.models.animation import AnimationSizes
    from longtake.presets import mini
    from longtake.train.checkpoint import start_from
    from longtake.train.learner import Learner
    from longtake.weights import files

    weights = mini().weights / "animation.safetensors"
    header = files.about(weights)
    learner = Learner(files.sizes(weights, header, AnimationSizes))
    before = learner.denoiser.conv_out.weight.clone()
    start_from(SimpleNamespace(model=learner, header=lambda: header), weights)
    assert not torch.equal(before, learner.denoiser.conv_out.weight)


@pytest.mark.parametrize("corrupted", ["motion", "reference"])
def test_noise_falls_on_what_is_corrupted_and_leaves_the_batch_as_it_was(windows, corrupted):
    task = build(recipe(windows, motion=4, corrupted=corrupted, motion_noise_std=0.5))
    batch = task.batch(np.random.default_rng(0), 0.0)
    before = {name: tensor.clone() for name, tensor in batch.items()}
    told = task.told(batch)
    assert torch.equal(told.reference, before["read"]) == (corrupted == "motion")
    assert torch.equal(told.motion, before["motion"]) == (corrupted == "reference")
    assert all(torch.equal(batch[name], before[name]) for name in batch)
