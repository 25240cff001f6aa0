"""`longtake enhance` as a person meets it."""

from dataclasses import asdict

import av
import pytest
from films import film, packets

from longtake.apps.cli import app
from longtake.apps.enhance import target_size
from longtake.apps.outcome import run_app
from longtake.errors import SettingsError
from longtake.models.code_predictor import PredictorSizes
from longtake.models.enhancer import Enhancer, EnhancerSizes
from longtake.models.vqgan import VqganSizes
from longtake.weights import files


def run(*arguments):
    return run_app(app, [str(argument) for argument in arguments])


def facts(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return stream.width, stream.height, sum(1 for _ in container.decode(stream))


def test_weights_without_an_enhancer_are_told_and_what_else_there_is(tmp_path, capsys):
    source = film(tmp_path / "in.mp4", [0.0])
    assert run("enhance", source, "-o", tmp_path / "out.mp4", "--size", 128, "--weights", tmp_path) == 5
    told = capsys.readouterr().err
    assert "no enhancer" in told and "--background-only" in told and "fetch hallo2 --enhance" in told
    assert (
        run("enhance", source, "-o", tmp_path / "out.mp4", "--same-size", "--preset", "hallo2", "--weights", tmp_path)
        == 5
    )
    assert "net_g.pth" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [[], ["--size", "64", "--same-size"], ["--size", "64", "--face-only", "--background-only"]]
)
def test_what_contradicts_itself_is_a_usage_error(tmp_path, arguments, capsys):
    assert run("enhance", tmp_path / "in.mp4", "-o", tmp_path / "out.mp4", *arguments) == 2


def test_a_video_without_a_face_is_enlarged_with_its_sound(tmp_path, capsys):
    source = film(tmp_path / "in.mp4", [k / 25 for k in range(5)], sounds=2)
    assert run("enhance", source, "-o", tmp_path / "out.mp4", "--scale", 2, "--background-only") == 0
    assert facts(tmp_path / "out.mp4") == (128, 96, 5)
    assert packets(tmp_path / "out.mp4") == packets(source)
    assert "5 frames, 128 x 96, h264" in capsys.readouterr().err


def test_the_network_is_read_from_a_folder_and_faces_need_not_be_there(tmp_path):
    sizes = EnhancerSizes(
        VqganSizes(stem=16, widths=(8, 8), groups=4, code=4, codes=8), PredictorSizes(8, 1, 2, 8), fused=(16,)
    )
    about = {"kind": "enhancer", "sizes": asdict(sizes)}
    files.write(tmp_path / "enhancer.safetensors", Enhancer(sizes).state_dict(), about)
    source = film(tmp_path / "in.mp4", [k / 25 for k in range(3)], size=(50, 71 - 1))
    assert run("enhance", source, "-o", tmp_path / "out.mkv", "--same-size", "--weights", tmp_path, "--quiet") == 0
    assert facts(tmp_path / "out.mkv") == (70, 50, 3)


def test_an_empty_stretch_is_told(tmp_path, capsys):
    source = film(tmp_path / "in.mp4", [k / 25 for k in range(5)])
    common = ("enhance", source, "-o", tmp_path / "out.mp4", "--same-size", "--background-only")
    assert run(*common, "--from", "9") == 3
    assert "before --from 9" in capsys.readouterr().err
    assert run(*common, "--from", "0.1", "--to", "0.1") == 3
    assert not (tmp_path / "out.mp4").exists()


def test_sizes_are_even_and_keep_the_aspect():
    assert target_size(512, 512, 4096, None) == (4096, 4096)
    assert target_size(1080, 1920, 4096, None) == (2304, 4096)
    assert target_size(51, 71, None, 2.0) == (102, 142)
    assert target_size(51, 71, None, None) == (50, 70)
    assert target_size(1, 7, None, None) == (2, 6)
    with pytest.raises(SettingsError, match="larger than any encoder"):
        target_size(512, 512, None, 64.0)
