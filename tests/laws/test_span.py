"""Laws of a stretch made anew: the rest of the video stays bit for bit, and the sound too."""

import av
import numpy as np
import pytest
from test_journal import Stop, one_thread, ready, stop_after, tiny_animator, write_speech  # noqa: F401

from longtake.errors import InputError, JournalMismatch
from longtake.journal.journal import Journal, journal_folder
from longtake.media.video import VideoWriter, frames_between, read_frames, video_facts
from longtake.span import FADE, find_span
from tiny import tiny_networks

OTHER = {"steps": 2, "seed": 3}
FIRST, STOP = 16, 48
"""0.7 s to 1.5 s touch the second and the third of four segments."""


@pytest.fixture(scope="module")
def networks():
    return tiny_networks()


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    return write_speech(tmp_path_factory.mktemp("speech") / "chirp.wav")


@pytest.fixture(scope="module")
def whole(tmp_path_factory, speech, networks):
    return tiny_animator(networks).animate(ready(speech), out=tmp_path_factory.mktemp("whole") / "talk.mp4")


@pytest.fixture
def video(whole, tmp_path):
    """A copy that may be changed."""
    copy = tmp_path / "talk.mp4"
    copy.write_bytes(whole.read_bytes())
    return copy


def again(networks, speech, video, **options):
    span = find_span(video, 0.7, 1.5)
    return tiny_animator(networks, sampling=OTHER).animate_again(ready(speech), None, span, **options)


def all_frames(path):
    return np.stack(list(read_frames(path)))


def packets(path, kind):
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux() if packet.stream.type == kind and packet.dts is not None]


def test_a_span_is_whole_segments(video):
    span = find_span(video, 0.7, 1.5)
    assert (span.first, span.stop) == (FIRST, STOP)
    assert find_span(video, 0.0, 9.0).stop == video_facts(video).frames


def test_only_the_stretch_changes_and_the_sound_is_copied(networks, speech, whole, video):
    again(networks, speech, video)
    before, after = all_frames(whole), all_frames(video)
    assert before.shape == after.shape
    assert np.array_equal(before[:FIRST], after[:FIRST]) and np.array_equal(before[STOP:], after[STOP:])
    changed = np.abs(before[FIRST:STOP].astype(int) - after[FIRST:STOP]).mean((1, 2, 3))
    assert (changed[:-FADE] > 1).all()
    assert packets(video, "audio") == packets(whole, "audio")
    assert [path.name for path in video.parent.iterdir()] == ["talk.mp4"]


def test_the_end_of_the_stretch_fades_into_the_old_video(networks, speech, whole, video):
    again(networks, speech, video)
    before, after = (all_frames(path)[STOP - FADE - 1 : STOP].astype(int) for path in (whole, video))
    distance = np.abs(before - after).mean((1, 2, 3))
    assert distance[-1] < 0.4 * distance[0] and distance[-1] < 0.6 * distance[-FADE // 2]


def test_the_video_says_what_was_made_anew(networks, speech, video):
    again(networks, speech, video)
    made_by = video_facts(video).made_by
    assert made_by is not None and made_by["seed"] == 0
    assert [(part["frames"], part["seed"]) for part in made_by["again"]] == [([FIRST, STOP], 3)]


def test_a_stretch_that_was_stopped_is_gone_on_with(networks, speech, video, tmp_path):
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(video.read_bytes())
    again(networks, speech, copy)
    with pytest.raises(Stop):
        again(networks, speech, video, progress=stop_after(32))
    assert journal_folder(video).exists()
    again(networks, speech, video)
    assert video.read_bytes() == copy.read_bytes()


def test_a_stretch_that_was_killed_when_it_was_in_place_already_only_tidies_up(networks, speech, video, monkeypatch):
    def stops(self, *_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Journal, "finish", stops)
    with pytest.raises(KeyboardInterrupt):
        again(networks, speech, video)
    monkeypatch.undo()
    before = video.read_bytes()
    again(networks, speech, video)
    assert video.read_bytes() == before and not journal_folder(video).exists()


def test_other_inputs_are_refused(networks, speech, video, tmp_path):
    with pytest.raises(JournalMismatch, match="the speech is another sound"):
        again(networks, write_speech(tmp_path / "other.wav", begin=100), video)


def test_a_stretch_outside_the_video_or_in_another_kind_of_video_is_refused(video, tmp_path):
    for start_s, stop_s in ((2.0, 1.0), (5.0, 6.0)):
        with pytest.raises(InputError, match="nothing from"):
            find_span(video, start_s, stop_s)
    with VideoWriter(tmp_path / "plain.mp4") as writer:
        writer.write(np.zeros((40, 32, 32, 3), np.uint8))
    with pytest.raises(InputError, match="does not say"):
        find_span(tmp_path / "plain.mp4", 0.0, 1.0)


def test_a_video_whose_segments_overlap_is_refused(networks, speech, tmp_path):
    out = tiny_animator(networks, sampling={"steps": 2, "strategy": "parallel"}).animate(
        ready(speech), out=tmp_path / "a.mp4"
    )
    with pytest.raises(InputError, match="overlap"):
        find_span(out, 0.7, 1.5)


def test_frames_far_inside_are_those_counted_from_the_beginning(video):
    counted = all_frames(video)
    for first, stop in ((0, 3), (15, 18), (40, 62)):
        assert np.array_equal(np.stack(list(frames_between(video, first, stop))), counted[first:stop])
