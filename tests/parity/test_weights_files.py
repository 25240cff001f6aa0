"""Every published file becomes ours; what is dangerous or broken is refused; memory stays at one group of tensors."""

import gzip
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import published_files
import pytest
import torch

from longtake.apps.cli import app
from longtake.apps.outcome import run_app
from longtake.errors import WeightsError
from longtake.models.vae import Vae, VaeSizes
from longtake.weights import files, kinds, names
from longtake.weights.convert import convert, convert_file
from longtake.weights.source import Facts, Unreadable, groups, source

FIXTURES = Path(__file__).parents[1] / "fixtures" / "parity"


def numbered(shapes):
    """Tensors that differ from each other."""
    return {name: torch.full(shape, float(i % 1000)).half() for i, (name, shape) in enumerate(shapes.items())}


def part(start: str, *more: str) -> dict:
    """The shapes of a part of net.pth under the names that its own file has."""
    shapes = kinds.net_shapes(published_files.tiny_sizes())
    found = {}
    for prefix in (start, *more):
        net = prefix.partition(".")[0] + "."
        found |= {name.removeprefix(net): shape for name, shape in shapes.items() if name.startswith(prefix)}
    return found


@pytest.mark.parametrize("old", [True, False])
@pytest.mark.parametrize("ending", ["safetensors", "bin"])
def test_both_spellings_of_the_autoencoder_become_one(tmp_path, old, ending):
    path = published_files.write_vae(tmp_path / "published", old)
    tensors = dict(source(path).tensors(source(path).facts))
    if ending == "bin":  # of 2022: attention as 1 x 1 convolutions, pickled
        square = ("query.weight", "key.weight", "value.weight", "proj_attn.weight", "to_q.weight", "to_out.0.weight")
        tensors = {name: x[:, :, None, None] if name.endswith(square) else x for name, x in tensors.items()}
        path = published_files.save(path.with_suffix(".bin"), tensors)
    made, header = files.read(convert_file(path, tmp_path))
    vae = Vae(VaeSizes(**{**header["sizes"], "widths": tuple(header["sizes"]["widths"])}))
    vae.load_state_dict(made)
    assert header["scale"] == 0.18215 and len(made) == len(tensors)
    assert all(x.dtype == torch.float32 for x in made.values())
    query = "encoder.mid_block.attentions.0.to_q.weight"
    assert torch.equal(made[query], published_files.rule.weight(f"vae.{query}", tuple(made[query].shape)))


def test_the_start_of_training_is_converted_too(tmp_path):
    unet = part("reference_unet.", "denoising_unet.conv_norm_out", "denoising_unet.conv_out")
    path = published_files.save(tmp_path / "unet.bin", numbered(unet))
    made, header = files.read(convert_file(path, tmp_path))
    assert len(made) == len(unet) == 686 and header["kind"] == "unet"
    assert made["up.3.layers.2.transformer.attention.query.weight"].shape == (32, 32)
    motion = {name: shape for name, shape in part("denoising_unet.").items() if ".motion_modules." in name}
    path = published_files.save(tmp_path / "mm.ckpt", numbered(motion), inside="state_dict")
    made, header = files.read(convert_file(path, tmp_path))
    assert len(made) + header["skipped"] == len(motion) and header["skipped"] == 5 * len(motion) // 21
    assert all(name.startswith("denoiser.") and ".motion." in name for name in made)


def test_the_enhancer_is_taken_from_its_averaged_weights(tmp_path, monkeypatch):
    shapes = {"ft_layers.0.temp_attn.in_proj_weight": (6, 2), "quantize.embedding.weight": (4, 2)}
    monkeypatch.setattr(kinds, "net_g_shapes", lambda: shapes)
    averaged = {name: torch.ones(shape) for name, shape in shapes.items()}
    plain = {name: torch.zeros(shape) for name, shape in shapes.items()}
    torch.save({"params": plain, "params_ema": averaged}, tmp_path / "net_g.pth")
    made, header = files.read(convert_file(tmp_path / "net_g.pth", tmp_path))
    assert header["kind"] == "enhancer" and all(x.all() for x in made.values())
    assert set(made) == {"predictor.layers.0.time.project.weight", "codebook.weight"}


class Trap:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("bare", [True, False])
def test_code_in_a_pickle_is_refused_and_never_runs(tmp_path, bare):
    trap, path = {"a": Trap(f"touch {tmp_path}/sprung")}, tmp_path / "net.pth"
    path.write_bytes(pickle.dumps(trap, protocol=2)) if bare else torch.save(trap, path)
    with pytest.raises(Unreadable, match=r"could run code, so it is refused"):
        convert(path, tmp_path / "out")
    assert sorted(x.name for x in tmp_path.iterdir()) == ["net.pth"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "cut short"),
        (b"<html>404</html>", "not a file of weights"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "the address of a large file"),
        (b"PK\x03\x04" + bytes(50), "cut short"),
        (b"\x80\x02}q\x00.", "cut short"),
    ],
)
def test_what_is_no_weight_file_is_a_clear_error(tmp_path, content, told):
    (tmp_path / "net.pth").write_bytes(content)
    with pytest.raises(WeightsError, match=told):
        convert(tmp_path / "net.pth", tmp_path / "out")


def test_a_file_without_named_tensors_is_a_clear_error(tmp_path):
    torch.save([torch.ones(2)], tmp_path / "net.pth")
    with pytest.raises(WeightsError, match="no tensors by name"):
        convert(tmp_path / "net.pth", tmp_path / "out")


def test_old_and_wrapped_files_are_read(tmp_path):
    tensors = {f"module.{name}": x for name, x in numbered({"a": (2,), "b": (3,)}).items()}
    torch.save({"state_dict": tensors, "step": 7}, tmp_path / "a.ckpt", _use_new_zipfile_serialization=False)
    found = source(tmp_path / "a.ckpt")
    assert found.facts == {"a": Facts((2,), torch.float16), "b": Facts((3,), torch.float16)}
    assert [name for name, _ in found.tensors(["b", "a"])] == ["b", "a"]


def test_groups_keep_the_order_and_the_limit():
    facts = {name: Facts((size,), torch.int8) for name, size in (("a", 3), ("b", 3), ("c", 9), ("d", 1))}
    assert list(groups(facts, 6)) == [["a", "b"], ["c"], ["d"]]


def test_a_stream_of_mixed_types_is_a_file_that_the_library_reads(tmp_path):
    tensors = {"half": torch.ones(3).half(), "whole": torch.arange(5), "bf": torch.ones(1, 2).bfloat16()}
    rows = {name: (tuple(x.shape), x.dtype) for name, x in tensors.items()}
    files.write_stream(tmp_path / "x.safetensors", rows, tensors.values(), {"kind": "test"}, lambda done, total: None)
    made, header = files.read(tmp_path / "x.safetensors")
    assert header == {"kind": "test"} and [x.name for x in tmp_path.iterdir()] == ["x.safetensors"]
    assert all(torch.equal(made[name], x) and made[name].dtype == x.dtype for name, x in tensors.items())


MEASURE = """
import sys, torch
from pathlib import Path
from longtake.weights import files
from longtake.weights.source import source

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) * 1024

path, out, group = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
found = source(path)
rows = {name: (fact.shape, fact.dtype) for name, fact in found.facts.items()}
def run(rows, group):
    files.write_stream(out, rows, (x for _, x in found.tensors(rows, group)), {}, lambda done, total: None)
run(dict(list(rows.items())[:2]), group)  # everything imported and warm
before = peak()
run(rows, group)
print(peak() - before)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="reads the peak as Linux tells it")  # noqa: PTH110
def test_memory_stays_below_one_and_a_half_groups(tmp_path):
    size, group = 64 * 2**20, 12 * 2**20
    tensors = {f"layer{i}": torch.empty(2**20, dtype=torch.int8) for i in range(size // 2**20)}
    torch.save(tensors, tmp_path / "large.pth")
    given = [str(tmp_path / "large.pth"), str(tmp_path / "large.safetensors"), str(group)]
    done = subprocess.run([sys.executable, "-c", MEASURE, *given], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1.5 * group


def test_names_of_the_autoencoder_are_told_apart_from_other_words():
    assert names.vae("decoder.mid_block.attentions.0.proj_attn.bias") == "decoder.mid_block.attentions.0.to_out.0.bias"
    assert names.vae("decoder.mid_block.attentions.0.to_out.0.bias") == "decoder.mid_block.attentions.0.to_out.0.bias"
    assert names.vae("decoder.mid_block.attentions.0.group_norm.bias").endswith("group_norm.bias")
    assert names.vae("decoder.conv_in.weight") == "decoder.conv_in.weight"


def test_the_names_of_the_preset_are_the_published_ones(capsys):
    assert run_app(app, ["weights", "names", "hallo2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told) == 2656
    assert told == json.loads(gzip.decompress((FIXTURES / "net_full.json.gz").read_bytes()))


def test_the_commands_convert_check_and_export(published_folder, tmp_path, capsys):
    ours, net = str(tmp_path / "ours"), str(tmp_path / "net.pth")
    assert run_app(app, ["weights", "convert", str(published_folder), "-o", ours, "--quiet"]) == 0
    assert run_app(app, ["weights", "check", ours, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows["ok"] and [row["status"] for row in rows["files"]].count("whole") == 6
    assert run_app(app, ["weights", "export", ours, "-o", net]) == 0
    assert "2496 tensors, 160 more that never act" in capsys.readouterr().err
    assert run_app(app, ["weights", "convert", net, "-o", ours, "--quiet", "--dtype", "float32"]) == 0
    assert {fact.dtype for fact in source(f"{ours}/animation.safetensors").facts.values()} == {torch.float32}
    (tmp_path / "ours" / "glintr100.onnx").unlink()
    assert run_app(app, ["weights", "check", ours]) == 5
    assert "missing    glintr100.onnx" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (["check", "nothing"], 5),
        (["convert", "nothing"], 5),
        (["convert", "nothing", "--dtype", "int3"], 4),
        (["convert", "nothing", "--preset", "giant"], 4),
        (["export", "nothing"], 5),
        (["fetch", "mini"], 4),
        (["names", "mini"], 4),
        (["list", "hallo3"], 4),
    ],
)
def test_bad_input_is_one_message_and_never_a_traceback(tmp_path, monkeypatch, capsys, given, code):
    monkeypatch.chdir(tmp_path)
    assert run_app(app, ["weights", *given]) == code
    told = capsys.readouterr().err
    assert "longtake: " in told and "Traceback" not in told and "should not happen" not in told
