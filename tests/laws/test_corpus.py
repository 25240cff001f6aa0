"""A corpus is whole, unchanged, and the same again from the same seed."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("scipy")
pytest.importorskip("numba")

from longtake.corpus import make as making
from longtake.corpus.check import check
from longtake.corpus.manifest import NAME, Clip, append, clip_paths, hash_of, read_manifest
from longtake.corpus.performance import perform
from longtake.corpus.render import write_labels
from longtake.corpus.write import write_sound, write_video
from longtake.errors import CorpusError

FRAMES, SIZE = 5, 32


def filmed(seed: int):
    """Five small frames of noise with landmarks."""
    rng = np.random.default_rng(seed)
    for _ in range(FRAMES):
        yield rng.integers(0, 255, (SIZE, SIZE, 3), np.uint8), rng.uniform(0, SIZE, (468, 2)).astype(np.float32)


def write_clip(folder, index: int, seed: int = 0, **changes) -> Clip:
    """A clip written by the corpus's own writers, without a puppet."""
    name = f"train-{seed}-{index:05d}"
    paths = clip_paths(folder, name)
    paths["mp4"].parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, index])
    landmarks = write_video(paths["mp4"], filmed(index), 25.0)
    write_sound(paths["wav"], rng.uniform(-0.1, 0.1, FRAMES * 640).astype(np.float32))
    pose = SimpleNamespace(angles=(1.0, 2.0, 3.0), blink=(0.0, 1.0), gaze=(0.0, 0.1), weights=np.zeros(57))
    take = SimpleNamespace(
        puppet=SimpleNamespace(rest=np.zeros(57)),
        poses=[pose] * FRAMES,
        visemes=np.zeros((FRAMES, 15)),
        performance=perform(rng, FRAMES, 25.0),
        excerpt=SimpleNamespace(phones=[("a", 0.0, 0.1)]),
    )
    write_labels(paths["npz"], take, landmarks)
    about = {"split": "train", "seed": seed, "index": index, "frames": FRAMES, "fps": 25.0, "size": SIZE}
    about |= {"voice": "one", "speech": "one/a.ogg", "speech_start_s": 0.0, "caption": "calm"}
    about |= {"sources": ("a", "b", "c"), "weights": (0.34, 0.28, 0.38), "distances": (0.7, 0.7, 0.7)}
    files = {str(path.relative_to(folder)): hash_of(path) for path in paths.values()}
    return Clip(id=name, files=files, **(about | changes))


@pytest.fixture
def corpus(tmp_path):
    for index in range(2):
        append(tmp_path, write_clip(tmp_path, index))
    return tmp_path


def test_a_whole_corpus_is_counted(corpus):
    report = check(corpus)
    assert (report.clips, report.frames, report.mixes, report.voices) == (2, 2 * FRAMES, 1, 1)
    assert report.seconds == pytest.approx(0.4)


@pytest.mark.parametrize("ending", ["mp4", "wav", "npz"])
def test_a_corpus_with_a_missing_file_is_refused_with_its_name(corpus, ending):
    name = f"clips/train-0-00001.{ending}"
    (corpus / name).unlink()
    with pytest.raises(CorpusError, match=rf"{name} is missing"):
        check(corpus)


def test_a_corpus_with_a_changed_file_is_refused_with_its_name(corpus):
    with open(corpus / "clips" / "train-0-00000.wav", "ab") as sound:
        sound.write(b"\0\0")
    with pytest.raises(CorpusError, match=r"clips/train-0-00000\.wav has changed"):
        check(corpus)


@pytest.mark.parametrize("changes", [{"weights": (0.5, 0.2, 0.3)}, {"distances": (0.7, 0.59, 0.7)}])
def test_a_face_too_close_to_a_person_is_refused(tmp_path, changes):
    append(tmp_path, write_clip(tmp_path, 0, **changes))
    with pytest.raises(CorpusError, match="too close to one of its sources"):
        check(tmp_path)


@pytest.mark.parametrize("changes", [{"frames": 4}, {"size": 64}])
def test_a_clip_unlike_its_line_is_refused(tmp_path, changes):
    append(tmp_path, write_clip(tmp_path, 0, **changes))
    with pytest.raises(CorpusError, match="train-0-00000"):
        check(tmp_path)


def test_a_clip_listed_twice_is_refused(corpus):
    append(corpus, read_manifest(corpus)[0])
    with pytest.raises(CorpusError, match="listed twice"):
        check(corpus)


def test_a_folder_without_a_manifest_says_how_to_make_one(tmp_path):
    with pytest.raises(CorpusError, match="longtake corpus make"):
        check(tmp_path)


def test_a_line_that_is_no_clip_is_named(corpus):
    with open(corpus / NAME, "a") as lines:
        lines.write(json.dumps({"id": "x"}) + "\n")
    with pytest.raises(CorpusError, match="Line 3"):
        check(corpus)


def test_same_frames_same_bytes(tmp_path):
    one, two = (write_clip(tmp_path / name, 0).files for name in ("one", "two"))
    assert one == two


def test_a_corpus_of_another_seed_is_not_added_to(corpus):
    with pytest.raises(CorpusError, match="holds another corpus"):
        making.make(corpus, corpus, 3, seed=1, frames=FRAMES, size=SIZE)


def test_clips_and_their_calm_twins_are_not_mixed(corpus):
    with pytest.raises(CorpusError, match="holds another corpus") as refused:
        making.make(corpus, corpus, 3, seed=0, frames=FRAMES, size=SIZE, calm=True)
    assert "calm twins" in str(refused.value)


def test_a_corpus_that_shows_something_more_often_is_another_one(corpus):
    with pytest.raises(CorpusError, match="holds another corpus") as refused:
        making.make(corpus, corpus, 3, seed=0, frames=FRAMES, size=SIZE, often={"laugh": 2, "smile": 3})
    assert "smile 3 times as often, laugh 2 times as often" in str(refused.value.expected)


def test_an_unknown_expression_is_named_with_those_there_are(tmp_path):
    with pytest.raises(CorpusError, match="No expression is called 'grin'") as refused:
        making.make(tmp_path, tmp_path / "new", 3, often={"smile": 3, "grin": 3})
    assert "brows_up" in str(refused.value) and not (tmp_path / "new").exists()


def test_a_stopped_corpus_goes_on_with_the_next_clip(corpus, monkeypatch):
    made = []

    def one(job):
        made.append(job[1])
        return write_clip(job[0], job[1])

    monkeypatch.setattr(making, "_open_studio", lambda order: None)
    monkeypatch.setattr(making, "_one", one)
    clips = making.make(corpus, corpus, 4, frames=FRAMES, size=SIZE)
    assert made == [2, 3] and [clip.index for clip in clips] == [0, 1, 2, 3]
    assert check(corpus).clips == 4


def test_a_split_or_source_nobody_knows_is_refused(tmp_path):
    with pytest.raises(CorpusError, match="no split 'tets'"):
        making.make(tmp_path, tmp_path / "out", 1, split="tets")
    with pytest.raises(CorpusError, match="no source 'gird'"):
        making.make(tmp_path, tmp_path / "out", 1, source="gird")
