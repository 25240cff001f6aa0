"""A converted checkpoint is the published one, bit for bit, and gives the published numbers."""

import json
from pathlib import Path

import numpy as np
import published
import published_files
import pytest
import torch
import weight_rule as rule

from longtake.errors import WeightsMismatch
from longtake.networks import load_animation
from longtake.presets import mini
from longtake.weights import files, kinds, names
from longtake.weights.convert import convert, convert_file
from longtake.weights.export import export

GOLDEN = Path(__file__).parents[1] / "fixtures" / "parity" / "net_cfg.npz"


@pytest.fixture(scope="module")
def converted(published_folder, tmp_path_factory):
    """net.pth in half precision as published, converted."""
    return convert_file(published_folder / "hallo2" / "net.pth", tmp_path_factory.mktemp("converted"))


def test_every_tensor_keeps_its_bits_and_only_what_never_runs_stays_behind(converted):
    drawn = rule.weights(kinds.net_shapes(published_files.tiny_sizes()))
    tensors, header = files.read(converted)
    assert header["sizes"] == published_files.header_sizes()
    kept = {name: x for name, x in drawn.items() if not names.NEVER_RUN.match(name)}
    assert header["skipped"] == len(drawn) - len(kept) == 2656 - len(tensors)
    assert all(torch.equal(tensors[names.ours(name)], x.half()) for name, x in kept.items())


def test_a_converted_float32_checkpoint_gives_the_golden_numbers(animation, tmp_path):
    own = animation.state_dict()
    shapes = kinds.net_shapes(animation.sizes)
    tensors = {name: own.get(names.ours(name), torch.zeros(shape)) for name, shape in shapes.items()}
    path = published_files.save(tmp_path / "net.pth", tensors)
    animation, header = load_animation(convert_file(path, tmp_path))
    assert header["settings"] == {"prediction": "v"}
    with np.load(GOLDEN) as golden, torch.no_grad():
        options = json.loads(str(golden["options"]))
        out = torch.from_numpy(golden["out"])
        made = published.run(animation.eval(), options)["out"]
    assert rule.error(made, out) <= options["tolerance"]


def test_position_tables_stay_rounded_as_in_the_file(converted):
    animation, _ = load_animation(converted)
    tables = {name: x for name, x in animation.named_buffers() if name.endswith("positions")}
    assert len(tables) == 32, "42 in the file, 10 of them in motion modules that never run"
    assert all(torch.equal(x, x.half().float()) for x in tables.values())
    assert any(not torch.equal(x, rule.sinusoids(*x.shape[1:])) for x in tables.values())


def test_published_names_come_back_bit_for_bit(converted, published_folder, tmp_path):
    original = torch.load(published_folder / "hallo2" / "net.pth", weights_only=True)
    done = export(converted, tmp_path / "net.pth", base=published_folder / "hallo2" / "net.pth")
    again = torch.load(tmp_path / "net.pth", weights_only=True)
    assert (done.taken, done.filled, done.left_out) == (2496, 160, ())
    assert list(again) == list(original)
    assert all(torch.equal(again[name], x) and again[name].dtype == x.dtype for name, x in original.items())
    assert (tmp_path / "net.pth").stat().st_size < 1.01 * (published_folder / "hallo2" / "net.pth").stat().st_size


def test_without_a_base_parts_that_never_act_add_nothing(converted, tmp_path):
    export(converted, tmp_path / "net.pth", dtype=torch.float32)
    tensors = torch.load(tmp_path / "net.pth", weights_only=True)
    idle = {name: x for name, x in tensors.items() if names.NEVER_RUN.match(name)}
    assert len(tensors) == 2656 and len(idle) == 160
    assert all(x.any() == name.endswith(".pe") for name, x in idle.items())
    assert {x.dtype for x in tensors.values()} == {torch.float32}
    assert convert_file(tmp_path / "net.pth", tmp_path / "again", dtype=torch.float16).read_bytes() == (
        converted.read_bytes()
    )


def test_networks_of_another_build_are_not_exported(tmp_path):
    with pytest.raises(WeightsMismatch, match="built in another way"):
        export(mini().weights, tmp_path / "net.pth")
    assert not (tmp_path / "net.pth").exists()


def test_word_norms_stay_out_of_the_published_layout(converted, tmp_path):
    tensors, header = files.read(converted)
    word = "denoiser.mid.words.second.bias"
    files.write(tmp_path / "animation.safetensors", {**tensors, word: torch.zeros(256)}, header)
    assert export(tmp_path, tmp_path / "net.pth").left_out == (word,)


def test_the_place_of_the_first_release_is_accepted(published_folder, converted, tmp_path):
    for path in published_folder.rglob("*"):
        if path.is_file():
            name = str(path.relative_to(published_folder)).replace("hallo2/net.pth", "hallo/net.pth")
            (tmp_path / "v1" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "v1" / name).symlink_to(path)
    assert convert(tmp_path / "v1", tmp_path)[0].read_bytes() == converted.read_bytes()
