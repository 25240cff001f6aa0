"""Laws of durable runs: whatever stops a run, the same call goes on and ends with the same video."""

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
import wave
from pathlib import Path

import numpy as np
import pytest
import torch

from longtake import animator as flow
from longtake.animator import Animator
from longtake.clips import Tail
from longtake.errors import JournalBusy, JournalDamaged, JournalMismatch, OutputError
from longtake.inputs import Prepared
from longtake.journal.journal import Journal, journal_folder
from longtake.journal.records import RECORDS, read_records
from longtake.journal.tails import load_tail, save_tail
from longtake.media.sound import open_speech
from longtake.media.video import VideoWriter, read_frames, video_facts
from tiny import SETTINGS, Chirp, tiny_networks, tiny_portrait

SECONDS = 2.5  # four segments
HERE = Path(__file__)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """As in the child processes: other threads add in another order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    return write_speech(tmp_path_factory.mktemp("speech") / "chirp.wav")


@pytest.fixture(scope="module")
def networks():
    return tiny_networks()


@pytest.fixture(scope="module")
def whole(tmp_path_factory, speech, networks):
    """The video of a run that never stopped."""
    return tiny_animator(networks).animate(ready(speech), out=tmp_path_factory.mktemp("whole") / "talk.mp4")


@pytest.fixture
def animator(networks):
    return tiny_animator(networks)


def write_speech(path, begin=0):
    samples = Chirp().window(begin, begin + round(SECONDS * 16000))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def tiny_animator(networks, **changes):
    """An animator whose networks are tiny; everything else is as ever."""
    animator = object.__new__(Animator)
    animator.preset = flow.preset("mini")
    animator.settings = SETTINGS.overlay({"video": {"preset": "ultrafast"}, **changes})
    animator.networks, animator.others = networks, []
    return animator


def ready(speech):
    return Prepared(tiny_portrait(), open_speech(speech))


class Stop(Exception):
    pass


def stop_after(frames):
    """A progress that ends the run once so many frames are recorded."""

    def progress(now):
        if now.frames >= frames:
            raise Stop

    return progress


def stop_at(animator, speech, out, frames):
    with pytest.raises(Stop):
        animator.animate(ready(speech), out=out, progress=stop_after(frames))


def test_a_run_stopped_after_each_segment_makes_the_same_file(animator, whole, speech, tmp_path):
    out = tmp_path / "talk.mp4"
    for frames in (16, 32, 48):
        stop_at(animator, speech, out, frames)
        assert video_facts(journal_folder(out) / "video.mp4").frames == frames and not out.exists()
    animator.animate(ready(speech), out=out)
    assert out.read_bytes() == whole.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["talk.mp4"]


def test_what_was_made_is_not_made_again(animator, speech, tmp_path):
    stop_at(animator, speech, tmp_path / "talk.mp4", 32)
    told = []
    animator.animate(ready(speech), out=tmp_path / "talk.mp4", progress=lambda now: told.append(now.frames))
    assert told == [48, 62]


@pytest.mark.parametrize("place", ["write", "add", "finish"])
def test_a_run_stopped_anywhere_makes_the_same_file(animator, whole, speech, tmp_path, monkeypatch, place):
    """Before and after the piece is written, and with the finished file half done."""
    owner = Journal if place == "add" else VideoWriter
    method = {"write": "write", "add": "add", "finish": "_write_whole"}[place]
    calls, right = [], getattr(owner, method)

    def stops(self, *arguments):
        calls.append(place)
        if len(calls) == (1 if place == "finish" else 3):
            if place == "finish":
                arguments[0].write_bytes(b"half a file")
            raise KeyboardInterrupt
        return right(self, *arguments)

    monkeypatch.setattr(owner, method, stops)
    with pytest.raises(KeyboardInterrupt):
        animator.animate(ready(speech), out=tmp_path / "talk.mp4")
    monkeypatch.undo()
    animator.animate(ready(speech), out=tmp_path / "talk.mp4")
    assert (tmp_path / "talk.mp4").read_bytes() == whole.read_bytes()


def test_a_run_stopped_when_the_video_was_in_place_already_only_tidies_up(
    animator, whole, speech, tmp_path, monkeypatch
):
    def stops(self, keep):
        raise KeyboardInterrupt

    monkeypatch.setattr(Journal, "finish", stops)
    with pytest.raises(KeyboardInterrupt):
        animator.animate(ready(speech), out=tmp_path / "talk.mp4")
    monkeypatch.undo()
    assert journal_folder(tmp_path / "talk.mp4").exists()
    animator.animate(ready(speech), out=tmp_path / "talk.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["talk.mp4"]
    assert (tmp_path / "talk.mp4").read_bytes() == whole.read_bytes()


def in_child(speech, out):
    """The same run in a process of its own, which says when a segment is recorded."""
    code = f"""
    import sys
    sys.path[:0] = [{str(HERE.parent)!r}, {str(HERE.parents[1])!r}]
    from test_journal import *
    animator = tiny_animator(tiny_networks())
    told = lambda now: print(now.frames, flush=True)
    animator.animate(ready({str(speech)!r}), out={str(out)!r}, progress=told)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def test_a_run_that_was_killed_makes_the_same_file(animator, whole, speech, tmp_path):
    """Really killed, twice, in processes of their own."""
    out = tmp_path / "talk.mp4"
    for frames in ("16", "48"):
        child = in_child(speech, out)
        assert child.stdout is not None
        while child.stdout.readline().strip() != frames:
            assert child.poll() is None
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    animator.animate(ready(speech), out=out)
    assert out.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("sampling", [{"generator": "running"}, {"strategy": "parallel"}])
def test_other_ways_of_sampling_go_on_where_they_were(networks, speech, tmp_path, sampling):
    running = tiny_animator(networks, sampling={"steps": 2, **sampling})
    running.animate(ready(speech), out=tmp_path / "whole.mp4")
    stop_at(running, speech, tmp_path / "talk.mp4", 20)
    running.animate(ready(speech), out=tmp_path / "talk.mp4")
    assert (tmp_path / "talk.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


def test_another_run_is_not_gone_on_with_and_the_change_is_named(networks, animator, speech, tmp_path):
    out = tmp_path / "talk.mp4"
    stop_at(animator, speech, out, 16)
    with pytest.raises(JournalMismatch, match=r"sampling\.seed was 0 and is 3"):
        tiny_animator(networks, sampling={"steps": 2, "seed": 3}).animate(ready(speech), out=out)
    with pytest.raises(JournalMismatch, match="the speech is another sound"):
        animator.animate(ready(write_speech(tmp_path / "other.wav", begin=100)), out=out)
    assert len(read_records(journal_folder(out))) == 1
    tiny_animator(networks, sampling={"steps": 2, "seed": 3}).animate(ready(speech), out=out, restart=True)
    assert out.exists()


def test_whoever_is_told_of_a_change_can_begin_anew_at_once(networks, animator, speech, tmp_path):
    out = tmp_path / "talk.mp4"
    stop_at(animator, speech, out, 16)
    other = tiny_animator(networks, sampling={"steps": 2, "seed": 3})
    try:
        other.animate(ready(speech), out=out)
    except JournalMismatch:
        other.animate(ready(speech), out=out, restart=True)
    assert out.exists()


def test_a_run_that_was_killed_before_its_first_segment_holds_nobody_up(networks, animator, speech, tmp_path):
    out = tmp_path / "talk.mp4"
    stop_at(animator, speech, out, 16)
    (journal_folder(out) / RECORDS).unlink()
    tiny_animator(networks, sampling={"steps": 2, "seed": 3}).animate(ready(speech), out=out)
    assert out.exists()


def test_a_journal_of_another_version_is_refused(animator, speech, tmp_path):
    out = tmp_path / "talk.mp4"
    stop_at(animator, speech, out, 16)
    plan = journal_folder(out) / "run.json"
    plan.write_text(json.dumps(json.loads(plan.read_text()) | {"format": 0}))
    with pytest.raises(JournalMismatch, match="another version"):
        animator.animate(ready(speech), out=out)


def cut_last_line(folder):
    records = folder / RECORDS
    records.write_bytes(records.read_bytes()[:-20])


def spoil_last_tail(folder):
    number = read_records(folder)[-1].segment % 2
    (folder / f"tail-{number}.npz").write_bytes(b"torn")


def cut_video(folder):
    video = folder / "video.mp4"
    video.write_bytes(video.read_bytes()[:-500])


@pytest.mark.parametrize("damage", [cut_last_line, spoil_last_tail, cut_video])
def test_a_torn_end_costs_one_segment(animator, whole, speech, tmp_path, damage):
    out = tmp_path / "talk.mp4"
    stop_at(animator, speech, out, 48)
    damage(journal_folder(out))
    told = []
    animator.animate(ready(speech), out=out, progress=lambda now: told.append(now.frames))
    assert told[0] == 48 and out.read_bytes() == whole.read_bytes()


def spoil_early_line(folder):
    lines = (folder / RECORDS).read_bytes().splitlines(keepends=True)
    (folder / RECORDS).write_bytes(b"".join([lines[0].replace(b"16", b"61"), *lines[1:]]))


def spoil_both_tails(folder):
    for number in (0, 1):
        (folder / f"tail-{number}.npz").unlink()


def edit_video(folder):
    video = bytearray((folder / "video.mp4").read_bytes())
    video[2000] ^= 255
    (folder / "video.mp4").write_bytes(video)


def remove_video(folder):
    (folder / "video.mp4").unlink()


def spoil_plan(folder):
    (folder / "run.json").write_text("{")


@pytest.mark.parametrize("damage", [spoil_early_line, spoil_both_tails, edit_video, remove_video, spoil_plan])
def test_more_damage_is_told_and_nothing_is_removed(animator, speech, tmp_path, damage):
    out = tmp_path / "talk.mp4"
    stop_at(animator, speech, out, 48)
    damage(journal_folder(out))
    before = {path.name: path.read_bytes() for path in journal_folder(out).iterdir() if path.name != "pid"}
    with pytest.raises(JournalDamaged, match="--restart"):
        animator.animate(ready(speech), out=out)
    after = {path.name: path.read_bytes() for path in journal_folder(out).iterdir() if path.name != "pid"}
    assert before == after


def test_two_runs_on_one_output_are_refused_with_the_process(animator, speech, tmp_path):
    out = tmp_path / "talk.mp4"
    with Journal(out, animator.plan(ready(speech))), pytest.raises(JournalBusy, match=str(os.getpid())):
        animator.animate(ready(speech), out=out)
    assert list(tmp_path.iterdir()) == []


def test_kept_records_say_what_was_done_and_hold_no_video(animator, speech, tmp_path):
    out = tmp_path / "talk.mp4"
    animator.animate(ready(speech), out=out, keep_journal=True)
    folder = journal_folder(out)
    records = read_records(folder)
    assert [record.frames for record in records] == [16, 32, 48, 62]
    assert {path.name for path in folder.iterdir()} <= {"run.json", RECORDS, "lock", "pid"}
    with pytest.raises(OutputError):
        animator.animate(ready(speech), out=out)
    animator.animate(ready(speech), out=out, overwrite=True)  # a finished run is no unfinished one
    assert not folder.exists()


@pytest.mark.parametrize("kind", [np.float32, np.float16, "bfloat16"])
def test_a_tail_comes_back_bit_for_bit_and_takes_no_more_room_than_it_needs(tmp_path, kind):
    pictures = np.random.default_rng(0).uniform(-1, 1, (4, 3, 32, 32)).astype(np.float32)
    if kind == "bfloat16":
        pictures = (pictures.view(np.uint32) & 0xFFFF0000).view(np.float32)
    elif kind is np.float16:
        pictures = pictures.astype(np.float16).astype(np.float32)
    crc = save_tail(tmp_path, 5, Tail(pictures, 6, 96))
    back = load_tail(tmp_path, 5, crc)
    assert back is not None and (back.next_segment, back.next_frame, back.random) == (6, 96, None)
    assert back.pictures.dtype == np.float32 and np.array_equal(back.pictures, pictures)
    size = (tmp_path / "tail-1.npz").stat().st_size
    assert size < (1.2 if kind is np.float32 else 0.7) * pictures.nbytes
    assert load_tail(tmp_path, 4, crc) is None and load_tail(tmp_path, 5, crc + 1) is None


def test_a_run_that_fails_before_its_first_segment_leaves_nothing(animator, speech, tmp_path, monkeypatch):
    def fails(*arguments):
        raise RuntimeError

    monkeypatch.setattr(VideoWriter, "write", fails)
    with pytest.raises(RuntimeError):
        animator.animate(ready(speech), out=tmp_path / "talk.mp4")
    assert list(tmp_path.iterdir()) == []


def test_the_finished_video_has_every_frame_and_all_of_the_sound(whole):
    facts = video_facts(whole)
    assert facts.frames == round(SECONDS * 25) and facts.sound_s is not None
    assert abs(facts.sound_s - SECONDS) < 0.05
    assert sum(1 for _ in read_frames(whole)) == facts.frames


@pytest.mark.parametrize("writes", [8, 9, 10])
def test_a_full_disk_stops_the_run_cleanly_and_with_room_it_goes_on(
    animator, whole, speech, tmp_path, monkeypatch, writes
):
    """In the third segment: at its piece of the video, at its tail, at its line."""
    out, calls = tmp_path / "talk.mp4", []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) >= writes:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="the disk is full") as stopped:
        animator.animate(ready(speech), out=out)
    assert "run the same command again" in str(stopped.value) and not out.exists()
    monkeypatch.undo()
    animator.animate(ready(speech), out=out)
    assert out.read_bytes() == whole.read_bytes()
