"""benchmarks/parity.py takes files of golden arrays and says how far ours are from them."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
import parity

FIXTURES = Path(__file__).parents[1] / "fixtures" / "parity"


def _told(capsys):
    return json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.parametrize("kind", ["schedule", "vae", "image", "wav2vec", "net_noref"])
def test_the_golden_arrays_agree(kind, capsys):
    if kind == "wav2vec":  # the published encoder at full width: 94 million weights drawn from their names
        pytest.importorskip("transformers")
    assert parity.main([str(FIXTURES / f"{kind}.npz")]) == 0
    told = _told(capsys)
    assert told["file"] == f"{kind}.npz" and told["pass"] is True
    assert told["worst"] <= told["tolerance"]


def test_what_is_out_of_tolerance_is_named(tmp_path, capsys):
    golden = dict(np.load(FIXTURES / "vae.npz"))
    golden["tiny.encode.mean"] = golden["tiny.encode.mean"] + 1e-3
    np.savez(tmp_path / "moved.npz", **golden)
    assert parity.main([str(tmp_path / "moved.npz")]) == 1
    told = _told(capsys)
    assert (told["array"], told["pass"]) == ("tiny.encode.mean", False)
    assert told["worst"] > told["tolerance"] == 2e-5


def test_arrays_that_nothing_here_computes_are_no_pass(tmp_path, capsys):
    for options, told in (({"kind": "restoration"}, "ParseNet"), ({"kind": "else"}, "unknown kind")):
        np.savez(tmp_path / "other.npz", options=json.dumps(options), codes=np.zeros(3))
        assert parity.main([str(tmp_path / "other.npz")]) == 1
        line = _told(capsys)
        assert line["pass"] is False and told in line["why"]
    (tmp_path / "text.npz").write_text("no arrays")
    assert parity.main([str(tmp_path / "text.npz")]) == 1
    assert "golden" in _told(capsys)["why"]
