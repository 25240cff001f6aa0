"""Fetching: only what is needed, said beforehand, resumed, compared with the hub's hashes; without a network one clear error."""

import time
from pathlib import Path
from types import SimpleNamespace

import fake_hub
import pytest
from typer.testing import CliRunner

from longtake.apps.cli import app
from longtake.errors import OutputError, WeightsMismatch, WeightsMissing
from longtake.weights import hub as hubs
from longtake.weights.fetch import fetch
from longtake.weights.published import MODELS, PublishedFile, PublishedModel

BIG, SMALL = "nets/big.pth", "config.json"
FILES = (
    PublishedFile(BIG, "net", 0.1, "always", "MIT", "the big one"),
    PublishedFile(SMALL, "config", 0.1, "always", "MIT", "the small one"),
    PublishedFile("useless.bin", "task", 0.1, "never", "MIT", "not needed"),
)
MODEL = PublishedModel("hallo2", "test/model", FILES)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub with three files, which the library asks instead of the real one."""
    from huggingface_hub import constants

    for path, content in ((BIG, bytes(range(256)) * 4000), (SMALL, b"{}"), ("useless.bin", b"x" * 500)):
        (tmp_path / "hub" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "hub" / path).write_bytes(content)
    for name in hubs.PROXIES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with fake_hub.serving(tmp_path / "hub") as served:
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, served.address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "ENDPOINT", served.address)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield served


def wanted(tmp_path, said=None) -> Path:
    return fetch(MODEL, MODEL.wanted(), (said if said is not None else []).append, cache=tmp_path / "cache")


def test_only_what_is_needed_is_fetched_and_its_size_is_said_beforehand(hub, tmp_path):
    said: list[str] = []
    folder = wanted(tmp_path, said)
    assert (folder / BIG).read_bytes() == (hub.folder / BIG).read_bytes() and (folder / SMALL).read_text() == "{}"
    assert not any("useless" in asked for asked in hub.asked)
    assert "2 files" in said[0] and "1.0 MB  nets/big.pth" in said[0]
    assert "hashes compared" in said[1]


def test_what_is_in_the_cache_is_not_fetched_again_and_is_enough_without_a_network(hub, tmp_path, monkeypatch):
    folder = wanted(tmp_path)
    hub.asked.clear()
    assert wanted(tmp_path) == folder
    assert not [asked for asked in hub.asked if asked.startswith("GET")]
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    said: list[str] = []
    assert wanted(tmp_path, said) == folder
    assert "in the cache already" in said[0]


def test_a_fetch_that_was_cut_off_goes_on(hub, tmp_path):
    content = (hub.folder / BIG).read_bytes()
    digest = hub.row(BIG, content)["lfs"]["sha256"]
    partial = tmp_path / "cache" / "models--test--model" / "blobs" / f"{digest}.longtake.incomplete"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(content[:600_000])
    assert (wanted(tmp_path) / BIG).read_bytes() == content
    assert f"GET {BIG} bytes=600000-" in hub.asked


@pytest.mark.parametrize("name", [BIG, SMALL])
def test_a_file_with_another_hash_is_refused_and_removed(hub, tmp_path, name):
    content = (hub.folder / name).read_bytes()
    hub.lies[name] = bytes([content[0] ^ 1]) + content[1:]
    with pytest.raises(WeightsMismatch, match=f"{Path(name).name} is damaged"):
        wanted(tmp_path)
    hub.lies.clear()
    assert (wanted(tmp_path) / name).read_bytes() == content


def test_a_repository_without_a_needed_file_is_told(hub, tmp_path):
    (hub.folder / BIG).unlink()
    with pytest.raises(WeightsMissing, match=f"has no {BIG}"):
        wanted(tmp_path)


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(hub, tmp_path, monkeypatch):
    monkeypatch.setattr("longtake.weights.files.shutil.disk_usage", lambda place: SimpleNamespace(free=10**5))
    with pytest.raises(OutputError, match="HF_HOME"):
        wanted(tmp_path)
    assert not hub.asked


def test_without_a_network_one_error_names_everything_that_is_needed(hub, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(WeightsMissing) as raised:
        wanted(tmp_path)
    told = str(raised.value)
    assert f"hf download test/model {BIG} {SMALL} --local-dir published" in told
    assert str(tmp_path / "cache" / "models--test--model" / "snapshots" / "*" / BIG) in told
    assert "longtake weights convert published" in told and "127.0.0.1 does not answer" in told


def test_a_hub_that_never_answers_is_given_up_soon(hub, tmp_path, monkeypatch):
    def silent(*_, **__):
        time.sleep(60)
        raise TimeoutError

    monkeypatch.setattr(hubs.socket, "create_connection", silent)
    monkeypatch.setattr(hubs, "PATIENCE_S", 0.01)
    with pytest.raises(WeightsMissing, match="does not answer"):
        wanted(tmp_path)


def test_the_command_says_the_licence_before_it_fetches(hub, monkeypatch, tmp_path):
    said = []
    monkeypatch.setattr("longtake.apps.weights.say", said.append)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    done = CliRunner().invoke(app, ["weights", "fetch", "hallo2", "-o", str(tmp_path / "out")])
    assert isinstance(done.exception, WeightsMissing)
    assert "Not for commercial use: scrfd_10g_bnkps.onnx, glintr100.onnx" in said[0]


def test_the_list_names_files_sizes_licences_and_needs(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    told = CliRunner().invoke(app, ["weights", "list", "hallo2"]).output
    for file in MODELS["hallo2"].files:
        assert file.path in told and file.licence in told
    assert "needed are 5.84 GB" in told and told.rstrip().splitlines()[-1].startswith("Not for commercial use")
