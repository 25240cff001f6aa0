"""Where the networks are and how they are run changes no numbers."""

import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from longtake.errors import SettingsError
from longtake.models.animation import Animation, mini_sizes
from longtake.models.code_predictor import PredictorSizes
from longtake.models.enhancer import Enhancer, EnhancerSizes
from longtake.models.told import Conditions
from longtake.models.vqgan import VqganSizes
from longtake.placing import blocks, compile_blocks, compile_enhancer, largest, offload, weight_bytes

CPU = torch.device("cpu")


def fresh():
    torch.manual_seed(0)
    sizes = mini_sizes((32, 64), (False, True), speech_layers=2, speech_features=8, speech_tokens=3, speech_hidden=16)
    return Animation(sizes).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def animation():
    return fresh()


@torch.inference_mode()
def velocity(animation):
    draw = torch.Generator().manual_seed(1)

    def noise(*shape):
        return torch.randn(shape, generator=draw)

    identity = animation.identity_projection(noise(2, 128))
    read = animation.reference_net(noise(2, 16, 8, 8), identity)
    told = Conditions(
        identity=identity,
        regions=(noise(2, 3, 8, 8).sigmoid(), noise(2, 3, 4, 4).sigmoid()),
        reference=read,
        has_reference=torch.tensor([False, True]),
        motion={name: x[:, None] for name, x in read.items()},
        speech=animation.speech_projection(noise(2, 2, 5, 2, 8)),
        has_speech=torch.tensor([False, True]),
        locator=animation.locator(noise(2, 3, 32, 32))[:, None],
    )
    prepared = animation.denoiser.prepare(told, 2, animation.denoiser.prepare_video(told))
    return animation.denoiser(noise(2, 16, 2, 8, 8), torch.full((2,), 500), prepared)


def test_offloaded_networks_give_the_same_numbers_and_hold_one_block_at_a_time(animation):
    want = velocity(animation)
    moved = copy.deepcopy(animation)
    whole, most = weight_bytes(moved), largest(blocks(moved))
    offloaded = offload(moved, CPU)
    rest = weight_bytes(moved)
    seen = []

    def look(_module, _inputs, _output):
        seen.append(weight_bytes(moved))

    for module in moved.modules():
        module.register_forward_hook(look)
    assert torch.equal(velocity(moved), want)
    assert weight_bytes(moved) == rest < 0.1 * whole
    assert max(seen) == rest + most
    assert sum(block.bytes for block in offloaded) == whole - rest


def test_reading_the_weights_of_a_block_that_is_away_fails(animation):
    moved = copy.deepcopy(animation)
    offload(moved, CPU)
    layer = moved.denoiser.attending()[0]
    with pytest.raises(RuntimeError):
        layer.audio.attention.query(torch.zeros(1, layer.audio.attention.query.in_features))


def in_a_process_of_its_own(backend: str, of: str = "difference") -> float:
    """The largest difference that compiling makes. The checks of shapes that tests install can't be compiled with the layers."""
    script = f"from test_placing import {of}; print({of}({backend!r}))"
    done = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return float(done.stdout.split()[-1])


def difference(backend: str) -> float:
    made = fresh()
    want = velocity(made)
    compile_blocks(made, backend=backend)
    have = velocity(made)
    counters = torch._dynamo.utils.counters
    assert not counters["graph_break"], f"layers fall apart: {dict(counters['graph_break'])}"
    assert counters["stats"]["unique_graphs"] >= 8
    return (have - want).abs().max().item()


def difference_of_enhancers(backend: str) -> float:
    """The same of a small enhancer with all its kinds of blocks; window after window."""
    torch.manual_seed(0)
    vqgan = VqganSizes(side_px=32, stem=2, widths=(8, 16), layers=1, norm="place", attend=True, code=8, codes=16)
    sizes = EnhancerSizes(vqgan, PredictorSizes(width=16, layers=1, heads=2, ff=16), (16,), picture=8, steady=True)
    made = Enhancer(sizes).eval().requires_grad_(False)
    windows = [torch.rand(1, 4, 3, 32, 32) * 2 - 1 for _ in range(2)]
    want = [made(window) for window in windows]
    compile_enhancer(made, backend=backend)
    have = [made(window) for window in windows]
    counters = torch._dynamo.utils.counters
    assert not counters["graph_break"], f"blocks fall apart: {dict(counters['graph_break'])}"
    assert counters["stats"]["unique_graphs"] >= 6
    return max((a - b).abs().max().item() for a, b in zip(have, want, strict=True))


def test_the_enhancers_blocks_are_captured_whole_and_give_the_same_numbers():
    assert in_a_process_of_its_own("eager", "difference_of_enhancers") == 0.0


def test_without_a_compiler_compiling_says_what_to_do(monkeypatch):
    from torch._inductor import cpp_builder
    from torch._inductor.exc import InvalidCxxCompiler

    def none():
        raise InvalidCxxCompiler

    monkeypatch.setattr(cpp_builder, "get_cpp_compiler", none)
    with pytest.raises(SettingsError, match=r"C\+\+ compiler"):
        compile_blocks(fresh())


def test_layers_are_captured_whole_and_give_the_same_numbers():
    """Captured but not translated: that takes minutes (see below)."""
    assert in_a_process_of_its_own("eager") == 0.0


@pytest.mark.skipif("LONGTAKE_COMPILE" not in os.environ, reason="takes minutes: set LONGTAKE_COMPILE=1 to run it")
@pytest.mark.timeout(1800)
def test_compiled_layers_give_the_same_numbers():
    assert in_a_process_of_its_own("inductor") < 1e-4
    assert in_a_process_of_its_own("inductor", "difference_of_enhancers") < 1e-4
