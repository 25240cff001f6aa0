"""The schedules and one DDIM step give the published numbers."""

from pathlib import Path

import numpy as np
import pytest
import torch
import weight_rule as rule

from longtake.diffusion.schedule import alphas_cumprod, scheduler
from longtake.train.objective import noise_latents

GOLDEN = np.load(Path(__file__).parents[1] / "fixtures" / "parity" / "schedule.npz")
SHAPE = (4, 2, 8, 8)


def golden(name):
    return torch.from_numpy(GOLDEN[name])


@pytest.mark.parametrize(("table", "betas"), [("inference", "linear"), ("training", "scaled_linear")])
def test_alphas_are_the_published_ones(table, betas):
    want = golden(f"{table}.alphas_cumprod")
    assert (alphas_cumprod(betas) - want).abs().max() <= 1e-6
    assert (scheduler("ddim", 40, betas).alphas_cumprod - want).abs().max() <= 1e-6


@pytest.mark.parametrize("steps", [1, 3, 4, 10, 25, 40])
def test_timesteps_are_the_published_ones(steps):
    assert scheduler("ddim", steps, "linear").timesteps.tolist() == GOLDEN[f"timesteps.{steps}"].tolist()


@pytest.mark.parametrize("step", [999, 974, 499, 49, 24])
def test_one_ddim_step_is_the_published_one(step):
    x, velocity = rule.normal("schedule.x", SHAPE), rule.normal("schedule.v", SHAPE)
    stepped = scheduler("ddim", 40, "linear").step(velocity, step, x, return_dict=False)[0]
    assert (stepped - golden(f"step40.{step}")).abs().max() <= 1e-5


@pytest.mark.parametrize("step", [0, 49, 499, 999])
def test_noise_and_velocity_of_training_are_the_published_ones(step):
    x, noise = rule.normal("schedule.x", SHAPE), rule.normal("schedule.noise", SHAPE)
    noised = noise_latents(x, torch.tensor([[step, step]]), alphas_cumprod("scaled_linear"), noise)
    assert (noised.latents - golden(f"add_noise.training.{step}")).abs().max() <= 1e-5
    assert (noised.target - golden(f"velocity.training.{step}")).abs().max() <= 1e-5
