"""Progress told to people, to programs and as pictures."""

import io
import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from longtake.apps.lines import event_lines
from longtake.apps.preview import Preview, preview_place
from longtake.apps.progress import in_words, progress_bar
from longtake.errors import NoFace, OutputError
from longtake.pace import Progress

NOW = Progress(
    segment=20,
    segments=50,
    frames=320,
    frames_total=800,
    first_frame=304,
    video_s=12.8,
    total_s=32.0,
    work_s=40.0,
    work_per_video_s=3.1,
    left_s=3700.0,
    peak_mb=600.0,
    gpu_peak_mb=None,
    picture=np.full((32, 32, 3), 200, np.uint8),
)


def test_a_person_reads_how_far_how_fast_how_long_still_and_how_much_memory():
    assert in_words(NOW) == "0:13 of 0:32, 3.1 s of work per s, 1:01:40 left, 600 MB"
    assert in_words(replace(NOW, gpu_peak_mb=900.0, prompt="calm")).endswith("600 MB, GPU 900 MB, “calm”")


def test_the_bar_goes_to_the_error_stream_and_nowhere_if_quiet(capsys):
    with progress_bar(quiet=False) as tell:
        tell(NOW)
    told = capsys.readouterr()
    assert "segment 20/50" in told.err and told.out == ""
    with progress_bar(quiet=True) as tell:
        tell(NOW)
    assert capsys.readouterr() == ("", "")


def test_events_are_one_json_object_a_line(capsys):
    with event_lines(True) as lines:
        lines.write("run", frames_total=800)
        lines.write("segment", **NOW.plain())
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first == {"event": "run", "frames_total": 800}
    assert second["event"] == "segment" and second["left_s"] == 3700.0


def test_nothing_is_printed_unless_it_is_wanted(capsys):
    with event_lines(False) as lines:
        lines.write("run")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (NoFace("No face.", do="try another"), "NoFace", 3),
        (KeyboardInterrupt(), "RunInterrupted", 130),
        (ZeroDivisionError("x"), "ZeroDivisionError", 1),
    ],
)
def test_an_error_is_the_last_line_and_goes_on(error, kind, code, capsys):
    with pytest.raises(type(error)), event_lines(True):
        raise error
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["event"], last["kind"], last["exit_code"]) == ("error", kind, code)
    assert kind != "NoFace" or (last["seen"], last["do"]) == ("No face.", "try another")


def test_a_reader_that_goes_away_does_not_stop_the_work(monkeypatch, capsys, tmp_path):
    class Gone(io.StringIO):
        def flush(self):
            raise BrokenPipeError

    with open(tmp_path / "out", "w") as file:
        gone = Gone()
        gone.fileno = file.fileno  # type: ignore[method-assign]
        monkeypatch.setattr(sys, "stdout", gone)
        with event_lines(True) as lines:
            lines.write("segment")
            lines.write("segment")
    assert capsys.readouterr().err.count("nobody reads") == 1


def test_a_preview_is_the_last_frame_of_every_nth_segment_and_of_the_very_last(tmp_path):
    preview = Preview(tmp_path / "now.png", every=10)
    assert preview.show(replace(NOW, segment=19)) is None
    assert preview.show(NOW) == tmp_path / "now.png"
    assert (np.asarray(Image.open(tmp_path / "now.png")) == 200).all()
    assert preview.show(replace(NOW, segment=51, segments=51)) is not None
    assert [path.name for path in tmp_path.iterdir()] == ["now.png"], "nothing half-written is left"


def test_a_folder_gets_a_file_a_preview(tmp_path):
    preview = Preview(tmp_path / "seen", every=20)
    shown = [preview.show(replace(NOW, segment=segment)) for segment in (20, 30, 40)]
    assert [path and path.name for path in shown] == ["segment-000020.jpg", None, "segment-000040.jpg"]


def test_previews_lie_beside_the_output_unless_told_otherwise(tmp_path):
    out = tmp_path / "talk.mp4"
    assert preview_place(None, None, out) is None
    beside = preview_place(None, 5, out)
    assert beside and (beside.place, beside.every) == (tmp_path / "talk.preview.jpg", 5)


def test_a_preview_that_can_not_be_written_is_told_before_the_work(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="can't be previews"):
        Preview(tmp_path / "file" / "now.jpg")
    with pytest.raises(OutputError, match=r"\.jpg or \.png"):
        Preview(tmp_path / "now.gif")


def test_a_preview_that_fails_later_is_told_once_and_the_work_goes_on(tmp_path, capsys):
    preview = Preview(tmp_path / "seen" / "now.jpg", every=1)
    (tmp_path / "seen").rmdir()
    assert preview.show(NOW) is None and preview.show(NOW) is None
    assert capsys.readouterr().err.count("No more previews") == 1
