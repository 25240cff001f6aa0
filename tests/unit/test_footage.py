"""Any video in, another out: times, sounds and what is wrong with a file."""

import errno
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from films import film, packets

from longtake.errors import InputError, OutputError
from longtake.media.codecs import choose
from longtake.media.footage import Footage
from longtake.media.hdr import HLG, PQ, _light, as_sdr
from longtake.media.recode import Recoder, check_file
from longtake.settings import OutputSettings

EVEN = [k / 25 for k in range(12)]
OPEN = Path("/proc/self/fd")
UNEVEN = [0.0, 0.033, 0.2, 0.21, 0.5, 0.9, 1.0]


def times(path):
    with av.open(str(path)) as container:
        return [float(frame.time) for frame in container.decode(video=0)]


def recoded(source, out, span_s=(0.0, float("inf")), **settings):
    footage = Footage(source)
    encoding = choose(OutputSettings(**settings), out.suffix, footage.width, footage.height)
    with Recoder(out, footage, (footage.height, footage.width), encoding, span_s) as recoder:
        for shot in footage.shots(*span_s):
            recoder.write(shot.time_s, shot.picture)
    return recoder


@pytest.mark.parametrize("shown", [EVEN, UNEVEN, [0.0]])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_every_frame_is_shown_when_it_was(tmp_path, shown, suffix):
    source = film(tmp_path / "in.mp4", shown)
    recoded(source, tmp_path / f"out{suffix}")
    assert times(tmp_path / f"out{suffix}") == pytest.approx(shown, abs=1.5e-3)
    assert not list(tmp_path.glob("*.part*"))


def test_all_sounds_are_copied_bit_for_bit(tmp_path):
    source = film(tmp_path / "in.mkv", EVEN, sounds=5)
    recoded(source, tmp_path / "out.mp4")
    given, found = packets(source), packets(tmp_path / "out.mp4")
    assert len(found) == 5 and found == given
    assert found[0] != found[1]


def test_a_stretch_begins_at_zero_with_its_own_sound(tmp_path):
    shown = [k / 25 for k in range(100)]
    source = film(tmp_path / "in.mp4", shown, sounds=1)
    recoded(source, tmp_path / "out.mp4", (1.0, 3.0))
    assert times(tmp_path / "out.mp4") == pytest.approx([k / 25 for k in range(50)], abs=1.5e-3)
    given, found = packets(source)[0], packets(tmp_path / "out.mp4")[0]
    first = given.index(found[0])
    assert found == given[first : first + len(found)]
    assert len(found) == pytest.approx(2 * 48000 / 1024, abs=2)


def test_sound_that_a_file_can_not_take_becomes_aac_and_is_told(tmp_path):
    source = film(tmp_path / "in.mkv", EVEN, sounds=1, sound="pcm_s16le")
    recoder = recoded(source, tmp_path / "out.mp4")
    assert any("pcm_s16le" in text for text in recoder.remarks)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
        heard = sum(frame.samples for frame in container.decode(audio=0))
    assert 48000 * 12 / 25 <= heard <= 48000 * 12 / 25 + 3000, (
        "to the last sample; whole packets and the encoder's lead more"
    )


def test_a_turned_picture_comes_upright(tmp_path):
    footage = Footage(film(tmp_path / "in.mp4", EVEN, turned=90))
    shot = next(footage.shots())
    assert (footage.height, footage.width) == (64, 48) == shot.picture.shape[:2]
    upper, lower = shot.picture[:30].mean(), shot.picture[34:].mean()
    assert abs(upper - lower) > 3, "left and right have become above and below"


def test_damage_in_the_middle_is_told_with_its_time_and_the_rest_is_kept(tmp_path):
    source = film(tmp_path / "in.mkv", [k / 25 for k in range(60)], codec="libx264", gop=10)
    whole = source.read_bytes()
    with av.open(str(source)) as container:
        places = [(float(p.pts * p.time_base), p.pos, p.size) for p in container.demux(video=0) if p.size]
    hurt = bytearray(whole)
    time_s, place, size = places[30]
    for k in range(place + 8, min(place + 8 + max(size - 8, 4), len(whole))):
        hurt[k] = 0xFF
    source.write_bytes(hurt)
    footage = Footage(source)
    shots = list(footage.shots())
    assert 45 <= len(shots) < 60
    assert float(shots[-1].time_s) == pytest.approx(59 / 25, abs=1e-3)
    assert footage.troubles and "at 0:01." in footage.troubles[0]
    assert time_s == pytest.approx(1.2)


def test_a_file_that_was_cut_off_gives_what_is_there_and_says_where_it_ends(tmp_path):
    source = film(tmp_path / "in.mkv", [k / 25 for k in range(60)], codec="libx264", gop=10)
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    footage = Footage(source)
    shots = list(footage.shots())
    assert 5 < len(shots) < 50
    assert (
        len(footage.troubles) == 1
        and "cut off" in footage.troubles[0]
        and "the file says at 0:02" in footage.troubles[0]
    )


def test_frames_that_are_missing_without_a_word_of_the_decoder_are_told_with_their_time(tmp_path):
    shown = [k / 25 for k in range(60) if not 20 <= k < 30]
    footage = Footage(film(tmp_path / "in.mp4", shown))
    assert len(list(footage.shots())) == 50
    assert len(footage.troubles) == 1 and "no picture from 0:00" in footage.troubles[0]
    assert "to 0:01" in footage.troubles[0]


def test_a_varying_rate_is_no_trouble(tmp_path):
    footage = Footage(film(tmp_path / "in.mp4", UNEVEN))
    list(footage.shots())
    assert not footage.troubles


def test_interlaced_frames_become_whole_ones_and_stay_as_many(tmp_path):
    more = {"x264-params": "interlaced=1"}
    footage = Footage(film(tmp_path / "in.mp4", EVEN, codec="libx264", more=more))
    assert "interlaced" in footage.remarks[0]
    shots = list(footage.shots())
    assert [float(shot.time_s) for shot in shots] == pytest.approx(EVEN, abs=1e-3)
    assert shots[0].picture.shape == (48, 64, 3)


def test_bright_light_is_pressed_together_and_paper_stays_bright():
    levels = np.full((4, 6), 64 + 876 * 0.58, np.uint16)  # paper white in 10-bit PQ, limited range
    levels[:, 3:] = 64 + 876 * 0.75  # 1000 nits
    frame = av.VideoFrame(6, 4, "yuv420p10le")
    for plane, values in zip(
        frame.planes, (levels, np.full((2, 3), 512, np.uint16), np.full((2, 3), 512, np.uint16)), strict=True
    ):
        rows = np.zeros((values.shape[0], plane.line_size // 2), np.uint16)
        rows[:, : values.shape[1]] = values
        plane.update(rows.tobytes())
    frame.color_trc, frame.colorspace, frame.color_range = PQ, 9, 1
    shown = as_sdr(frame)
    paper, bright = int(shown[2, 0].mean()), int(shown[2, 5].mean())
    assert 170 <= paper <= 230 and paper + 20 < bright <= 255
    assert np.ptp(shown[2, 0]) <= 2, "grey stays grey"


def test_what_is_no_video_is_an_instruction(tmp_path):
    (tmp_path / "text.mp4").write_text("nothing")
    with pytest.raises(InputError, match="can't be read"):
        Footage(tmp_path / "text.mp4")


def test_a_file_never_overwrites_what_it_is_made_from(tmp_path):
    source = film(tmp_path / "in.mp4", EVEN)
    with pytest.raises(OutputError, match="that is read"):
        check_file(source, source, overwrite=True)
    with pytest.raises(OutputError, match="exists already"):
        check_file(source, tmp_path / "other.mp4", overwrite=False)
    with pytest.raises(OutputError, match="no name for a video"):
        check_file(tmp_path / "out.gif", source, overwrite=False)


def test_an_error_leaves_what_was_made_and_nothing_where_nothing_was(tmp_path):
    source = film(tmp_path / "in.mp4", EVEN)
    footage = Footage(source)
    encoding = choose(OutputSettings(), ".mp4", footage.width, footage.height)
    for written in (0, 6):
        with pytest.raises(RuntimeError), Recoder(tmp_path / "o.mp4", footage, (48, 64), encoding) as recoder:
            for shot in list(footage.shots())[:written]:
                recoder.write(shot.time_s, shot.picture)
            raise RuntimeError
        assert recoder.part.exists() == (written > 0) and not (tmp_path / "o.mp4").exists()
    assert len(times(recoder.part)) == 6


@pytest.mark.skipif(not OPEN.exists(), reason="only Linux tells which files are open")
@pytest.mark.parametrize("ends", ["well", "by an error", "on a full disk"])
def test_however_it_ends_no_file_stays_open(tmp_path, monkeypatch, ends):
    footage = Footage(film(tmp_path / "in.mp4", EVEN, sounds=1))
    first = next(footage.shots()).picture
    encoding = choose(OutputSettings(), ".mp4", footage.width, footage.height)
    refused = {"well": nullcontext(), "by an error": pytest.raises(RuntimeError)}
    with (
        refused.get(ends, pytest.raises(OutputError, match="disk is full")),
        Recoder(tmp_path / "o.mp4", footage, (48, 64), encoding) as recoder,
    ):
        recoder.write(Fraction(0), first)
        assert open_in(tmp_path) == {"in.mp4", "o.part.mp4"}
        if ends == "by an error":
            raise RuntimeError
        if ends == "on a full disk":
            monkeypatch.setattr(recoder._sounds, "end", full_disk)
    assert not open_in(tmp_path)
    assert len(times(tmp_path / ("o.mp4" if ends == "well" else "o.part.mp4"))) == 1


def open_in(folder):
    return {link.readlink().name for link in OPEN.iterdir() if link.exists() and folder in link.resolve().parents}


def full_disk():
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("width", "height", "codec"),
    [(1920, 1080, "h264"), (4096, 2304, "h264"), (4096, 4096, "hevc"), (12000, 6000, "av1")],
)
def test_the_codec_follows_the_size_and_says_so(width, height, codec):
    encoding = choose(OutputSettings(), ".mp4", width, height)
    assert encoding.codec == codec
    assert bool(encoding.remarks) == (codec != "h264")


def test_what_does_not_go_together_is_refused():
    with pytest.raises(OutputError, match="prores does not go"):
        choose(OutputSettings(codec="prores"), ".mp4", 640, 480)
    with pytest.raises(OutputError, match="largest level"):
        choose(OutputSettings(codec="hevc"), ".mp4", 12000, 6000)
    assert choose(OutputSettings(codec="prores"), ".mov", 640, 480).pixels == "yuv422p10le"
    assert choose(OutputSettings(codec="hevc", bits=10), ".mp4", 640, 480).pixels == "yuv420p10le"


def test_better_quality_is_larger(tmp_path):
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)
    footage = Footage(film(tmp_path / "in.mp4", [0.0], size=(64, 64)))
    sizes = []
    for quality in (20, 60, 100):
        encoding = choose(OutputSettings(quality=quality), ".mp4", 64, 64)
        with Recoder(tmp_path / f"{quality}.mp4", footage, (64, 64), encoding) as recoder:
            recoder.write(Fraction(0), picture)
        sizes.append((tmp_path / f"{quality}.mp4").stat().st_size)
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1]


@pytest.mark.parametrize(("transfer", "paper_white"), [(PQ, 0.58), (HLG, 0.75)])
def test_paper_white_of_a_high_dynamic_range_is_about_one(transfer, paper_white):
    light = _light(transfer)
    assert light[round(paper_white * 65535)] == pytest.approx(1.0, rel=0.05)
    assert np.all(np.diff(light) >= 0) and light[0] == pytest.approx(0, abs=1e-6)
