"""What is predicted before a run: memory as it is measured, and the right advice."""

import json

import pytest
import torch
from typer.testing import CliRunner

from longtake.apps.predict import advice, duration
from longtake.diffusion.guidance import branches
from longtake.models.animation import Animation, mini_sizes
from longtake.models.autoencoder import Autoencoder, AutoencoderSizes
from longtake.placing import weight_bytes
from longtake.rehearsal import FusedAttention, LiveBytes, measure, rehearse
from longtake.settings import Settings

SETTINGS = Settings().overlay({"portrait": {"size_px": 128}, "sampling": {"steps": 3}})


def networks(device):
    sizes = mini_sizes((32, 64), (True, True), speech_layers=2, speech_features=16, speech_hidden=16, words=0)
    with torch.device(device):
        return Animation(sizes).eval(), Autoencoder(AutoencoderSizes((16, 16, 16), (1, 1, 1))).eval()


@pytest.fixture(scope="module")
def need():
    return measure(*networks("meta"), SETTINGS)


def test_memory_without_memory_is_what_the_allocator_saw(need):
    """The peak counted on the meta device against allocations and frees of a real run, as the profiler records them."""
    animation, codec = networks("cpu")
    with torch.profiler.profile(profile_memory=True) as profile:
        rehearse(animation, codec, SETTINGS, lambda _term, work: work())
    now = peak = 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            now += event.nbytes()
            peak = max(peak, now)
    assert need.activations == pytest.approx(peak, rel=0.15)


def test_only_what_lives_at_the_same_time_counts():
    with LiveBytes([]) as live:
        for _ in range(3):
            x = torch.zeros(1000)
            y = x[:500] + 1
            del x, y
    assert live.peak == 4000 + 2000
    assert live.now == 0


def test_weights_are_known_by_their_type_and_offloaded_networks_keep_little(need):
    animation, codec = networks("meta")
    half = measure(animation.half(), codec.half(), SETTINGS.apply_set("sampling.steps=6"))
    assert need.weights == weight_bytes(animation.float()) + weight_bytes(codec.float())
    assert half.weights == need.weights / 2
    assert half.activations < 0.7 * need.activations
    assert need.weights_offloaded < 0.5 * need.weights
    assert need.memory(offload=True) < need.memory()
    assert need.operations < half.operations < 2 * need.operations, "twice the steps, and once what is beside them"


def test_every_guidance_branch_is_work(need):
    more = measure(*networks("meta"), SETTINGS, told=branches(1.0, 2.0, 1.5))
    assert 1.2 * need.operations < more.operations < 1.6 * need.operations
    assert more.activations > need.activations


def test_attention_without_memory_holds_no_scores():
    q = torch.empty(1, 2, 4096, 8, device="meta")
    with FusedAttention(), LiveBytes([]) as live:
        assert torch.nn.functional.scaled_dot_product_attention(q, q, q).shape == q.shape
    assert live.peak <= q.nbytes


MEMORY = {False: 8.2, True: 3.9}


def test_no_gpu_is_told_with_the_time_it_will_take():
    (told,) = advice("hallo2", MEMORY, None, 7300.0)
    assert "no GPU" in told
    assert "2 hours" in told
    assert "mini" in told
    assert advice("mini", MEMORY, None, 3.0) == []


@pytest.mark.parametrize(
    ("own", "offload", "words"),
    [
        (80.0, False, []),
        (6.0, False, ["--offload", "3.9"]),
        (3.0, False, ["portrait.size_px"]),
        (3.0, True, ["offloaded"]),
    ],
)
def test_a_gpu_that_is_too_small_is_told_and_what_helps(own, offload, words):
    told = advice("hallo2", MEMORY, own, 10.0, offload)
    assert len(told) == bool(words)
    assert all(word in told[0] for word in words)


def test_durations_are_told_in_the_unit_a_person_would_use():
    assert [duration(s) for s in (3, 150, 7300, 400_000)] == ["3 seconds", "2 minutes", "2 hours", "5 days"]


def test_doctor_predicts_a_preset(monkeypatch):
    from longtake.apps import doctor
    from longtake.apps.cli import app

    monkeypatch.setattr(doctor, "speed", dict)
    done = CliRunner().invoke(app, ["doctor", "--preset", "mini", "--json"])
    prediction = json.loads(done.stdout)["prediction"]
    assert prediction["preset"] == "mini"
    assert 0 < prediction["peak_gib_offloaded"] <= prediction["peak_gib"] < 2
    assert prediction["tflop_per_segment"] > 0
