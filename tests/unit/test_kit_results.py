"""What the report says: the gate, the tables, the page, the order of controls, published numbers only where they compare."""

import csv
import io
import re
from dataclasses import replace

import pytest
from test_report import Tags

from longtake.apps.cli import app
from longtake.apps.evaluate_charts import stretches
from longtake.apps.evaluate_page import page
from longtake.apps.outcome import run_app
from longtake.errors import InputError, SettingsError
from longtake.evaluate.kit.gate_rows import kit_rows
from longtake.evaluate.kit.ordering import CONTROLS, EXPECTED, Expected, ordered, share_ordered
from longtake.evaluate.kit.paper import paper_part
from longtake.evaluate.kit.regression import compare_results
from longtake.evaluate.kit.results import Result, Score, System, read_result, write_result
from longtake.evaluate.kit.strips import Shown, Strip
from longtake.evaluate.kit.tables import csv_text, markdown_text
from longtake.evaluate.metrics.registry import metrics


def score(name="psnr", value=30.0, low=29.0, high=31.0, better="higher", comparable=True, each=None):
    return Score(
        name,
        name.split(".")[0],
        value,
        low,
        high,
        "dB",
        better,
        comparable,
        "abcd1234",
        3,
        3,
        "What it is.",
        [],
        each or {},
    )


def system(name, *scores, **more):
    return System(name, 3, 3, 12.0, list(scores), **more)


def result(*systems, **more):
    data = {"said": "3 clips of 3 people", "split_hash": "0123456789ab"}
    protocol = {"metric": "psnr", "says": "x", "needs": [], "comparable": True, "protocol": {"every": 5}}
    return Result("A trial & more", {"date": "2026-11-23"}, data, list(systems), {"abcd1234": protocol}, {}, **more)


def fallen(old, new):
    return {
        verdict.name
        for verdict in compare_results(result(system("a", *old)), result(system("a", *new)))
        if verdict.fell
    }


def test_a_score_may_fall_within_its_interval_and_no_further():
    old = [score(), score("fid", 10.0, 9.0, 12.0, "lower")]
    assert fallen(old, old) == set()
    assert fallen(old, [score(value=29.1), score("fid", 11.9, 9.0, 12.0, "lower")]) == set()
    assert fallen(old, [score(value=28.9), score("fid", 12.1, 9.0, 12.0, "lower")]) == {"psnr", "fid"}
    assert fallen(old, [score(value=99.0), score("fid", 0.0, 9.0, 12.0, "lower")]) == set()


def test_what_is_gone_or_measured_otherwise_fell_too():
    old = [score()]
    assert fallen(old, []) == {"psnr"}
    assert fallen(old, [score(value=None)]) == {"psnr"}
    assert fallen(old, [replace(score(), protocol="ffff0000")]) == {"psnr"}
    assert fallen([score(low=None, high=None)], [score(value=29.99)]) == {"psnr"}
    assert fallen([score(better="none")], [score(value=0.0, better="none")]) == set()
    with pytest.raises(InputError, match="no system in common"):
        compare_results(result(system("a", score())), result(system("b", score())))


def test_the_gate_exits_with_1_and_a_sentence(tmp_path, capsys):
    base, same, worse = (tmp_path / name for name in ("base.json", "same.json", "worse.json"))
    write_result(result(system("a", score())), base)
    write_result(result(system("a", score(value=29.5))), same)
    write_result(result(system("a", score(value=20.0))), worse)
    assert run_app(app, ["evaluate", "gate", str(base), str(same)]) == 0
    assert "None of 1 scores fell" in capsys.readouterr().out
    assert run_app(app, ["evaluate", "gate", str(base), str(worse)]) == 1
    assert "1 of 1 scores fell by more than their intervals: psnr of a." in capsys.readouterr().err
    (tmp_path / "odd.json").write_text("{}")
    (tmp_path / "torn.json").write_text("{")
    for wrong in ("odd.json", "torn.json", "none.json"):
        assert run_app(app, ["evaluate", "gate", str(base), str(tmp_path / wrong)]) == 3
        assert "metrics.json of an evaluation" in capsys.readouterr().err


def test_a_result_comes_back_from_its_file_and_knows_no_nan(tmp_path):
    whole = result(system("a", score(each={"x": 1.5, "y": None}), curves={"psnr": [1.0, None]}), window_s=1.0)
    assert read_result(write_result(whole, tmp_path / "r.json")) == whole
    torn = result(system("a", score(value=float("nan"))))
    assert read_result(write_result(torn, tmp_path / "r.json")).systems[0].scores[0].value is None


def test_the_tables_have_a_row_for_each_method_and_mark_stand_ins():
    whole = result(
        system("a", score(), score("fid_projection", 3.0, None, None, "lower", comparable=False)), system("b")
    )
    text = markdown_text(whole)
    assert "| method | psnr ↑ | fid_projection ↓ ° | clips | people |" in text
    assert "| a | 30.00 ± 1.00 | 3.00 | 3 | 3 |" in text
    assert "| b | – | – | 3 | 3 |" in text
    assert "° not comparable with published numbers" in text
    rows = list(csv.DictReader(io.StringIO(csv_text(whole))))
    assert [(row["system"], row["score"], row["low"], row["comparable"]) for row in rows] == [
        ("a", "psnr", "29", "True"),
        ("a", "fid_projection", "", "False"),
    ]


def test_the_page_says_what_was_measured_and_loads_nothing():
    stand_in = score("fid_projection", 3.0, 2.0, 4.0, "lower", comparable=False)
    whole = result(
        system("a<b", score(), stand_in, curves={"psnr": [30.0, None, 28.0]}),
        system("still", score(value=20.0), failed={"x": "It <crashed>."}),
        window_s=1.28,
        ordered=[
            {"score": "psnr", "control": "still", "expected": "higher", "ours": 30.0, "theirs": 20.0, "outcome": "in order",
             "in_order": True, "sure": True, "why": "because"}
        ],
        notes=["a note"],
    )  # fmt: skip
    whole = replace(whole, missing={"fvd": "There are no weights.\nNext: fetch them"})
    text = page(whole, [Shown("x", [0.0, 1.0], [Strip("a<b", "QUJD")])])
    tags = Tags()
    tags.feed(re.sub(r"<(img|br)([^>]*)>", r"<\1\2></\1>", text))  # these two have no end
    assert tags.open == []
    assert [source for source in tags.loaded if not source.startswith("data:")] == []
    assert not re.search(r"https?://|@import|url\(|<script", text)
    for told in ("A trial & more", "a<b", "not comparable", "fetch them", "no video of x: It <crashed>.", "a note", "because",
                 "abcd1234", '"every": 5', "0123456789ab", "people (not frames"):  # fmt: skip
        assert told in tags.text, told


def test_a_line_breaks_where_nothing_was_measured():
    assert stretches([1.0, 2.0, None, 3.0, None]) == [[(0, 1.0), (1, 2.0)], [(3, 3.0)]]


def test_controls_are_in_order_for_sure_only_clip_by_clip():
    clips = {str(k): float(k) for k in range(8)}
    ours = system("mini", score(value=3.6, each={name: value + 0.1 for name, value in clips.items()}))
    control = system("still", score(value=3.5, each=clips))
    expected = [Expected("psnr", "still", "higher", ""), Expected("psnr", "untrained", "higher", "")]
    (row,) = ordered([ours, control], "mini", expected)
    assert (row["outcome"], row["in_order"]) == (
        "in order",
        True,
    )  # the intervals overlap, the differences don't hold 0
    (row,) = ordered([control, ours], "mini", [Expected("psnr", "still", "lower", "")])
    assert row["outcome"] == "NOT in order"
    noisy = system("mini", score(value=3.6, each={name: 7 - value for name, value in clips.items()}))
    (row,) = ordered([noisy, control], "mini", expected[:1])
    assert row["outcome"] == "in order, but not sure"
    assert ordered([control], "mini", expected) == []


def test_the_share_in_order_counts_what_was_measured():
    rows = [
        {"score": "a", "control": "still", "in_order": True, "sure": True},
        {"score": "b", "control": "still", "in_order": False, "sure": False},
        {"score": "c", "control": "still", "in_order": None},
    ]
    assert share_ordered(rows) == (0.5, "1 of 2 in order, 1 beyond their intervals; not: b against still")


def test_the_gates_take_what_was_measured_apart(tmp_path):
    told = {"score": "psnr", "control": "still", "in_order": True, "sure": True}
    report, judges = tmp_path / "metrics.json", tmp_path / "judges.json"
    assert kit_rows([report], [judges]) == []
    write_result(result(system("mini"), ordered=[told, told | {"in_order": False}]), report)
    judges.write_text('{"syncnet": {"sync_detector_accuracy": 0.9}, "facenet": {"faults_ordered": NaN}}')
    rows = {r.name: (r.value, r.passed) for r in kit_rows([report], [judges])}
    assert rows == {"controls_ordered": (0.5, False), "sync_detector_accuracy": (0.9, True)}
    write_result(result(system("mini")), report)
    with pytest.raises(InputError, match="make report"):
        kit_rows([report], [])


def test_every_expected_score_and_control_exists_and_has_a_reason():
    asked = {e.score.partition(".")[0] for e in EXPECTED}
    known = {m.about.name: m.about for m in metrics(sorted(asked))}  # raises where there is no such metric
    for e in EXPECTED:
        metric, _, quantity = e.score.partition(".")
        assert not quantity or quantity in known[metric].quantities
        assert e.control in CONTROLS and e.why
        better = known[metric].quantities[quantity or known[metric].headline].better
        assert better in ("none", e.ours), e.score


def test_published_numbers_stand_beside_ours_only_where_clips_and_protocols_agree():
    ours = [system("a", score(), score("fid_projection", 3.0, better="lower", comparable=False))]
    paper = {
        "source": "Table 9",
        "split": "0123456789ab",
        "protocols": {"psnr": "abcd1234", "fid_projection": "abcd1234", "ssim": "x"},
        "row": [{"method": "theirs", "psnr": 31.0, "fid_projection": 1.0}],
    }
    shown = paper_part(paper, ours, "0123456789ab")
    assert shown["columns"] == ["psnr"]
    assert shown["rows"] == [{"method": "theirs", "psnr": 31.0}]
    assert "other clips" in paper_part(paper, ours, "ffffffffffff")["said"]
    other = paper_part(paper | {"protocols": {"psnr": "00000000"}}, ours, "0123456789ab")
    assert "rows" not in other and "not 00000000" in other["said"]
    with pytest.raises(SettingsError, match="no source"):
        paper_part({"row": [{}]}, ours, "")
