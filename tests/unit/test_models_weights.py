"""Weight files: what is written comes back, what does not fit is refused by name."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from longtake.errors import WeightsMismatch, WeightsMissing
from longtake.models.vae import VaeSizes
from longtake.networks import own_files
from longtake.presets import hallo2, mini
from longtake.weights import files
from longtake.weights.load import load, load_published
from longtake.weights.names import ours, published


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 2)
        self.register_buffer("positions", torch.arange(4.0) / 3)


def test_a_file_gives_back_tensors_and_header(tmp_path):
    small, about = Small(), {"kind": "small", "sizes": {"widths": [64, 128]}, "frames_seen": 12}
    files.write(tmp_path / "a" / "small.safetensors", small.state_dict(), about, dtype=torch.bfloat16)
    tensors, header = files.read(tmp_path / "a" / "small.safetensors")
    assert header == about == files.about(tmp_path / "a" / "small.safetensors")
    assert tensors["first.weight"].dtype == torch.bfloat16
    assert torch.equal(tensors["positions"], small.positions), "position tables are never rounded"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["small.safetensors"]


def test_only_files_that_a_preset_is_loaded_from_are_its_own(tmp_path):
    files.write_parts(tmp_path / "animation.safetensors", Small().state_dict(), {}, {"first.": "reference.safetensors"})
    for name in ("autoencoder", "speech", "vae", "enhancer", "wav2vec2/model"):
        files.write(tmp_path / f"{name}.safetensors", {}, {})
    small, large = (own_files(replace(preset, weights=tmp_path)) for preset in (mini(), hallo2()))
    assert [path.stem for path in small] == ["animation", "autoencoder", "reference", "speech"]
    assert [path.stem for path in large] == ["animation", "reference", "vae", "model"]


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(WeightsMissing, match="longtake doctor"):
        files.read(tmp_path / "nothing.safetensors")


@pytest.mark.parametrize("header", [{}, {"sizes": {"widths": "wide"}}])
def test_a_header_without_the_sizes_of_these_networks_is_refused(header):
    with pytest.raises(WeightsMismatch, match="holds no VaeSizes"):
        files.sizes("vae.safetensors", header, VaeSizes)


@pytest.mark.parametrize("keep", [0, 5, 60, -3])
def test_a_damaged_file_is_a_clear_error(tmp_path, keep):
    path = tmp_path / "small.safetensors"
    files.write(path, Small().state_dict(), {})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(WeightsMismatch, match="damaged"):
        files.read(path)


def test_loading_into_nothing_takes_the_tensors_themselves():
    tensors = {name: x.to(torch.bfloat16) for name, x in Small().state_dict().items()}
    with torch.device("meta"):
        small = Small()
    report = load(small, tensors)
    assert small.first.weight.dtype == torch.bfloat16
    assert torch.equal(small.first.weight, tensors["first.weight"])
    assert len(report.loaded) == 3


def test_every_name_that_does_not_fit_is_told():
    tensors = Small().state_dict()
    tensors["second.weight"] = tensors.pop("first.bias")
    tensors["first.weight"] = torch.zeros(2, 2)
    with pytest.raises(WeightsMismatch) as raised:
        load(Small(), tensors)
    for name in ("first.bias", "second.weight", r"first.weight: (2, 2) in the file, (2, 3) in the network"):
        assert name in str(raised.value)


def test_names_go_both_ways():
    pairs = {
        "denoising_unet.up_blocks.2.audio_modules.1.transformer_blocks.0.attn2_2.to_out.0.bias": (
            "denoiser.up.2.layers.1.audio.regions.lip.out.bias"
        ),
        "reference_unet.mid_block.resnets.1.time_emb_proj.weight": "reference_net.mid_resnet.step.weight",
        "denoising_unet.mid_block.motion_modules.0.temporal_transformer.transformer_blocks.0.norms.1.bias": (
            "denoiser.mid.motion.norm2.bias"
        ),
        "audioproj.proj3.weight": "speech_projection.third.weight",
    }
    for name, our in pairs.items():
        assert ours(name) == our
        assert published(our) == name


def test_published_weights_leave_word_norms_as_no_ops():
    class Denoiser(nn.Module):
        def __init__(self):
            super().__init__()
            self.denoiser = nn.ModuleDict(
                {"mid": nn.ModuleDict({"words": nn.Linear(2, 2)}), "conv_in": nn.Conv2d(1, 1, 1)}
            )

    tensors = {"denoising_unet.conv_in.weight": torch.ones(1, 1, 1, 1), "denoising_unet.conv_in.bias": torch.ones(1)}
    tensors["denoising_unet.up_blocks.0.motion_modules.0.temporal_transformer.norm.weight"] = torch.ones(3)
    with torch.device("meta"):
        empty = Denoiser()
    report = load_published(empty, tensors)
    assert len(report.left_out) == 1
    assert sorted(report.kept) == ["denoiser.mid.words.bias", "denoiser.mid.words.weight"]
    words = empty.denoiser["mid"]["words"]
    assert not words.weight.is_meta
    assert not words.weight.any()
