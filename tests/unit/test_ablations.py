"""The ablation's bookkeeping: pieces that are done once, rows that are what their tables say, honest intervals."""

import json
import os
import re

import numpy as np
import pytest
from ablation.curve import panels_svg
from ablation.page import interval, paired_table, people_table
from ablation.rows import PARALLEL, ROWS, TABLES
from ablation.speak import Changes, windows_of
from pieces import Piece, claim, read_result, result_path, work

from longtake.clips import Segment
from longtake.corpus import encode
from longtake.corpus.windows import ARRAYS, INDEX, Windows, leads
from longtake.presets import preset
from longtake.settings import MotionSettings


def test_pieces_wait_for_what_they_need_and_are_done_once(tmp_path):
    done = []
    pieces = [Piece("b", ("a",), lambda: done.append("b")), Piece("a", (), lambda: done.append("a") or {"n": 3})]
    for _ in range(2):
        work(tmp_path, pieces)
    assert done == ["a", "b"]
    assert read_result(tmp_path, "a")["n"] == 3
    assert [path.name for path in (tmp_path / "done").iterdir() if path.suffix != ".json"] == []


def test_a_piece_that_failed_is_left_for_the_next_sitting(tmp_path):
    with pytest.raises(ZeroDivisionError):
        work(tmp_path, [Piece("a", (), lambda: 1 / 0)])
    work(tmp_path, [Piece("a", (), lambda: {})])
    assert result_path(tmp_path, "a").exists()


def test_a_claim_holds_while_its_process_lives_and_no_longer(tmp_path):
    (tmp_path / "done").mkdir()
    path = tmp_path / "done" / "a.claim"
    path.write_text(str(os.getppid()))
    with claim(tmp_path, "a") as mine:
        assert not mine
    path.write_text(str(2**22 + 1))  # beyond the largest process number
    with claim(tmp_path, "a") as mine:
        assert mine
    assert not path.exists()


def test_no_piece_begins_after_the_time(tmp_path):
    work(tmp_path, [Piece("a", (), lambda: 1 / 0)], until=0)
    assert read_result(tmp_path, "a") is None


def test_every_table_compares_rows_that_there_are_and_each_row_is_in_a_table():
    shown = {name for names in TABLES.values() for name in names}
    assert shown == {*ROWS, PARALLEL}


def test_both_is_what_is_shipped():
    shipped, both = preset("mini").settings.motion, ROWS["both"].motion
    assert {name: getattr(shipped, name) for name in both} == both


def test_a_row_speaks_as_it_was_trained():
    for row in ROWS.values():
        corrupted = row.motion["drop_rate"], row.motion["noise_std"]
        assert corrupted == ((0.0, 0.0) if row.corrupted == "reference" else (row.drop_rate, row.noise_std))
        assert f"task.motion_noise_std={row.noise_std}" in row.task


def test_the_interval_holds_the_mean_and_a_single_clip_has_none():
    mean, low, high = map(float, re.findall(r"[\d.]+", interval([0.1, 0.2, 0.4, 0.3])))
    assert 0.1 < low < mean == 0.25 < high < 0.4
    assert interval([0.25]) == "0.250" and interval([float("nan")]) == "–"


def test_what_clips_have_in_common_cancels_in_the_paired_table():
    def spoken(worse):
        """Two clips that are far apart, each a little worse than in `both`."""
        names = ("identity", "sharpness", "background_db", "colour", "mouth")
        windows = [[{name: base + worse for name in names}] for base in (0.1, 0.9)]
        return {clip: {"windows": one, "jump": 1.0} for clip, one in enumerate(windows)}

    rows = {"both": spoken(0.0), "none": spoken(0.02), "drop": {}}
    lines = paired_table(rows)
    assert lines[2:] == [f"| `none` | 2 | {' | '.join(['0.020 [0.020, 0.020]'] * 5)} | 0.000 [0.000, 0.000] |"]
    assert people_table(rows)[2:] == ["| `both` | 0.100 | 0.900 |", "| `none` | 0.120 | 0.920 |", "| `drop` |  |  |"]


def test_windows_are_cut_where_they_end_whatever_the_segments():
    segments = (Segment(k, 16 * k, np.full((16, 2, 2, 3), k, np.uint8)) for k in range(5))
    parts = list(windows_of(segments, 25))
    assert [len(part) for part in parts] == [25, 25, 25, 5]
    assert np.concatenate(parts)[:, 0, 0, 0].tolist() == [k for k in range(5) for _ in range(16)]


def test_a_curve_is_drawn_for_each_row_with_its_name():
    svg = panels_svg({"identity": {"both": np.array([0.1, 0.2]), "none": np.array([0.1, np.nan])}}, 5.0)
    assert svg.count("<polyline") == 2 and ">both<" in svg and ">none<" in svg


@pytest.fixture
def prepared(tmp_path):
    """A folder of windows of two clips of 20 frames, whole frames 1 and dropped ones 2."""
    folder = tmp_path / "windows"
    folder.mkdir()
    for name in ARRAYS:
        np.save(folder / f"{name}.npy", np.full((40, 1, 1, 1), 2 if name == "dropped" else 1, np.float16))
    clips = [{"id": str(k), "split": "train", "start": 20 * k, "frames": 20} for k in range(2)]
    (folder / INDEX).write_text(json.dumps({"clips": clips, "frames": 40, "fps": 25, "hashes": {}}))
    return folder


def test_other_motion_settings_encode_again_only_what_may_lead(prepared, tmp_path, monkeypatch):
    monkeypatch.setattr(encode, "_manifest", lambda folder: [{"id": "0"}, {"id": "1"}])
    monkeypatch.setattr(encode, "_clips", lambda rows: ((row, np.zeros((20, 4, 4, 3)), None, None) for _, row in rows))
    monkeypatch.setattr(encode, "_codec", lambda path: None)
    monkeypatch.setattr(
        encode, "_corrupter", lambda codec, motion: lambda frames, name: np.full((len(frames), 1, 1, 1), 3)
    )
    out = tmp_path / "other"
    encode.encode_dropped([tmp_path], prepared, out, tmp_path, MotionSettings(), {"train": 1})
    windows = Windows(out)
    assert [clip["id"] for clip in windows.clips] == ["0"]
    assert np.flatnonzero(windows.arrays[0]["dropped"][:, 0, 0, 0] == 3).tolist() == leads(20).tolist()
    assert (windows.arrays[0]["latents"] == 1).all()
    encode.encode_dropped([tmp_path], prepared, out, tmp_path, MotionSettings(drop_rate=0), {"train": 2})
    assert (Windows(out).arrays[0]["dropped"] == 1).all(), "without drop the frames are whole"


def test_a_jump_where_segments_begin_is_told_and_a_steady_change_is_none():
    steady, jumping = Changes(), Changes()
    grey = np.arange(64, dtype=np.uint8)
    show = lambda values: values[:, None, None, None] + np.zeros((1, 4, 4, 3), np.uint8)  # noqa: E731
    for part in np.split(grey, 4):
        steady.see(show(part))
    jumping.see(show(grey + 4 * (grey // 16)))
    assert steady.at_joints(16) == 1
    assert jumping.at_joints(16) == 5
    assert jumping.at_joints(12) != 5
