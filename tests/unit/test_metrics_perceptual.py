"""LPIPS, MUSIQ and ArcFace: equal to their libraries, and clear about what is lacking."""

import numpy as np
import pytest

from longtake.errors import MissingDependency, WeightsMissing
from longtake.evaluate.metrics import perceptual
from longtake.evaluate.metrics.arcface import cosine
from longtake.evaluate.metrics.protocol import Clip
from longtake.evaluate.metrics.registry import metric
from longtake.evaluate.metrics.view import Session, View

A = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ["lpips", "musiq", "identity_arcface"])
def test_what_is_lacking_is_told_with_the_way_to_it(name, tmp_path, monkeypatch):
    monkeypatch.setenv("LONGTAKE_EXTRACTORS", str(tmp_path))
    with pytest.raises(WeightsMissing, match=r"metrics\.extractors\.places"):
        metric(name).ready()


def test_what_is_lacking_tells_no_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LONGTAKE_EXTRACTORS", str(tmp_path / "weights"))
    with pytest.raises(WeightsMissing) as error:
        metric("lpips").ready()
    assert "not at ~/weights/" in str(error.value) and str(tmp_path) not in str(error.value)


def test_a_missing_library_names_its_extra(monkeypatch, tmp_path):
    pytest.importorskip("torch")
    monkeypatch.setattr(perceptual, "weight_file", lambda name: tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "pyiqa", None)
    with pytest.raises(MissingDependency, match="pyiqa") as error:
        perceptual.musiq_network.__wrapped__()
    assert "longtake[musiq]" in str(error.value)


def test_lpips_with_published_files_laid_in_equals_the_library():
    import torch

    try:
        import lpips
        from torchvision.models import alexnet
    except (ImportError, RuntimeError) as error:  # not here, or built for another PyTorch
        pytest.skip(f"needs the extra 'evaluate': {error}")

    torch.manual_seed(0)
    network = alexnet(weights=None).state_dict()
    theirs = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)  # its own weights of channels
    theirs.net.load_state_dict({name: network[f"features.{name.split('.', 1)[1]}"] for name in theirs.net.state_dict()})
    channels = {name: x for name, x in theirs.state_dict().items() if name.startswith("lin") and name[3].isdigit()}
    made = lpips.LPIPS(net="alex", pretrained=False, pnet_rand=True, verbose=False)
    ours = perceptual.with_weights(made, network, channels)
    pair = [torch.from_numpy(x).permute(2, 0, 1)[None].float() / 127.5 - 1 for x in (A, A[::-1].copy())]
    with torch.inference_mode():
        assert float(ours(*pair)) == pytest.approx(float(theirs(*pair)), abs=1e-7)
        assert float(ours(pair[0], pair[0])) == 0


def test_musiq_is_told_on_both_scales(monkeypatch):
    monkeypatch.setattr(perceptual, "musiq_network", lambda: lambda shown: shown.mean() * 100)
    reader = metric("musiq").begin(Clip("a", None))
    reader.see(View(0, np.full((30, 8, 8, 3), 51, np.uint8), Session(Clip("a", None))))
    found = reader.numbers()
    assert found["musiq"] == pytest.approx(20, rel=1e-3) and found["of_one"] == pytest.approx(0.2, rel=1e-3)
    assert len(reader.found) == 2


def test_the_cosine_is_one_for_one_direction():
    a = np.arange(5.0)
    assert cosine(a, 3 * a) == pytest.approx(1) and cosine(a, -a) == pytest.approx(-1)
    assert np.isnan(cosine(a, a * np.nan))
