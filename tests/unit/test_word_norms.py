"""Word norms in a file of their own: taken if they belong here, refused if not, and nothing at all where there are none."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from longtake.encoders.speech import SpeechEncoder
from longtake.encoders.speech import SpeechSizes as EncoderSizes
from longtake.encoders.words import WordsNet, WordsSizes, header
from longtake.errors import WeightsMismatch, WeightsMissing
from longtake.models.animation import Animation, mini_sizes
from longtake.models.autoencoder import Autoencoder, AutoencoderSizes
from longtake.networks import load_networks, own_files
from longtake.presets import Preset, mini
from longtake.settings import RunSettings
from longtake.weights import files
from longtake.weights.ship import ship
from longtake.weights.words import ENCODER, NORMS, hashes_of, is_norm

WIDTH, NARROW = 8, 4
RUN = RunSettings(device="cpu", dtype="float32")


def animation(words: int, narrow: int = 0) -> Animation:
    torch.manual_seed(0)
    small = {"speech_layers": 2, "speech_features": 16, "speech_hidden": 16, "speech_tokens": 2}
    return Animation(mini_sizes((32, 32), words=words, word_filter=narrow, **small))


def small_preset(folder: Path, words: int) -> Preset:
    """A preset with everything but words."""
    networks = {
        "autoencoder": Autoencoder(AutoencoderSizes(widths=(16, 16, 16), blocks=(1, 1, 1))),
        "speech": SpeechEncoder(EncoderSizes(width=16, blocks=1, kernel=3, expand=1, taps=(1,))),
        "trained": animation(words),
    }
    for name, network in networks.items():
        about = {"sizes": asdict(network.sizes), "kind": name}
        files.write(folder / f"{name}.safetensors", network.state_dict(), about)
    ship(folder / "trained.safetensors", folder / "animation.safetensors")
    return replace(mini(), weights=folder)


@pytest.fixture(params=[0, WIDTH], ids=["made without norms", "with untrained norms"])
def preset(request, tmp_path):
    return small_preset(tmp_path, request.param)


def add_words(preset: Preset) -> Animation:
    """Puts an encoder and trained norms beside the preset's files; gives the networks that the norms were trained in."""
    net = WordsNet(WordsSizes(1, 1, 1, embedding=WIDTH, width=8, buckets=8))
    files.write(preset.weights / ENCODER, net.state_dict(), header(net, ["smiling"], ["smile"]))
    trained = animation(WIDTH, NARROW)
    for name, parameter in trained.named_parameters():
        if is_norm(name):
            parameter.data.uniform_(-1, 1)
    about = {"kind": "words", "sizes": asdict(trained.sizes)}
    about |= {
        "animation": hashes_of(preset.weights / "animation.safetensors"),
        "encoder": hashes_of(preset.word_encoder),
    }
    files.write(preset.weights / "run.safetensors", trained.state_dict(), about)
    ship(preset.weights / "run.safetensors", preset.word_norms)
    return trained


def test_without_the_file_nothing_changes(preset):
    networks = load_networks(preset, RUN)
    before = files.read(preset.weights / "animation.safetensors")[0]
    now = networks.animation.state_dict()
    assert networks.words is None and not preset.knows_words and now.keys() == before.keys()
    assert all(torch.equal(now[name], before[name]) for name in before)
    assert {path.stem for path in own_files(preset)} == {"animation", "reference", "autoencoder", "speech"}


def test_what_is_shipped_of_a_run_are_its_norms_alone(preset):
    add_words(preset)
    tensors, about = files.read(preset.word_norms)
    assert tensors and all(is_norm(name) for name in tensors)
    assert set(about["animation"]) == {"animation", "reference"} and about["kind"] == "words"


def test_norms_take_their_places_and_leave_the_rest_as_it_was(preset):
    alone = load_networks(preset, RUN).animation.state_dict()
    trained = add_words(preset).state_dict()
    networks = load_networks(preset, RUN)
    now = networks.animation.state_dict()
    assert all(torch.equal(now[name], trained[name] if is_norm(name) else alone[name]) for name in now)
    assert set(now) == set(trained)
    assert networks.words.width == networks.animation.sizes.denoiser.words == WIDTH
    assert {"words", "words_encoder"} < set(networks.hashes) and preset.knows_words


@pytest.mark.parametrize("name", ["reference.safetensors", ENCODER])
def test_norms_of_other_weights_are_refused(preset, name):
    add_words(preset)
    tensors, about = files.read(preset.weights / name)
    files.write(preset.weights / name, tensors, {**about, "commit": "another"})
    with pytest.raises(WeightsMismatch, match=r"trained with another.*\n.*\nNext: .*take the file away"):
        load_networks(preset, RUN)


def test_norms_without_their_encoder_are_told(preset):
    add_words(preset)
    preset.word_encoder.unlink()
    with pytest.raises(WeightsMissing, match=ENCODER):
        load_networks(preset, RUN)


def test_norms_trained_with_somebody_s_encoder_ask_for_that_one(preset):
    add_words(preset)
    tensors, about = files.read(preset.word_norms)
    files.write(preset.word_norms, tensors, {**about, "encoder": {"model_id": "some/sentences"}})
    assert load_networks(preset, RUN).words.model_id == "some/sentences"


def test_a_whole_run_in_place_of_its_norms_is_refused(preset):
    add_words(preset)
    (preset.weights / "run.safetensors").replace(preset.weights / NORMS)
    with pytest.raises(WeightsMismatch, match="other things than word norms"):
        load_networks(preset, RUN)
