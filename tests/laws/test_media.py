"""Laws of sound and video files."""

import os
import signal
import subprocess
import sys
import textwrap
import wave
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from longtake.clips import SAMPLE_RATE_HZ, frame_count
from longtake.errors import OutputError, SpeechUnreadable
from longtake.media.sound import open_speech, read_sound
from longtake.media.video import VideoWriter, part_path, read_frames, video_facts
from longtake.settings import VideoSettings


def write_wav(path: Path, samples: np.ndarray, rate_hz: int = SAMPLE_RATE_HZ) -> Path:
    """A 16-bit WAV of samples (-1..1), one row per channel."""
    samples = np.atleast_2d(samples)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(samples))
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((samples.T * 32767).astype("<i2").tobytes())
    return path


def noise(seconds: float, rate_hz: int = SAMPLE_RATE_HZ, seed: int = 0) -> np.ndarray:
    """Low-pass noise: has one place only where it fits itself."""
    white = np.random.default_rng(seed).standard_normal(round(seconds * rate_hz) + 7)
    return 0.2 * np.convolve(white, np.ones(8) / 8, "valid")


def encode(path: Path, codec: str, rate_hz: int, layout: str, samples: np.ndarray) -> Path:
    """The mono samples in every channel, in the container that the name asks for."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz, layout=layout)
        block = np.repeat(samples[None].astype(np.float32), stream.layout.nb_channels, 0)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout=layout)
        frame.sample_rate, frame.pts = rate_hz, 0
        size = stream.codec_context.frame_size or 1024
        resampler = av.AudioResampler(stream.format.name, layout, rate_hz, frame_size=size)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


def pictures(count: int, side: int = 64, first: int = 0) -> np.ndarray:
    """Frames whose grey tells their number."""
    greys = (np.arange(first, first + count) * 5 % 200 + 20).astype(np.uint8)
    return np.broadcast_to(greys[:, None, None, None], (count, side, side, 3))


def write_video(out: Path, speech_path: Path | None, fps: int = 25, **kwargs) -> Path:
    speech = open_speech(speech_path) if speech_path else None
    frames = speech.frames(fps) if speech else 20
    with VideoWriter(out, speech, VideoSettings(fps=fps, preset="ultrafast"), overwrite=True, **kwargs) as writer:
        for first in range(0, frames, 16):
            writer.write(pictures(min(16, frames - first), first=first))
    return out


FORMATS = [
    ("a.wav", "pcm_s16le", 8000, "mono"),
    ("a.wav", "pcm_s24le", 96000, "stereo"),
    ("a.wav", "pcm_f32le", 44100, "5.1"),
    ("a.wav", "pcm_u8", 11025, "mono"),
    ("a.mp3", "libmp3lame", 44100, "stereo"),
    ("a.m4a", "aac", 48000, "stereo"),
    ("a.flac", "flac", 48000, "mono"),
    ("a.ogg", "libopus", 48000, "stereo"),
    ("a.mp4", "aac", 22050, "mono"),
    ("a.mka", "ac3", 48000, "5.1"),
]


@pytest.mark.parametrize(("name", "codec", "rate_hz", "layout"), FORMATS)
def test_any_container_rate_and_layout_gives_the_same_tone_in_mono_at_16_khz(tmp_path, name, codec, rate_hz, layout):
    times = np.arange(round(1.5 * rate_hz)) / rate_hz
    path = encode(tmp_path / name, codec, rate_hz, layout, 0.3 * np.sin(2 * np.pi * 220 * times))
    speech = open_speech(path)
    heard = speech.read(0, speech.seconds)
    assert abs(speech.seconds - 1.5) < 0.05  # lossy codecs may add up to two of their own frames
    assert heard.dtype == np.float32 and len(heard) == round(speech.seconds * SAMPLE_RATE_HZ)
    spectrum = np.abs(np.fft.rfft(heard[4000:20000] * np.hanning(16000)))
    assert abs(int(spectrum.argmax()) - 220) <= 1
    assert [said for said in speech.warnings if "s, f and the like" not in said] == [], "a tone has no treble"


def test_reading_in_windows_equals_reading_whole(tmp_path):
    speech = open_speech(write_wav(tmp_path / "a.wav", noise(3.3, 44100), 44100))
    whole = speech.read(0, speech.seconds)
    edges = np.linspace(0, speech.seconds, 12)
    windows = [speech.read(a, b) for a, b in pairwise(edges)]
    assert np.array_equal(np.concatenate(windows), whole)
    overlapping = speech.read(1.0, 2.0)
    assert np.array_equal(overlapping, whole[16000:32000])


def test_outside_the_sound_is_silence(tmp_path):
    speech = open_speech(write_wav(tmp_path / "a.wav", 0.1 + noise(1.0)))
    window = speech.read(-0.5, 1.5)
    assert len(window) == 2 * SAMPLE_RATE_HZ
    assert not window[:8000].any() and not window[-8000:].any() and window[8000:24000].any()
    assert not speech.read(5.0, 6.0).any()


def test_reading_backwards_is_right_too(tmp_path, monkeypatch):
    monkeypatch.setattr("longtake.media.sound.HISTORY_S", 0.1)
    speech = open_speech(write_wav(tmp_path / "a.wav", noise(4.0)))
    early = speech.read(0.2, 0.4)
    speech.read(3.0, 3.5)
    assert np.array_equal(speech.read(0.2, 0.4), early)


def test_memory_is_flat_however_long_the_sound_is(tmp_path):
    import tracemalloc

    def peak(minutes: int) -> int:
        speech = open_speech(write_wav(tmp_path / "a.wav", np.tile(noise(10.0, 8000), 6 * minutes), 8000))
        assert speech.seconds == 60.0 * minutes
        tracemalloc.start()  # numpy reports its arrays to it
        for start_s in range(0, 60 * minutes, 5):
            speech.read(start_s - 1, start_s + 6)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    assert peak(5) <= 1.05 * peak(1)


def test_surround_keeps_a_voice_that_is_only_in_the_centre(tmp_path):
    voice = noise(0.5, 48000)
    channels = np.zeros((6, len(voice)))
    channels[2] = voice
    heard = read_sound(write_wav(tmp_path / "a.wav", channels, 48000))
    assert heard.std() > 0.5 * voice.std()


def write_float_wav(path: Path, samples: np.ndarray) -> Path:
    data = samples.astype("<f4").tobytes()
    head = b"RIFF" + (36 + len(data)).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    form = (
        np.array([3, 1], "<u2").tobytes()
        + np.array([16000, 64000], "<u4").tobytes()
        + np.array([4, 32], "<u2").tobytes()
    )
    path.write_bytes(head + form + b"data" + len(data).to_bytes(4, "little") + data)
    return path


def test_a_few_nan_samples_become_silence_with_a_warning_and_many_are_an_error(tmp_path):
    samples = noise(0.5)
    samples[100:110] = np.nan
    speech = open_speech(write_float_wav(tmp_path / "few.wav", samples))
    assert "10 samples" in speech.warnings[0]
    assert np.isfinite(speech.read(0, 0.5)).all()
    samples[: len(samples) // 2] = np.inf
    with pytest.raises(SpeechUnreadable, match="not numbers"):
        open_speech(write_float_wav(tmp_path / "many.wav", samples))


def test_silence_is_allowed_and_told(tmp_path):
    speech = open_speech(write_wav(tmp_path / "a.wav", np.zeros(8000)))
    assert "silent" in speech.warnings[0]


def test_float_samples_beyond_full_scale_are_cut_and_told(tmp_path):
    speech = open_speech(write_float_wav(tmp_path / "a.wav", noise(0.5) * 30000))
    assert "cut off" in speech.warnings[0]
    assert np.abs(speech.read(0, 0.5)).max() <= 1.0


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.wav", b""),
        ("text.mp3", b"no sound at all " * 50),
        ("noise.wav", bytes(range(256)) * 40),
        ("cut.wav", b"RIFF\x24\0\0\0WAVE"),
    ],
)
def test_a_file_without_usable_sound_is_an_error_that_names_it(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SpeechUnreadable, match=name):
        open_speech(path)


def test_missing_file_folder_zero_length_and_soundless_video_are_errors(tmp_path):
    silent_video = write_video(tmp_path / "v.mp4", None)
    zero = write_wav(tmp_path / "zero.wav", np.zeros(0))
    short = write_wav(tmp_path / "short.wav", noise(0.01))
    for path in (tmp_path / "nothing.wav", tmp_path, silent_video, zero, short):
        with pytest.raises(SpeechUnreadable):
            open_speech(path)


@pytest.mark.parametrize(("seconds", "fps"), [(0.1, 25), (0.99, 25), (2.013, 25), (1.5, 30), (1.26, 12)])
def test_a_video_has_round_seconds_times_fps_frames(tmp_path, seconds, fps):
    out = write_video(tmp_path / "a.mp4", write_wav(tmp_path / "a.wav", noise(seconds)), fps)
    expected = round(seconds * fps)
    assert frame_count(seconds, fps) == expected == video_facts(out).frames == sum(1 for _ in read_frames(out))
    with av.open(str(out)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert np.allclose(times, np.arange(expected) / fps, atol=1e-3)


@pytest.mark.parametrize("rate_hz", [8000, 44100, 96000])
def test_sound_and_picture_begin_together_and_end_within_one_frame(tmp_path, rate_hz):
    source = write_wav(tmp_path / "a.wav", noise(2.51, rate_hz), rate_hz)
    out = write_video(tmp_path / "a.mp4", source)
    facts = video_facts(out)
    assert facts.sound_s is not None and abs(facts.sound_s - facts.seconds) <= 1 / 25
    wanted, heard = read_sound(source), read_sound(out)
    assert abs(len(heard) / SAMPLE_RATE_HZ - facts.seconds) <= 1 / 25
    lags = range(-800, 801)
    fit = [np.dot(wanted[1000:30000], heard[1000 + lag : 30000 + lag]) for lag in lags]
    assert abs(lags[int(np.argmax(fit))]) <= 16  # one millisecond


def test_the_finished_file_is_h264_and_aac_with_its_index_first_and_colours_tagged(tmp_path):
    out = write_video(
        tmp_path / "a.mp4", write_wav(tmp_path / "a.wav", noise(1.2)), made_by={"preset": "mini", "seed": 7}
    )
    content = out.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat") and b"moof" not in content
    assert list(tmp_path.glob("*.part*")) == []
    with av.open(str(out)) as container:
        video, sound = container.streams.video[0].codec_context, container.streams.audio[0].codec_context
        assert (video.name, video.pix_fmt, sound.name) == ("h264", "yuv420p", "aac")
        assert (video.color_primaries, video.color_trc, video.colorspace, video.color_range) == (1, 1, 1, 1)
        assert container.metadata["comment"].startswith("generated by longtake")
    made_by = video_facts(out).made_by
    assert made_by is not None and (made_by["preset"], made_by["seed"]) == ("mini", 7) and made_by["version"]


def test_colours_come_back_as_they_were(tmp_path):
    colours = np.array([[200, 30, 30], [30, 180, 60], [40, 60, 220], [128, 128, 128]], np.uint8)
    frame = np.repeat(np.repeat(colours.reshape(2, 2, 3), 32, 0), 32, 1)
    with VideoWriter(tmp_path / "a.mp4", settings=VideoSettings(crf=8)) as writer:
        writer.write(np.stack([frame] * 5))
    back = list(read_frames(tmp_path / "a.mp4"))[2]
    assert np.abs(back[16::32, 16::32].reshape(4, 3).astype(int) - colours).max() <= 4


def in_child(code: str, *args: object) -> subprocess.Popen[str]:
    """A Python child at work with this file's functions."""
    lead = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from test_media import *\n"
    command = [sys.executable, "-c", lead + textwrap.dedent(code), *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_killed_writer_leaves_a_file_that_plays_with_sound(tmp_path):
    write_wav(tmp_path / "a.wav", noise(20.0))
    child = in_child(
        """
        writer = VideoWriter(sys.argv[1], open_speech(sys.argv[2]), VideoSettings(preset="ultrafast"))
        for first in range(0, 160, 16):
            writer.write(pictures(16, first=first))
        print("written", flush=True)
        signal.pause()
        """,
        tmp_path / "a.mp4",
        tmp_path / "a.wav",
    )
    assert child.stdout is not None and child.stdout.readline() == "written\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert not (tmp_path / "a.mp4").exists()
    left = part_path(tmp_path / "a.mp4")
    greys = [int(frame[32, 32, 0]) for frame in read_frames(left)]
    assert len(greys) >= 75 and np.abs(np.array(greys) - pictures(len(greys))[:, 0, 0, 0]).max() <= 4
    assert len(read_sound(left)) / SAMPLE_RATE_HZ > len(greys) / 25 - 0.5


def test_a_full_disk_is_an_error_that_keeps_what_was_written(tmp_path):
    """A limit on the size of files stands in for the full disk: the write fails half-way in the same place."""
    child = in_child(
        """
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
        rng = np.random.default_rng(0)
        try:
            with VideoWriter(sys.argv[1], settings=VideoSettings(preset="ultrafast")) as writer:
                for _ in range(40):
                    writer.write(rng.integers(0, 255, (16, 64, 64, 3), np.uint8))
        except OutputError as error:
            print(error)
        """,
        tmp_path / "a.mp4",
    )
    told, trouble = child.communicate(timeout=60)
    assert "can't be written" in told and "a.part.mp4" in told, trouble
    assert sum(1 for _ in read_frames(part_path(tmp_path / "a.mp4"))) >= 25


def test_an_error_while_writing_keeps_the_frames_so_far_and_nothing_under_the_final_name(tmp_path):
    speech = open_speech(write_wav(tmp_path / "a.wav", noise(2.0)))
    with pytest.raises(KeyboardInterrupt), VideoWriter(tmp_path / "a.mp4", speech) as writer:
        writer.write(pictures(10))
        raise KeyboardInterrupt
    assert writer.kept == part_path(tmp_path / "a.mp4") and not (tmp_path / "a.mp4").exists()
    assert sum(1 for _ in read_frames(writer.kept)) == 10
    assert abs(len(read_sound(writer.kept)) / SAMPLE_RATE_HZ - 0.4) < 0.05


def test_nothing_is_left_when_nothing_was_written(tmp_path):
    with pytest.raises(RuntimeError), VideoWriter(tmp_path / "a.mp4"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_what_an_older_run_left_is_kept_until_there_is_something_new(tmp_path):
    part_path(tmp_path / "a.mp4").write_bytes(b"older")
    with pytest.raises(RuntimeError), VideoWriter(tmp_path / "a.mp4"):
        raise RuntimeError
    assert part_path(tmp_path / "a.mp4").read_bytes() == b"older"


def test_an_output_that_can_not_be_written_is_refused_before_the_work(tmp_path):
    (tmp_path / "there.mp4").write_bytes(b"mine")
    (tmp_path / "folder.mp4").mkdir()
    for name in ("missing/a.mp4", "a.txt", "there.mp4", "folder.mp4"):
        with pytest.raises(OutputError):
            VideoWriter(tmp_path / name)
    assert (tmp_path / "there.mp4").read_bytes() == b"mine"
    assert VideoWriter(tmp_path / "there.mp4", overwrite=True).out.name == "there.mp4"


@pytest.mark.parametrize(("height", "width"), [(2, 64), (130, 4096)])
def test_any_even_size_up_to_4096_is_written(tmp_path, height, width):
    with VideoWriter(tmp_path / "a.mp4", settings=VideoSettings(preset="ultrafast")) as writer:
        writer.write(np.zeros((2, height, width, 3), np.uint8))
    facts = video_facts(tmp_path / "a.mp4")
    assert (facts.width, facts.height, facts.frames) == (width, height, 2)
