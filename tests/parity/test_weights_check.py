"""What is wrong with a folder of published files is told file by file, with what to do."""

import shutil
from pathlib import Path

import published_files
import pytest
import torch

from longtake.errors import WeightsMismatch, WeightsMissing
from longtake.weights.check import check
from longtake.weights.convert import convert

NET, VAE = "hallo2/net.pth", "sd-vae-ft-mse/diffusion_pytorch_model.safetensors"
SCRFD, ARCFACE = "face_analysis/models/scrfd_10g_bnkps.onnx", "face_analysis/models/glintr100.onnx"
WAV2VEC = "wav2vec/wav2vec2-base-960h/model.safetensors"


@pytest.fixture
def folder(published_folder, tmp_path):
    """The published files as links, free to be spoiled."""
    for path in published_folder.rglob("*"):
        if path.is_file():
            link = tmp_path / path.relative_to(published_folder)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
    return tmp_path


def report(folder: Path, name: str):
    return next(row for row in check(folder) if row.path == name)


def cut(path: Path, share: float) -> None:
    """The file without its end, the original untouched."""
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[: int(len(content) * share)])


def test_whole_files_are_right_and_optional_ones_may_lack(folder):
    reports = check(folder)
    assert all(row.ok for row in reports)
    assert {row.path for row in reports if row.status == "whole"} >= {NET, VAE, WAV2VEC, SCRFD, ARCFACE}
    assert "2,656 tensors, 160 of them never used, float16" in report(folder, NET).seen
    assert [row.status for row in reports if not row.needed] == ["missing"] * 9


@pytest.mark.parametrize("name", [NET, VAE, WAV2VEC, SCRFD, ARCFACE])
@pytest.mark.parametrize("share", [0.0, 0.6])
def test_a_file_that_was_cut_short_is_told(folder, name, share):
    cut(folder / name, share)
    row = report(folder, name)
    assert row.status == "truncated" and not row.ok and "fetch" in row.do


def test_a_missing_file_and_an_unfinished_one_are_told_apart(folder):
    (folder / NET).unlink()
    assert report(folder, NET).status == "missing" and not report(folder, NET).ok
    (folder / f"{NET}.aria2").touch()
    assert report(folder, NET).status == "truncated"


def test_a_renamed_file_is_found_and_the_cure_is_a_command(folder):
    (folder / NET).rename(folder / "hallo2_final.ckpt")
    (folder / ARCFACE).rename(folder / "recognition.onnx")
    for name, place in ((NET, "hallo2_final.ckpt"), (ARCFACE, "recognition.onnx")):
        row = report(folder, name)
        assert row.status == "renamed" and f"mv {folder / place} {folder / name}" in row.do


def test_another_model_under_the_right_name_is_told(folder):
    for name, other in ((NET, VAE), (VAE, WAV2VEC), (SCRFD, ARCFACE)):
        (folder / name).unlink()
        (folder / name).symlink_to((folder / other).resolve())
    (folder / NET).unlink()
    published_files.save(folder / NET, {"layer.weight": torch.ones(2)})
    rows = [report(folder, name) for name in (NET, VAE, SCRFD)]
    assert [row.status for row in rows] == ["wrong"] * 3
    assert "no model known here" in rows[0].seen and "wav2vec2, not the autoencoder" in rows[1].seen


def test_missing_unknown_and_misshapen_tensors_are_named(folder):
    tensors = torch.load(folder / NET, weights_only=True)
    (folder / NET).unlink()
    tensors["denoising_unet.extra.weight"] = tensors.pop("imageproj.proj.bias")
    tensors["audioproj.norm.weight"] = torch.ones(5)
    published_files.save(folder / NET, tensors)
    row = report(folder, NET)
    assert row.status == "wrong"
    for told in ("imageproj.proj.bias", "denoising_unet.extra.weight", "audioproj.norm.weight: (5,)"):
        assert told in row.seen


def test_float32_instead_of_float16_works_but_is_said(folder):
    tensors = torch.load(folder / NET, weights_only=True)
    (folder / NET).unlink()
    published_files.save(folder / NET, {name: x.float() for name, x in tensors.items()})
    row = report(folder, NET)
    assert row.status == "float32" and row.ok and "--dtype float16" in row.do


def test_converted_files_are_checked_as_well(published_folder, tmp_path):
    convert(published_folder, tmp_path)
    assert all(row.ok for row in check(tmp_path))
    assert report(tmp_path, "animation.safetensors").seen.startswith("2,496 tensors")
    cut(tmp_path / "vae.safetensors", 0.5)
    assert report(tmp_path, "vae.safetensors").status == "truncated"
    shutil.copy(tmp_path / "wav2vec2" / "model.safetensors", tmp_path / "animation.safetensors")
    assert report(tmp_path, "animation.safetensors").status == "wrong"


def test_a_folder_with_only_some_files_is_not_converted_and_all_that_lack_are_told_at_once(folder, tmp_path):
    (folder / VAE).unlink()
    (folder / SCRFD).unlink()
    with pytest.raises(WeightsMissing, match=f"(?s){VAE}, {SCRFD}.*weights fetch"):
        convert(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(WeightsMissing, match="no folder"):
        check(folder / "nothing")


def test_a_wrong_file_is_not_converted(folder, tmp_path):
    (folder / NET).unlink()
    published_files.save(folder / NET, {"layer.weight": torch.ones(2)})
    with pytest.raises(WeightsMismatch, match="no model known"):
        convert(folder, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*"))
