"""Training windows: what is prepared is what is drawn."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from longtake.corpus.windows import INDEX, Encoders, Windows, leads, prepare
from longtake.errors import CorpusError
from longtake.face.measure import LEFT_CORNERS, LEFT_LIDS, RIGHT_CORNERS, RIGHT_LIDS

FRAMES = 40


@pytest.fixture
def folder(tmp_path):
    """Two clips whose latents are their frame numbers, the corrupted ones negative."""

    def encode(pictures):
        return np.broadcast_to(pictures[:, 0, 0, :1].astype(float)[..., None, None], (len(pictures), 2, 4, 4))

    encoders = Encoders(
        encode=encode,
        corrupt=lambda pictures, seed: -encode(pictures),
        listen=lambda sound, frames, fps: np.arange(frames)[:, None, None] + np.zeros((1, 2, 3)),
        identify=lambda picture, landmarks: np.full(5, float(landmarks[0, 0])),
        hashes={"autoencoder": "0"},
    )
    pictures = np.zeros((FRAMES, 8, 8, 3), np.uint8) + np.arange(FRAMES, dtype=np.uint8)[:, None, None, None]
    rows = [{"id": str(k), "split": "train" if k == 0 else "heldout", "seed": k, "fps": 25} for k in range(2)]
    clips = ((row, pictures, Path("x.wav"), np.full((FRAMES, 468, 2), k + 1.0)) for k, row in enumerate(rows))
    prepare(clips, 2 * FRAMES, tmp_path, encoders)
    return tmp_path


def numbers(latents):
    return latents[:, 0, 0, 0].tolist()


def test_a_segment_is_consecutive_and_its_motion_frames_are_the_corrupted_ones_before_it(folder):
    rng = np.random.default_rng(0)
    windows = Windows(folder)
    for _ in range(50):
        example = windows.segment(rng, 16, 4, start_rate=0.0)
        targets = numbers(example.target)
        assert targets == list(range(int(targets[0]), int(targets[0]) + 16))
        assert numbers(example.motion) == [-(targets[0] - k) for k in (4, 3, 2, 1)]


def test_a_video_that_starts_has_copies_of_its_portrait_as_motion_frames(folder):
    example = Windows(folder).segment(np.random.default_rng(0), 16, 4, start_rate=1.0)
    first = numbers(example.target)[0]
    assert numbers(example.motion) == [-first] * 4
    assert example.reference[0, 0, 0] == first


def test_beside_a_calm_twin_portrait_and_motion_frames_are_its_own_and_the_rest_the_clips(folder, tmp_path):
    calm = tmp_path / "calm"
    shutil.copytree(folder, calm, ignore=shutil.ignore_patterns("calm"))
    for name in ("latents", "dropped", "identity", "landmarks"):
        np.save(calm / f"{name}.npy", np.load(calm / f"{name}.npy") * 2)
    rng, windows = np.random.default_rng(0), Windows(folder, calm=[calm])
    assert len(windows.clips) == len(Windows(folder).clips)
    for start_rate in (0.0, 1.0):
        example = windows.segment(rng, 16, 4, start_rate, calm_rate=1.0)
        first = numbers(example.target)[0]
        assert numbers(example.motion) == [-2 * (first - k * (1 - start_rate)) for k in (4, 3, 2, 1)]
        assert example.reference[0, 0, 0] % 2 == 0 and (example.landmarks == 2).all() and (example.truth == 1).all()
    assert numbers(windows.segment(rng, 16, 4, 1.0, calm_rate=0.0).motion)[0] > -2 * FRAMES / 2


def test_a_corrupted_portrait_is_read_so_and_leaves_the_motion_frames_whole(folder):
    rng, windows = np.random.default_rng(0), Windows(folder)
    for start_rate in (0.0, 1.0):
        example = windows.segment(rng, 16, 4, start_rate, corrupted="reference")
        assert example.read[0, 0, 0] == -example.reference[0, 0, 0] < 0
        assert min(numbers(example.motion)) >= 0
    example = windows.segment(rng, 16, 4, 0.0)
    assert np.array_equal(example.read, example.reference)


def test_segments_with_a_blink_are_drawn_as_often_as_asked(folder):
    lids = [point for pair in RIGHT_LIDS + LEFT_LIDS for point in pair[:1]]
    landmarks = np.load(folder / "landmarks.npy", mmap_mode="r+")
    landmarks[:, [RIGHT_CORNERS[0], LEFT_CORNERS[0]]] += 30
    landmarks[:, lids] += 9
    landmarks[20:23, lids] -= 9
    landmarks.flush()
    rng, windows = np.random.default_rng(0), Windows(folder)
    with_blink = [set(numbers(windows.segment(rng, 8, 4, 0.0, 1.0).target)) for _ in range(20)]
    assert all({20, 21} <= frames for frames in with_blink)
    plain = [20 in numbers(windows.segment(rng, 8, 4, 0.0, 0.0).target) for _ in range(40)]
    assert 0 < sum(plain) < 40


def test_a_corpus_without_blinks_is_drawn_from_all_the_same(folder):
    assert len(numbers(Windows(folder).segment(np.random.default_rng(0), 16, 4, 0.0, 1.0).target)) == 16


def test_speech_is_a_window_around_each_frame_and_stays_inside_the_clip(folder):
    windows = Windows(folder, split="heldout")
    for seed in range(20):
        example = windows.single(np.random.default_rng(seed), 6)
        for frame, heard in zip(numbers(example.target), example.speech[..., 0, 0], strict=True):
            assert heard.tolist() == [min(max(frame + k, 0), FRAMES - 1) for k in range(-2, 3)]


def test_splits_do_not_mix(folder):
    assert Windows(folder, "train").single(np.random.default_rng(0), 2).identity[0] == 1
    assert Windows(folder, "heldout").single(np.random.default_rng(0), 2).identity[0] == 2


def test_the_same_generator_draws_the_same_example(folder):
    one, two = (Windows(folder).segment(np.random.default_rng(7), 16, 4, 0.2) for _ in range(2))
    assert np.array_equal(one.target, two.target)


def test_frames_that_lead_are_the_second_half_of_each_eight():
    assert leads(20).tolist() == [4, 5, 6, 7, 12, 13, 14, 15]


def test_folders_join_and_folders_of_other_encoders_are_refused(folder, tmp_path):
    both = Windows([folder, folder])
    assert len(both.clips) == 2
    other = tmp_path / "other"
    other.mkdir()
    (other / INDEX).write_text((folder / INDEX).read_text().replace('"0"', '"1"'))
    with pytest.raises(CorpusError, match="different encoders"):
        Windows([folder, other])


def test_lids_say_how_closed_the_eyes_are(folder):
    landmarks = np.load(folder / "landmarks.npy", mmap_mode="r+")
    upper = [pair[0] for pair in RIGHT_LIDS + LEFT_LIDS]
    landmarks[:, [RIGHT_CORNERS[0], LEFT_CORNERS[0]]] += 30
    landmarks[:, upper] += 8
    landmarks[20, upper] -= 8
    landmarks[21, upper] -= 4
    landmarks.flush()
    example = Windows(folder).segment(np.random.default_rng(0), 8, 4, 0.0, 1.0)
    lids = dict(zip(numbers(example.target), example.lids.round(2).tolist(), strict=True))
    assert lids[20] == 1 and lids[21] == 0.5 and sum(lids.values()) == 1.5


def with_states(folder, states, ease=4):
    """The prepared folder as if its clips had these states."""
    index = json.loads((folder / INDEX).read_text())
    for row in index["clips"]:
        row |= {"states": states, "ease": ease, "person": "somebody"}
    (folder / INDEX).write_text(json.dumps(index))
    return Windows(folder)


def test_folders_without_states_are_read_and_say_nothing(folder):
    example = Windows(folder).segment(np.random.default_rng(0), 16, 4, start_rate=0.0)
    assert example.states == () and example.person == ""


def test_a_segment_carries_the_states_of_its_frames_with_shares_that_sum_to_one(folder):
    windows = with_states(folder, [[0, 20, {"smile": 1.0}], [20, FRAMES, {}]])
    for seed in range(10):
        example = windows.segment(np.random.default_rng(seed), 16, 4, start_rate=0.0)
        shares = np.sum([share for _, share in example.states], axis=0)
        np.testing.assert_allclose(shares, 1.0, atol=1e-6)
        told = {"smile": 0.0} | {name: share for state, share in example.states for name in state}
        frames = np.array(numbers(example.target))
        np.testing.assert_array_equal(np.broadcast_to(told["smile"], 16) > 0, frames < 24)
        assert example.person == "somebody"


def test_what_is_prepared_keeps_the_states_of_the_manifest(tmp_path):
    one = np.zeros((FRAMES, 8, 8, 3), np.uint8)
    nothing, unheard = np.zeros((FRAMES, 1, 1, 1)), np.zeros((FRAMES, 1, 1))
    encoders = Encoders(lambda p: nothing, None, lambda *_: unheard, lambda *_: np.zeros(5), {})
    row = {"id": "a", "split": "train", "fps": 25, "states": [[0, FRAMES, {"nod": 0.5}]], "ease": 7, "person": "a man"}
    prepare(iter([(row, one, Path("x.wav"), np.ones((FRAMES, 468, 2)))]), FRAMES, tmp_path, encoders)
    example = Windows(tmp_path).single(np.random.default_rng(0), 3)
    assert [state for state, _ in example.states] == [{"nod": 0.5}] and example.person == "a man"


def test_a_squint_that_a_state_asks_for_is_no_closed_eye(folder):
    windows = with_states(folder, [[0, 20, {}], [20, FRAMES, {"squint": 1.0}]], ease=0)
    landmarks = np.full((FRAMES, 468, 2), 1.0)
    for lids, corners in ((RIGHT_LIDS, RIGHT_CORNERS), (LEFT_LIDS, LEFT_CORNERS)):
        landmarks[:, [upper for upper, _ in lids], 1] += 3.0
        landmarks[20:, [upper for upper, _ in lids], 1] -= 1.5  # half open from here on
        landmarks[30, [upper for upper, _ in lids], 1] = 1.0  # shut
        landmarks[:, corners[1], 0] += 10.0
    windows.arrays[0]["landmarks"] = np.concatenate([landmarks, landmarks]).astype(np.float16)
    lids = windows._lids(windows.clips[0])
    assert lids[30] > 0.9 and np.delete(lids, 30).max() < 0.1


def test_texts_are_carried_beside_states(folder):
    index = json.loads((folder / INDEX).read_text())
    for row in index["clips"]:
        row |= {"texts": [[0, 20, "a man, smiling"], [20, FRAMES, "a man, calm"]], "ease": 4}
    (folder / INDEX).write_text(json.dumps(index))
    example = Windows(folder).segment(np.random.default_rng(0), 16, 4, start_rate=0.0)
    np.testing.assert_allclose(np.sum([share for _, share in example.texts], axis=0), 1.0, atol=1e-6)
    assert {text for text, _ in example.texts} <= {"a man, smiling", "a man, calm"} and example.states == ()
