"""The page of a run says what its records say, and needs nothing from elsewhere."""

import re
from html.parser import HTMLParser

import pytest

from longtake.apps.chart import Mark, Scale, chart, clock, round_step, thinned
from longtake.apps.report import report
from longtake.errors import InputError, JournalDamaged, OutputError
from longtake.journal.plan import write_plan
from longtake.journal.records import RECORDS, Record
from longtake.presets import mini

GOOD = {"identity": 0.25, "sharpness": 0.5, "background": 1.0, "skin": 2.0, "eyes": 1.0, "faces": 1.0, "passed": []}
NOWHERE = dict.fromkeys(("identity", "sharpness", "skin", "eyes")) | {"background": 9.0, "passed": ["faces"]}
AGAIN = GOOD | {"kept": "calm", "tried": [{"did": "continued", "worst": 2.5}, {"did": "calm", "worst": 0.5}]}


def run_of(tmp_path, *notes, name="talk.mp4", frames=None):
    """The folder of a run whose segments have these notes."""
    folder = tmp_path / f"{name}.longtake"
    folder.mkdir()
    settings = mini().settings.model_dump(exclude={"run"})
    plan = {"format": 1, "frames": frames or 16 * len(notes), "preset": "mini", "settings": settings}
    write_plan(folder, plan | {"names": {"speech": "<me & you>.wav"}})
    records = [Record(k, 16 * k + 16, 100, 1, 2, 5.0 + k, said) for k, said in enumerate(notes)]
    (folder / RECORDS).write_bytes(b"".join(record.line() for record in records))
    return folder


class Tags(HTMLParser):
    """Every tag is closed, and everything that would be loaded is noted."""

    def __init__(self):
        super().__init__()
        self.open, self.loaded, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.loaded += [value for name, value in attrs if name in ("src", "href")]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def read(path):
    tags = Tags()
    tags.feed(path.read_text())
    assert tags.open == []
    return tags


def test_the_page_tells_the_run_without_loading_anything(tmp_path):
    folder = run_of(tmp_path, *[GOOD] * 5, AGAIN, NOWHERE, GOOD | {"eyes_dropped": 3})
    path = report(folder)
    assert path == tmp_path / "talk.report.html"
    tags = read(path)
    assert tags.loaded == []
    assert not re.search(r"https?://|@import|url\(|<script", path.read_text())
    assert "8 segments took 1:08 of work. 1 segment was made again, and 1 was kept beyond a limit." in tags.text
    assert "Usually 0.25, least 0.25" in tags.text
    assert "tried (worst share of a limit): continued 2.50, calm 0.50; kept: calm" in tags.text
    assert "closed eyes withheld in 3 frames" in tags.text
    assert "<me & you>.wav" in tags.text
    assert "settings.sampling.steps" in tags.text


def test_the_video_or_its_folder_names_the_run_and_a_report_may_be_made_again(tmp_path):
    folder = run_of(tmp_path, GOOD, frames=32)
    first = report(tmp_path / "talk.mp4").read_text()  # not finished yet: only the folder is there
    assert "0:01 of 0:01 of video in 1 segment took" in first
    (tmp_path / "talk.mp4").write_bytes(b"video")
    assert report(tmp_path / "talk.mp4").read_text() == report(folder).read_text() == first


def test_what_is_no_report_is_not_replaced(tmp_path):
    folder, other = run_of(tmp_path, GOOD), tmp_path / "page.html"
    other.write_text("mine")
    with pytest.raises(OutputError, match="is no report"):
        report(folder, other)
    with pytest.raises(OutputError, match="can't be written"):
        report(folder, tmp_path / "no" / "page.html")
    assert other.read_text() == "mine"


def test_a_run_without_measures_still_has_its_work(tmp_path):
    text = read(report(run_of(tmp_path, {}, {}))).text
    assert "Nothing was measured in it." in text
    assert "Usually 5.50" in text


def test_wrong_paths_and_damaged_records_are_told_with_what_to_do(tmp_path):
    video, folder, empty = tmp_path / "a.mp4", tmp_path / "folder", run_of(tmp_path, name="b.mp4")
    video.write_bytes(b"")
    folder.mkdir()
    for wrong, expected in (
        (video, "--keep-journal"),
        (folder, "give the video or its folder"),
        (tmp_path / "none.mp4", "check the path"),
        (empty, "wait for the first one"),
    ):
        with pytest.raises(InputError) as told:
            report(wrong)
        assert expected in str(told.value)
    damaged = run_of(tmp_path, GOOD, GOOD, GOOD)
    lines = (damaged / RECORDS).read_bytes().replace(b'"segment": 1', b'"segment": 7')
    (damaged / RECORDS).write_bytes(lines)
    with pytest.raises(JournalDamaged, match="Line 2 of 3"):
        report(damaged)


def test_a_curve_lies_where_its_values_are_and_breaks_where_there_are_none():
    scale = Scale(0.0, 1.0)
    drawn = chart("x", [0, 1, 2, 3, 4], [0.0, 1.0, None, 0.5, 0.5], 5, scale, [0.25], [Mark(2.0, "eyes", "a<b")])
    pieces = re.findall(r'class="curve" d="M([^"]*)"', drawn)
    heights = [[float(point.split()[1]) for point in piece.split("L")] for piece in pieces]
    assert heights == [[scale.y(0), scale.y(1)], [scale.y(0.5)] * 2]
    assert f'y1="{scale.y(0.25):.1f}"' in drawn
    assert "a&lt;b" in drawn
    assert scale.y(0) > scale.y(0.5) > scale.y(1)


def test_of_ratios_half_and_twice_are_as_far_from_one():
    scale = Scale(0.25, 4, log=True)
    assert scale.y(0.5) - scale.y(1) == pytest.approx(scale.y(1) - scale.y(2))
    assert scale.ticks() == [0.5, 1.0, 2.0]


def test_a_long_curve_is_thinned_and_keeps_its_extremes():
    values = [0.0] * 10_000
    values[4321] = 7.0
    few = thinned(list(range(10_000)), values, 600)
    assert len(few) <= 600
    assert max(high for _, _, _, high in few) == 7.0
    assert few[0] == (0, 0.0, 0.0, 0.0)
    assert thinned([0, 1], [None, None], 1) == [(0, None, None, None)]


def test_clocks_and_round_steps():
    assert [clock(s) for s in (0, 61, 3599.6, 3725)] == ["0:00", "1:01", "1:00:00", "1:02:05"]
    assert [round_step(x) for x in (0.11, 0.2, 3, 60)] == pytest.approx([0.2, 0.2, 5, 100])
