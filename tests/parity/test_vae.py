"""The published autoencoder gives the published numbers, with weights that are rebuilt from names."""

from pathlib import Path

import numpy as np
import pytest
import torch
import weight_rule as rule

from longtake.models.vae import SCALE, Vae, VaeSizes

GOLDEN = np.load(Path(__file__).parents[1] / "fixtures" / "parity" / "vae.npz")  # its arrays at tiny width
TINY = VaeSizes(widths=(32, 32, 64, 64), layers=1)
TOLERANCE = 2e-5


@pytest.fixture(scope="module")
def vae():
    made = Vae(TINY)
    made.load_state_dict(rule.weights({name: tuple(x.shape) for name, x in made.state_dict().items()}, "vae."))
    return made.eval().requires_grad_(False)


def test_the_posterior_is_the_published_one(vae):
    picture = rule.smooth_picture("vae_picture", 64) * 2 - 1
    mean, log_variance = vae.posterior(picture)
    assert rule.error(mean, _golden("encode.mean")) <= TOLERANCE
    assert rule.error(log_variance, _golden("encode.logvar")) <= TOLERANCE
    assert torch.equal(vae.encode(picture), mean * SCALE)


def test_decoded_pictures_are_the_published_ones(vae):
    latents = rule.normal("vae_latent", (4, 8, 8)) * SCALE  # the golden array knows no scale
    assert rule.error(vae.decode(latents), _golden("decode")) <= TOLERANCE


def test_the_full_size_has_the_published_number_of_parameters_and_scale():
    with torch.device("meta"):
        full = Vae()
    assert sum(x.numel() for x in full.parameters()) == 83_653_863
    assert full.factor == 8
    assert SCALE == 0.18215


def _golden(name):
    return torch.from_numpy(GOLDEN[f"tiny.{name}"])
