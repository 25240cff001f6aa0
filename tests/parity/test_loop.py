"""The long loop, clip by clip: from the published pictures and noise, our sampling gives the published latents.

Strict form: every clip starts from the stored motion frames, so that one clip's rounding is not the next one's input.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import weight_rule as rule

from longtake.diffusion.guidance import branches, combine, sample
from longtake.diffusion.schedule import scheduler
from longtake.models.pairing import context_rows, frame_reads
from longtake.models.told import Conditions

GOLDEN = np.load(Path(__file__).parents[1] / "fixtures" / "parity" / "long_loop.npz")
OPTIONS = json.loads(str(GOLDEN["options"]))
FRAMES, MOTION = OPTIONS["frames"], OPTIONS["motion"]
LATENT_SCALE = 0.18215


def golden(name):
    return torch.from_numpy(GOLDEN[name])


@pytest.fixture(scope="module")
def autoencoder():
    from diffusers import AutoencoderKL

    made = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(32, 32, 64, 64),
        layers_per_block=1,
        latent_channels=4,
    )
    made.load_state_dict(rule.weights({name: x.shape for name, x in made.state_dict().items()}, "vae."))
    return made.eval()


@torch.no_grad()
@pytest.mark.parametrize("clip", range(OPTIONS["clips"]))
def test_every_step_of_a_clip_agrees(animation, autoencoder, clip):
    told = branches(OPTIONS["guidance"], OPTIONS["guidance"])
    latents = autoencoder.encode(golden(f"clip.{clip}.ref_image")[0]).latent_dist.mean * LATENT_SCALE
    prepared = animation.denoiser.prepare(_conditions(animation, latents, clip), FRAMES)

    def denoise(noisy, step):
        rows = noisy.expand(len(told), -1, -1, -1, -1)
        return combine(animation.denoiser(rows, step.expand(len(told)), prepared), told)

    errors = []

    def compare(done, latents):
        errors.append(rule.error(latents, golden(f"clip.{clip}.latents.{done - 1}")))

    sample(denoise, golden(f"clip.{clip}.noise"), scheduler("ddim", OPTIONS["steps"], "linear"), compare)
    assert len(errors) == OPTIONS["steps"]
    assert max(errors) <= OPTIONS["tolerance_strict"], errors


def _conditions(animation, pictures, clip):
    size, b = OPTIONS["size"], 2
    embedding = 1.5 * rule.normal("face_emb", (512,))
    identity = animation.identity_projection(torch.cat([torch.zeros_like(embedding), embedding]))
    features = animation.reference_net(pictures.repeat(b, 1, 1, 1), context_rows(identity, 1 + MOTION, "published"))
    rows = {name: x.unflatten(0, (b, 1 + MOTION)) for name, x in features.items()}
    rectangle = torch.zeros(1, 3, size, size)
    rectangle[:, :, size // 4 : -(size // 4), size // 4 : -(size // 4)] = 1
    locator = animation.locator(rectangle)
    present = torch.tensor([False, True])
    return Conditions(
        identity=identity,
        regions=tuple(mask.expand(b, -1, -1, -1) for mask in rule.masks(size // 8)),
        reference={name: x[:, 0] for name, x in rows.items()},
        reads=frame_reads(b, FRAMES, "published"),
        has_reference=present,
        motion={name: x[:, 1:] for name, x in rows.items()},
        speech=animation.speech_projection(_speech(clip)).expand(b, -1, -1, -1),
        has_speech=present,
        locator=torch.cat([torch.zeros_like(locator), locator])[:, None],
    )


def _speech(clip):
    """The windows of five frames of this clip; the ends repeat."""
    total = OPTIONS["clips"] * FRAMES
    features = rule.normal("wav2vec", (total, 12, 768))[0]
    frames = torch.arange(clip * FRAMES, (clip + 1) * FRAMES)
    return features[(frames[:, None] + torch.arange(-2, 3)).clamp(0, total - 1)][None]
