"""The long loop as it runs: our own `Segments` from one segment to the next gives the published video.

Free-running: rounding of one clip is the input of the next, and guidance makes it larger, so tolerances grow.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import weight_rule as rule

from longtake.clips import Regions
from longtake.conditions import read_picture
from longtake.diffusion.guidance import branches
from longtake.models.vae import Vae, VaeSizes
from longtake.networks import Networks
from longtake.presets import hallo2
from longtake.segments import Segments

GOLDEN = np.load(Path(__file__).parents[1] / "fixtures" / "parity" / "long_loop.npz")
OPTIONS = json.loads(str(GOLDEN["options"]))


class Heard:
    """The speech features of the golden loop; the ends repeat."""

    def windows(self, first_frame, frames, fps, window):
        total = OPTIONS["clips"] * OPTIONS["frames"]
        features = rule.normal("wav2vec", (total, 12, 768))[0]
        wanted = torch.arange(first_frame, first_frame + frames)[:, None] + torch.arange(window) - window // 2
        return features[wanted.clamp(0, total - 1)]


@pytest.fixture(scope="module")
def networks(animation):
    autoencoder = Vae(VaeSizes((32, 32, 64, 64), layers=1))
    shapes = {name: x.shape for name, x in autoencoder.state_dict().items()}
    autoencoder.load_state_dict(rule.weights(shapes, "vae."))
    return Networks(animation, autoencoder.eval(), None, None, {}, {}, torch.device("cpu"), torch.float32)


def test_three_segments_in_a_row_agree(networks, monkeypatch):
    settings = hallo2().settings.overlay(
        {
            "portrait": {"size_px": OPTIONS["size"]},
            "sampling": {"steps": OPTIONS["steps"], "generator": "running"},
            "reference": {"bank": "as made"},
        }
    )
    made = []
    segments = _segments(networks, settings)
    denoise = segments._denoise
    monkeypatch.setattr(segments, "_denoise", lambda *given: made.append(denoise(*given)) or made[-1])
    frames = sum(len(segment.frames) for segment in segments.until(OPTIONS["clips"] * OPTIONS["frames"]))
    assert frames == OPTIONS["clips"] * OPTIONS["frames"]
    for clip, (latents, tolerance) in enumerate(zip(made, OPTIONS["tolerance_free"], strict=True)):
        want = torch.from_numpy(GOLDEN[f"clip.{clip}.latents.{OPTIONS['steps'] - 1}"])
        assert rule.error(latents.transpose(0, 1)[None], want) <= tolerance


def _segments(networks, settings):
    size = OPTIONS["size"]
    picture = torch.tanh(torch.nn.functional.avg_pool2d(rule.normal("source_image", (3, size, size)), 5, 1, 2)[0] * 5)
    embedding = 1.5 * rule.normal("face_emb", (512,))[0].numpy()
    face = np.zeros((size, size), bool)
    face[size // 4 : -(size // 4), size // 4 : -(size // 4)] = True
    pose, of_face, lip = zip(*(level[0].numpy() for level in rule.masks(size // 8)), strict=True)
    told = branches(OPTIONS["guidance"], OPTIONS["guidance"])
    portrait = read_picture(picture, embedding, Regions(lip, of_face, pose, face), networks, told, settings)
    return Segments(portrait, Heard(), torch.as_tensor(face), networks, settings)
