"""From two folders, or a recipe, to a report on the disk, as a person would ask for it."""

import json

from evaluated import clips
from films import film

from longtake.apps.cli import app
from longtake.apps.outcome import run_app

FILES = {"metrics.json", "metrics.csv", "report.md", "index.html"}


def written(folder):
    return {path.name for path in folder.iterdir() if path.is_file()}


def test_two_folders_become_a_report_that_names_what_is_odd(tmp_path, capsys):
    ours, true = clips(tmp_path / "ours", ["a_0", "b_0"], frames=6), clips(tmp_path / "true", ["a_0", "b_0"], frames=8)
    (ours / "torn.mp4").write_bytes(b"no video")
    out = tmp_path / "report"
    ask = ["evaluate", "--generated", str(ours), "--real", str(true), "--metrics", "psnr", "--identity", "(.*)_0"]
    assert run_app(app, [*ask, "-o", str(out), "--set", "report.strips=1"]) == 0
    assert written(out) == FILES
    result = json.loads((out / "metrics.json").read_text())
    (system,) = result["systems"]
    assert (system["clips"], system["identities"], system["failed"].keys()) == (2, 2, {"torn"})
    assert system["scores"][0]["value"] == 60.0  # the frames in common are the same
    text = (out / "index.html").read_text()
    for told in ("The true clip is longer: 6 frames are compared.", "no video of torn", "torn", "data:image/webp"):
        assert told in text, told
    capsys.readouterr()
    assert run_app(app, [*ask, "-o", str(out)]) == 0  # again: everything is known, and the report may be replaced
    said = capsys.readouterr().err
    assert "torn: 1 metrics" in said  # what can't be read is tried again
    assert "a_0:" not in said


def test_what_is_no_report_is_not_replaced_and_a_wrong_metric_is_named(tmp_path, capsys):
    ours = clips(tmp_path / "ours", ["a"])
    (tmp_path / "index.html").write_text("mine")
    assert run_app(app, ["evaluate", "--generated", str(ours), "-o", str(tmp_path)]) == 8
    assert (tmp_path / "index.html").read_text() == "mine"
    assert run_app(app, ["evaluate", "--generated", str(ours), "--metrics", "psnrr", "-o", str(tmp_path / "r")]) == 4
    assert "did you mean 'psnr'" in capsys.readouterr().err


def test_a_recipe_judges_the_methods_that_work_and_tells_of_the_one_that_crashes(tmp_path):
    data, out = clips(tmp_path / "data", ["a", "b"], frames=6, sounds=1), tmp_path / "report"
    film(clips(tmp_path / "made", ["a"], frames=6, sounds=1) / "b.mp4", [0.0])  # one frame, without sound
    (tmp_path / "r.toml").write_text(
        f'title = "Two"\n[data]\nkind = "puppets"\nfolder = "{data}"\n[metrics]\nnames = ["psnr"]\n[report]\nout = "{out}"\n'
        f'[[system]]\nname = "made"\nvideos = "{tmp_path / "made"}"\n'
        '[[system]]\nname = "crash"\ncommand = "{python} -c \'import sys; sys.exit(3)\'"\n'
    )
    assert run_app(app, ["evaluate", str(tmp_path / "r.toml"), "--quiet"]) == 0
    made, crash = json.loads((out / "metrics.json").read_text())["systems"]
    assert (made["name"], made["clips"], crash["clips"]) == ("made", 2, 0)
    assert "exit code 3" in crash["failed"]["a"]
    assert {path.name for path in (out / "sheets").iterdir()} == {"a.webp", "b.webp"}
    assert any("has no sound; the given voice was laid under it" in remark for remark in made["remarks"])
    assert crash["scores"][0]["value"] is None
    assert "| made | " in (out / "report.md").read_text()
