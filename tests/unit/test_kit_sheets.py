"""Sheets: method under method at the same moments."""

import numpy as np
import pytest
from films import film
from PIL import Image

from longtake.errors import OutputError
from longtake.evaluate.kit.sheets import HEAD_PX, LABEL_PX, SIDE_PX, sheet, write_sheets
from longtake.evaluate.kit.strips import GREY, rows_at_moments, show


@pytest.fixture
def shown(tmp_path):
    """Two methods of 20 frames that brighten by 4 each."""
    times = [k / 25 for k in range(20)]
    return show("a b", {label: film(tmp_path / f"{label}.mp4", times) for label in ("true clips", "made")})


def test_a_row_for_each_method_and_a_column_for_each_moment(shown):
    picture = sheet(shown, count=4)
    assert picture is not None
    rows = picture[HEAD_PX + 2 :].reshape(2, SIDE_PX + 2, -1, 3)
    columns = rows[:, :SIDE_PX, LABEL_PX:].reshape(2, SIDE_PX, 4, -1, 3)
    greys = columns[:, 40:120, :, 60:120].mean(axis=(1, 3, 4))
    assert np.abs(greys[0] - greys[1]).max() < 1, "methods at the same moments"
    assert (np.diff(greys[0]) > 10).all(), "and later ones to the right"
    names = rows[:, :SIDE_PX, :LABEL_PX]
    assert (names.min(axis=(1, 2, 3)) < 100).all() and (names[0] != names[1]).any()


def test_of_videos_of_different_lengths_the_same_moments_are_shown(tmp_path):
    videos = {
        name: film(tmp_path / f"{name}.mp4", [k / 25 for k in range(count)])
        for name, count in (("short", 20), ("long", 50))
    }
    times, rows = rows_at_moments(videos, 4, SIDE_PX)
    assert times == pytest.approx([0, 16 / 25, 33 / 25, 49 / 25], abs=0.021)
    short, long = (rows[name].reshape(SIDE_PX, 4, -1, 3)[40:120, :, 120:].mean(axis=(0, 2, 3)) for name in videos)
    assert np.abs(short[:2] - long[:2]).max() < 1 and (short[2:] == GREY).all() and (long[2:] != GREY).all()


def test_a_method_whose_video_is_gone_is_left_out_and_none_makes_no_sheet(shown, tmp_path):
    whole = sheet(shown)
    (tmp_path / "made.mp4").unlink()
    rest = sheet(shown)
    assert whole is not None and rest is not None and len(rest) < len(whole)
    (tmp_path / "true clips.mp4").write_bytes(b"nothing")
    assert sheet(shown) is None and write_sheets([shown], tmp_path / "out") == []


def test_files_are_named_by_clips_and_what_stands_in_the_way_is_told(shown, tmp_path):
    (path,) = write_sheets([shown], tmp_path / "out")
    assert path == tmp_path / "out" / "sheets" / "a_b.webp" and Image.open(path).width > 6 * SIDE_PX
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="a_b"):
        write_sheets([shown], tmp_path / "file")
