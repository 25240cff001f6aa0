"""Laws of large videos: shown alike whenever they were stopped, the picture round the square untouched, nothing collected."""

from dataclasses import replace

import av
import numpy as np
import pytest
from PIL import Image
from test_journal import SECONDS, Stop, one_thread, stop_after, tiny_animator, write_speech  # noqa: F401

from longtake import inputs
from longtake.canvas import Canvas, canvas_size
from longtake.clips import Segment, Tail
from longtake.enlarging import Enlarging
from longtake.errors import InputError, JournalMismatch
from longtake.inputs import Prepared
from longtake.journal.tails import load_tail, save_tail
from longtake.media.sound import open_speech
from longtake.media.video import VideoWriter, read_frames, video_facts
from longtake.presets import preset
from longtake.settings import EnhanceSettings, Settings, VideoSettings
from longtake.span import find_span
from tiny import SIDE, tiny_networks, tiny_portrait

FULL = {"framing": "full", "preset": "ultrafast", "crf": 0}
SQUARE = (50.0, 40.0, 24.0)  # of a picture of 90 x 121: columns 26 to 74, rows 16 to 64


def portrait():
    found = tiny_portrait()
    face = np.stack([32 + 14 * np.cos(np.arange(468)), 32 + 18 * np.sin(np.arange(468)), np.zeros(468)], axis=1)
    return replace(found, square=SQUARE, landmarks=face.astype(np.float32))


def picture(height=91, width=121):
    ramp = np.linspace(20, 230, height * width * 3).reshape(height, width, 3)
    return ramp.astype(np.uint8)


def settings(**video):
    return Settings().overlay({"portrait": {"size_px": SIDE}, "video": video})


def noise(seed, count=1):
    return np.random.default_rng(seed).integers(0, 255, (count, SIDE, SIDE, 3), dtype=np.uint8)


# What is read


@pytest.mark.parametrize("framing", ["head", "full"])
def test_the_whole_picture_is_read_where_it_is_shown(tmp_path, monkeypatch, framing):
    monkeypatch.setattr(inputs, "prepare_portrait", lambda *_: portrait())
    Image.fromarray(picture()).save(tmp_path / "portrait.png")
    sound = write_speech(tmp_path / "chirp.wav")
    found = inputs.prepare(tmp_path / "portrait.png", sound, settings(framing=framing), preset("mini"))
    assert found.suggested is None
    assert np.array_equal(found.picture, picture()) if framing == "full" else found.picture is None


# The canvas


@pytest.mark.parametrize(
    ("wanted", "picture", "size"),
    [
        ({}, None, (SIDE, SIDE)),
        ({"size_px": 33}, None, (32, 32)),
        ({"size_px": 4096}, None, (4096, 4096)),
        ({}, (91, 121), (90, 120)),
        ({}, (6000, 8000), (3072, 4096)),
        ({"size_px": 4096}, (900, 720), (4096, 3276)),
        ({"size_px": 100}, (900, 720), (100, 80)),
        ({}, (7, 500), (6, 500)),
    ],
)
def test_sizes_are_even_within_the_limit_and_keep_the_aspect(wanted, picture, size):
    assert canvas_size(settings(**wanted), picture) == size


def test_without_a_size_nothing_changes_at_all():
    frame = noise(0)[0]
    canvas = Canvas(portrait(), None, settings())
    assert not canvas.changes and canvas.show(frame) is frame and canvas.seen(frame) is frame


@pytest.mark.parametrize("around", ["moving", "still"])
def test_outside_the_square_the_picture_is_untouched_and_inside_it_moves(around):
    canvas = Canvas(portrait(), picture(), settings(framing="full", around=around))
    shown = canvas.show(noise(0)[0])
    assert shown.shape == (90, 120, 3)
    changed = (shown != picture()[:90, :120]).any(2)
    assert changed[36:44, 46:54].mean() > 0.9, "the face"
    changed[16:64, 26:74] = False
    assert not changed.any()


def test_where_surroundings_are_still_only_the_face_moves():
    moving, still = (
        Canvas(portrait(), picture(), settings(framing="full", around=how)).show(noise(0)[0]).astype(int)
        for how in ("moving", "still")
    )
    corner = (slice(24, 28), slice(34, 38))
    assert np.abs(moving[corner] - picture()[corner]).max() > 20
    assert np.array_equal(still[corner], picture()[corner])


def test_the_square_fades_into_the_picture_without_an_edge():
    canvas = Canvas(portrait(), np.full((91, 121, 3), 100, np.uint8), settings(framing="full"))
    shown = canvas.show(np.full((SIDE, SIDE, 3), 200, np.uint8)).astype(int)
    assert shown.max() == 200
    steps = [np.abs(np.diff(shown[..., 0], axis=axis)).max() for axis in (0, 1)]
    assert max(steps) <= 30, "of 100 over the border's seven pixels"


def test_a_square_that_reaches_beyond_the_picture_does_not_fade_there():
    corner = replace(portrait(), square=(10.0, 10.0, 24.0))
    canvas = Canvas(corner, np.full((91, 121, 3), 100, np.uint8), settings(framing="full"))
    shown = canvas.show(np.full((SIDE, SIDE, 3), 200, np.uint8))
    assert (shown[:20, :20] == 200).all() and (shown[40:, 40:] == 100).all()


def test_what_was_shown_can_be_seen_again():
    smooth = np.repeat(np.repeat(noise(3)[0][:8, :8], 8, 0), 8, 1) // 2 + 60
    for video in ({"size_px": 200}, {"framing": "full", "size_px": 480}):
        whole = picture() if "framing" in video else None
        canvas = Canvas(portrait(), whole, settings(**video), shown=smooth)
        inner = slice(12, 52)
        away = canvas.seen(canvas.show(smooth)).astype(int) - smooth
        assert np.abs(away[inner, inner]).mean() < 4


def test_colours_of_the_square_come_into_line_with_the_picture():
    """A decoder that shows everything darker leaves no dark square in the picture."""
    whole = np.full((91, 121, 3), 120, np.uint8)
    cut = replace(portrait(), picture=np.full((SIDE, SIDE, 3), 120, np.uint8))
    dark = np.full((SIDE, SIDE, 3), 112, np.uint8)
    assert (Canvas(cut, whole, settings(framing="full"), shown=dark).show(dark) == 120).all()


# The way out


class Pairs:
    """A canvas that shows a frame beside its face, in two by two pixels."""

    def face_of(self, frame):
        return np.repeat(np.repeat(frame, 2, 0), 2, 1)

    def show(self, frame, face=None):
        return np.concatenate([frame, face[:2, :2]]) if face is not None else frame


def together(window):
    """Every frame of a window has something of the others."""
    return 0.7 * window + 0.3 * window.mean(0)


def shown(lengths, stops=(), folder=None, restore=together, window=6):
    """All pictures of segments of these lengths; at the places `stops` the run is taken up again from the disk."""
    frames = np.random.default_rng(0).integers(0, 255, (sum(lengths), 2, 2, 3), dtype=np.uint8)
    steps, place, tail, found = EnhanceSettings(window=window, overlap=2), 0, None, []
    enlarging = Enlarging(Pairs(), restore, steps)
    for number, length in enumerate(lengths):
        segment = Segment(number, place, frames[place : place + length])
        place += length
        sent = enlarging.take(segment, Tail(np.zeros((1, 3, 2, 2)), number + 1, place), place == len(frames))
        assert sent.first_frame == len(found)
        found += list(sent.pictures)
        assert sent.stop == len(found)
        tail = sent.tail
        if number in stops:
            tail = load_tail(folder, number, save_tail(folder, number, tail))
            enlarging = Enlarging(Pairs(), restore, steps, tail)
    return np.stack(found), frames


@pytest.mark.parametrize("restore", [None, together])
@pytest.mark.parametrize("window", [4, 6, 20])
def test_every_frame_goes_out_once_and_in_order_with_its_own_face(restore, window):
    found, frames = shown([16, 16, 5, 1, 16], restore=restore, window=window)
    assert np.array_equal(found[:, :2], frames)


@pytest.mark.parametrize("window", [4, 6, 16, 40])
def test_frames_go_out_in_whole_segments_so_that_each_begins_with_a_key_frame(window):
    frames, steps, gone = np.zeros((100, 2, 2, 3), np.uint8), EnhanceSettings(window=window, overlap=2), [0]
    enlarging, lengths = Enlarging(Pairs(), together, steps), []
    for number, place in enumerate(range(0, 100, 16)):
        segment = Segment(number, place, frames[place : place + 16])
        tail = Tail(np.zeros((1, 3, 2, 2)), number + 1, place + 16)
        sent = enlarging.take(segment, tail, place == 96)
        gone.append(sent.stop)
        lengths += sent.lengths
    assert lengths == [16] * 6 + [4]
    assert gone[-1] == 100 and all(stop % 16 == 0 for stop in gone[:-1])
    assert all(16 * (number + 1) - stop <= window + 15 for number, stop in enumerate(gone[1:-1]))


@pytest.mark.parametrize("stops", [(0,), (1,), (2, 3), (0, 1, 2, 3)])
@pytest.mark.parametrize("window", [4, 6, 20])
def test_a_run_taken_up_anywhere_shows_the_same(stops, window, tmp_path):
    whole, _ = shown([16, 16, 5, 1, 16], window=window)
    assert np.array_equal(whole, shown([16, 16, 5, 1, 16], stops, tmp_path, window=window)[0])


def test_large_pictures_are_made_one_by_one():
    made = []

    class Counting(Pairs):
        def show(self, frame, face=None):
            made.append(1)
            return super().show(frame, face)

    sent = Enlarging(Counting(), None, EnhanceSettings()).take(
        Segment(0, 0, np.zeros((16, 2, 2, 3), np.uint8)), Tail(np.zeros((1, 3, 2, 2)), 1, 16), False
    )
    assert not made
    for count, _ in enumerate(sent.pictures, 1):
        assert len(made) == count


# The whole flow


@pytest.fixture(scope="module")
def networks():
    return tiny_networks()


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    return write_speech(tmp_path_factory.mktemp("speech") / "chirp.wav")


def ready(speech, around=None):
    return Prepared(portrait(), open_speech(speech), picture=picture() if around is None else around)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, speech, networks):
    out = tmp_path_factory.mktemp("whole") / "talk.mp4"
    return tiny_animator(networks, video=FULL).animate(ready(speech), out=out)


def test_the_full_picture_speaks_at_its_own_size_and_stopped_it_goes_on_alike(networks, speech, whole, tmp_path):
    facts = video_facts(whole)
    assert (facts.width, facts.height, facts.frames) == (120, 90, round(25 * SECONDS))
    assert facts.made_by and facts.made_by["settings"]["video"]["framing"] == "full"
    animator, out = tiny_animator(networks, video=FULL), tmp_path / "talk.mp4"
    with pytest.raises(Stop):
        animator.animate(ready(speech), out=out, progress=stop_after(32))
    with pytest.raises(JournalMismatch, match="picture round the portrait is another"):
        animator.animate(ready(speech, picture()[::-1]), out=out)
    animator.animate(ready(speech), out=out)
    assert out.read_bytes() == whole.read_bytes()


def test_a_stretch_of_the_full_picture_is_made_anew_and_another_size_refused(networks, speech, whole, tmp_path):
    copy = tmp_path / "talk.mp4"
    copy.write_bytes(whole.read_bytes())
    span = find_span(copy, 0.7, 1.5)
    other = tiny_animator(networks, video=FULL, sampling={"steps": 2, "seed": 3})
    with pytest.raises(InputError, match="120 x 90 pixels; what is asked for has 240 x 180"):
        tiny_animator(networks, video={**FULL, "size_px": 240}).animate_again(ready(speech), None, span)
    other.animate_again(ready(speech), None, span)
    before, after = (np.stack(list(read_frames(path))).astype(int) for path in (whole, copy))
    assert np.array_equal(before[:16], after[:16]) and np.array_equal(before[48:], after[48:])
    assert (np.abs(before - after)[16:40, 30:50, 40:60].mean((1, 2, 3)) > 1).all()


def test_a_stream_gives_the_pictures_of_the_file_a_few_at_a_time(networks, speech, monkeypatch):
    monkeypatch.setattr("longtake.enlarging.PART_BYTES", 3 * 90 * 120 * 5)
    animator = tiny_animator(networks, video=FULL)
    chunks = []
    for chunk in animator.stream(ready(speech)):
        chunks.append(chunk)
        if chunk.first_frame > 10:
            break
    assert [(chunk.first_frame, chunk.frames.shape) for chunk in chunks[:3]] == [
        (first, (5, 90, 120, 3)) for first in (0, 5, 10)
    ]


@pytest.mark.parametrize(("codec", "bits", "named"), [("hevc", 8, "hevc"), ("hevc", 10, "hevc"), ("av1", 8, "av1")])
def test_other_codecs_make_a_file_piece_by_piece_too(tmp_path, codec, bits, named):
    shade = np.arange(6, dtype=np.uint8)[:, None, None, None] * 30 + 20
    frames = np.broadcast_to(shade, (6, 64, 96, 3))
    video = VideoSettings(codec=codec, bits=bits, preset="ultrafast", fps=25)
    with VideoWriter(tmp_path / "a.mp4", settings=video) as writer:
        for first in (0, 3):
            writer.write(iter(frames[first : first + 3]), 3)
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert named in stream.codec_context.name or "dav1d" in stream.codec_context.name
        greys = [float(frame.to_ndarray(format="gray").mean()) for frame in container.decode(stream)]
    assert len(greys) == 6 and np.allclose(np.diff(greys), 30, atol=3)
