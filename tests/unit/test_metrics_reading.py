"""One pass over a clip for many metrics: at 25 frames a second, in windows, past what is lacking."""

from dataclasses import replace

import numpy as np
import pytest
from films import film

from longtake.errors import InputError, SettingsError
from longtake.evaluate.metrics.protocol import Clip
from longtake.evaluate.metrics.reading import at_25, measure
from longtake.evaluate.metrics.registry import metric, metrics, names

PAIRS = ["psnr", "ssim"]


@pytest.fixture
def clip(tmp_path):
    video = film(tmp_path / "a.mp4", [k / 25 for k in range(50)])
    return Clip("a", video, real=video)


def test_equal_clips_are_as_close_as_can_be(clip):
    found = measure(clip, metrics([*PAIRS, "fid_projection"]))
    assert found.frames == 50 and not found.skipped and not found.remarks
    assert found.numbers == {"psnr": {"psnr": 60.0}, "ssim": {"ssim": pytest.approx(1.0)}}
    assert found.summaries["fid_projection"]["rows"].shape == (10, 64)


def test_what_is_lacking_skips_a_metric_and_no_other(clip):
    found = measure(replace(clip, real=None), metrics([*PAIRS, "fid_projection"]))
    assert set(found.skipped) == set(PAIRS) and "no true clip" in found.skipped["psnr"]
    assert "fid_projection" in found.summaries


def test_windows_of_a_clip_give_each_metric_over_time(clip):
    found = measure(clip, metrics(PAIRS), window_s=0.64)
    assert [len(found.over_time[name]) for name in PAIRS] == [4, 4]


@pytest.mark.parametrize(("fps", "frames"), [(30, 60), (50, 100), (12.5, 25), (24, 48), (23.976, 48)])
def test_other_frame_rates_come_at_25_and_that_is_told(tmp_path, fps, frames):
    video = film(tmp_path / "b.mp4", [k / fps for k in range(frames)])
    remarks = []
    greys = [frame[:, 40:].mean() for frame in at_25(video, remarks)]
    assert abs(len(greys) - 50) <= 1
    shown = np.arange(len(greys)) / 25 * fps
    before = shown < 58  # then the greys begin again
    step = 4 * 0.5 * max(fps / 25, 1)  # half a frame, and what the codec adds
    np.testing.assert_allclose(np.array(greys)[before], 10 + 4 * shown[before], atol=step + 6)
    assert "judged at 25" in remarks[0]


def test_unequal_counts_and_sizes_are_told_and_compared_as_far_as_both_go(clip, tmp_path):
    short = film(tmp_path / "c.mp4", [k / 25 for k in range(20)], size=(96, 128))
    found = measure(replace(clip, real=short), metrics(PAIRS))
    assert found.frames == 50 and "20 frames are compared" in found.remarks[0]
    assert found.numbers["psnr"]["psnr"] > 30
    found = measure(Clip("c", short, real=clip.video), metrics(PAIRS))
    assert found.frames == 20 and "longer: 20 frames" in found.remarks[0]


def test_a_video_of_one_frame_is_measured(tmp_path):
    one = film(tmp_path / "one.mp4", [0.0])
    found = measure(Clip("one", one, real=one), metrics([*PAIRS, "fvd_projection"]), window_s=1)
    assert found.frames == 1 and found.numbers["psnr"]["psnr"] == 60
    assert found.summaries["fvd_projection"]["rows"].shape == (0, 64)


def test_what_is_no_video_is_an_error_of_ours(tmp_path):
    (tmp_path / "no.mp4").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"no\.mp4"):
        measure(Clip("no", tmp_path / "no.mp4"), metrics(PAIRS))


def test_every_metric_says_what_it_is_before_any_video_is_read():
    for name in names():
        about = metric(name).about
        assert about.name == name and about.says.endswith(".") and about.headline == name
        assert about.better in ("higher", "lower", "none") and len(about.hash) == 8


def test_another_protocol_has_another_hash():
    about = metric("psnr").about
    assert replace(about, protocol={**about.protocol, "every": 1}).hash != about.hash


def test_an_unknown_metric_gets_a_suggestion():
    with pytest.raises(SettingsError, match="did you mean 'psnr'"):
        metric("psrn")
