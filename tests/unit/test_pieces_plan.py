"""Work in pieces: a folder remembers what it was begun with, and takes nothing else."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import prompts
import pytest
from pieces import expect_same, plan_of, read_result, result_path


def test_the_first_plan_stays(tmp_path):
    folder = tmp_path / "new" / "work"
    assert plan_of(folder, {"norms": "a"}) == {"norms": "a"}
    assert plan_of(folder, {"norms": "b"}) == {"norms": "a"}
    assert plan_of(folder) == {"norms": "a"}


def test_of_several_that_begin_at_once_one_plan_stays_and_all_read_it_whole(tmp_path):
    together, padding = Barrier(4), "x" * 2_000_000

    def begin(name):
        together.wait()
        return plan_of(tmp_path / "work", {"norms": name, "more": padding})["norms"]

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(begin, "abcd"))) == 1
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["plan.json"]


def test_a_folder_that_was_never_begun_says_what_to_do(tmp_path):
    with pytest.raises(SystemExit, match="Do `work` first"):
        plan_of(tmp_path)


def test_results_of_other_weights_are_not_mixed(tmp_path):
    expect_same(tmp_path, "a", "a", "word norms")
    with pytest.raises(SystemExit, match=r"begun with other word norms: a, and these are b\. Begin a new folder"):
        expect_same(tmp_path, "a", "b", "word norms")


def test_clips_that_were_measured_before_are_taken_up_with_the_same_norms_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(prompts, "KNOWN", tmp_path / "known.json")
    prompts.take_known(tmp_path / "new", "a")  # nothing is known yet
    for name, by in (("ask-00", 1.5), ("ask-01", -2.0)):
        path = result_path(tmp_path / "old", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"moved": [{"by": by}]}))
    prompts.keep_known(tmp_path / "old", 2, "a")
    prompts.take_known(tmp_path / "other", "b")
    prompts.take_known(tmp_path / "new", "a")
    assert read_result(tmp_path / "new", "ask-01") == {"moved": [{"by": -2.0}]}
    assert read_result(tmp_path / "other", "ask-01") is None
