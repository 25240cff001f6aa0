"""What was measured is kept, clip by clip and metric by metric, and what can't be measured is told."""

import numpy as np
import pytest
from evaluated import Count, Spread, clips
from films import film

from longtake.errors import InputError, SettingsError
from longtake.evaluate.kit.clips import identity_of, lone_real, pair_folders, read_list
from longtake.evaluate.kit.measuring import measure_clips, ready_metrics
from longtake.evaluate.kit.store import Kept, Store
from longtake.evaluate.kit.summing import Draws, stretch_s, system_of
from longtake.evaluate.metrics.protocol import About, Clip, Quantity


def quiet(text):
    pass


def test_an_interrupted_evaluation_goes_on_where_it_stopped(tmp_path):
    folder = clips(tmp_path / "ours", ["a", "b", "c"])
    found, _ = pair_folders(folder)
    count = Count()
    measure_clips(found[:2], [count], Store(tmp_path / "store"), say=quiet)
    whole = measure_clips(found, [count], Store(tmp_path / "store"), say=quiet)
    assert count.begun == ["a", "b", "c"]
    assert [whole.by_clip[name]["count"].numbers["count"] for name in "abc"] == [4.0] * 3


def test_a_changed_video_or_protocol_is_measured_again(tmp_path):
    folder = clips(tmp_path / "ours", ["a"])
    found, _ = pair_folders(folder)
    count, store = Count(), tmp_path / "store"
    measure_clips(found, [count], Store(store), say=quiet)
    film(folder / "a.mp4", [0, 0.04])
    assert measure_clips(found, [count], Store(store), say=quiet).by_clip["a"]["count"].numbers["count"] == 2
    other = Count(
        about=About("count", "", {"count": Quantity("", "higher"), "half": Quantity("", "none")}, protocol={"p": 2})
    )
    measure_clips(found, [other], Store(store), say=quiet)
    assert (len(count.begun), len(other.begun)) == (2, 1)


def test_a_damaged_finding_is_measured_again_and_told(tmp_path):
    found, _ = pair_folders(clips(tmp_path / "ours", ["a"]))
    count, store = Count(), Store(tmp_path / "store")
    measure_clips(found, [count], store, say=quiet)
    store.path(found[0], count.about, None).write_bytes(b"PK\x03\x04 torn")
    again = Store(tmp_path / "store")
    measure_clips(found, [count], again, say=quiet)
    assert len(count.begun) == 2
    assert "damaged" in again.damaged[0]


def test_what_is_kept_comes_back_as_it_was(tmp_path):
    video = film(tmp_path / "a.mp4", [0, 0.04])
    clip, about, store = Clip("a/b", video), Count().about, Store(tmp_path / "store")
    kept = Kept(7, {"count": 1.5}, {"sum": np.arange(3.0)}, [{"count": float("nan")}], "why", ["said"])
    store.write(clip, about, 1.0, kept)
    back = store.read(clip, about, 1.0)
    assert (back.frames, back.numbers, back.skipped, back.remarks) == (7, {"count": 1.5}, "why", ["said"])
    assert np.isnan(back.over_time[0]["count"])
    assert back.summary["sum"].tolist() == [0, 1, 2]
    assert store.read(clip, about, 2.0) is None


def test_one_unreadable_video_does_not_stop_the_others(tmp_path):
    folder = clips(tmp_path / "ours", ["a", "c"])
    (folder / "b.mp4").write_bytes(b"no video")
    found, _ = pair_folders(folder)
    findings = measure_clips(found, [Count()], Store(tmp_path / "store"), say=quiet)
    assert findings.by_clip.keys() == {"a", "c"}
    assert "can't be read" in findings.unread["b"]
    system = system_of("ours", [Count()], findings, None, Draws())
    assert (system.clips, system.score("count").clips) == (2, 2)
    assert "b" in system.failed


def test_a_video_that_went_away_is_told_with_its_path(tmp_path):
    findings = measure_clips([Clip("a", tmp_path / "gone.mp4")], [Count()], Store(tmp_path / "s"), say=quiet)
    assert "gone.mp4" in findings.unread["a"]


def test_clips_without_a_face_are_left_out_and_counted(tmp_path):
    found, _ = pair_folders(clips(tmp_path / "ours", ["a", "b"]))
    shy = Count(refuses=("a",))
    findings = measure_clips(found, [shy], Store(tmp_path / "s"), say=quiet)
    score = system_of("ours", [shy], findings, None, Draws()).score("count")
    assert (score.value, score.clips, score.remarks) == (4.0, 1, ["Left out: a: No face."])


def test_numbers_that_are_none_are_left_out_and_told(tmp_path):
    folder = clips(tmp_path / "ours", ["a", "b"])
    film(folder / "one.mp4", [0])  # one frame: no half
    found, _ = pair_folders(folder)
    findings = measure_clips(found, [Count()], Store(tmp_path / "s"), say=quiet)
    score = system_of("ours", [Count()], findings, None, Draws()).score("count.half")
    assert (score.value, score.clips) == (2.0, 2)
    assert "No number in 1 of 3 clips" in score.remarks[0]
    assert score.each["one"] is None


def test_a_metric_without_weights_says_how_to_get_them():
    able, missing = ready_metrics([Count(), Count(missing=True, about=About("other", "", {"x": Quantity("", "none")}))])
    assert [metric.about.name for metric in able] == ["count"]
    assert "longtake weights fetch" in missing["other"]


def test_a_set_is_compared_with_the_true_set_by_stored_summaries(tmp_path):
    ours, true = clips(tmp_path / "ours", ["a", "b", "c"]), clips(tmp_path / "true", ["a", "b", "c"], frames=8)
    spread, store = Spread(), Store(tmp_path / "s")
    found = measure_clips(pair_folders(ours)[0], [spread], store, say=quiet)
    real = measure_clips(pair_folders(true)[0], [spread], store, say=quiet)
    score = system_of("ours", [spread], found, real, Draws(sets=20)).score("spread_stand_in")
    assert score.value > 1
    assert not score.comparable
    assert score.remarks == ["3 against 3."]
    assert system_of("ours", [spread], found, None, Draws()).score("spread_stand_in").value is None


def test_folders_are_paired_by_name_and_what_is_odd_is_said(tmp_path):
    ours, true = clips(tmp_path / "ours", ["a", "b"]), clips(tmp_path / "true", ["b", "c"])
    found, odd = pair_folders(ours, true)
    assert [(clip.name, clip.real and clip.real.name) for clip in found] == [("a", None), ("b", "b.mp4")]
    assert "1 of 2 videos have no true one of their name: a." in odd[0]
    assert "1 of 2 true videos have no generated one: c." in odd[1]
    assert "another person" in odd[2]
    assert [clip.name for clip in lone_real(found, true)] == ["c"]


def test_folders_that_cannot_be_paired_are_refused(tmp_path):
    ours, true = clips(tmp_path / "ours", ["a"]), clips(tmp_path / "true", ["b"])
    (tmp_path / "empty").mkdir()
    for wrong, expected in (
        ((ours, true), "No video of"),
        ((ours, tmp_path / "empty"), "There is no video"),
        ((tmp_path / "empty",), "There is no video"),
        ((tmp_path / "none",), "There is no folder"),
    ):
        with pytest.raises(InputError, match=expected):
            pair_folders(*wrong)


def test_a_pattern_tells_who_a_clip_shows():
    assert identity_of("(.*)_[0-9]+")("anna_03") == "anna"
    assert identity_of("(.*)_[0-9]+")("anna") == ""
    for wrong in ("(", "anna"):
        with pytest.raises(SettingsError):
            identity_of(wrong)


def test_a_list_names_clips_and_people(tmp_path):
    (tmp_path / "list.csv").write_text("name,video,identity,real\nx,a.mp4,anna,r.mp4\n,b.mp4,,\n")
    first, second = read_list(tmp_path / "list.csv")
    assert (first.who, first.real, second.name, second.real) == ("anna", tmp_path / "r.mp4", "b", None)
    (tmp_path / "twice.csv").write_text("video\na.mp4\na.mp4\n")
    (tmp_path / "odd.csv").write_text("film\na.mp4\n")
    for wrong in ("twice.csv", "odd.csv", "none.csv"):
        with pytest.raises(InputError):
            read_list(tmp_path / wrong)


def test_a_window_is_as_long_as_the_blocks_in_it():
    assert [stretch_s(w) for w in (None, 0.1, 0.64, 1.0, 5.0)] == [None, 0.64, 0.64, 1.28, 5.12]
