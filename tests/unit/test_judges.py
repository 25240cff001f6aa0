"""The small judges: what they are shown, that they learn, that they are measured, that their weights are used."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from films import film

from learning import losses
from longtake.errors import CorpusError, WeightsMissing
from longtake.evaluate.metrics.extractors.mini import MiniFaceNet, MiniSyncNet
from longtake.evaluate.metrics.spoiling import FAULTS, ranking, rising, spoiled
from longtake.face.judged import FACE_PX, MOUTH_PX, face_crop, mouth_crop
from longtake.models.judges import FaceNetMini, FaceSizes, SyncNetMini, SyncSizes
from longtake.train import facenet, syncnet
from longtake.train.judge_check import judge
from longtake.train.lips import PER_FRAME, LipStore, pack_lips
from longtake.train.recipe import Recipe, read_recipe
from longtake.train.sync_check import check, choices
from longtake.weights import files

RECIPES = Path(__file__).parents[2] / "recipes" / "mini"
FRAMES, CLIPS = 60, 6


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Packed clips in which the brightness of the mouth is the loudness of the sound."""
    folder, rng = tmp_path_factory.mktemp("lips"), np.random.default_rng(0)
    loud = rng.random((CLIPS, FRAMES)) ** 2
    mouths = np.empty((CLIPS, FRAMES, MOUTH_PX, MOUTH_PX), np.uint8)
    mouths[:] = (40 + 200 * loud).astype(np.uint8)[..., None, None]
    sound = rng.normal(0, 0.3, (CLIPS, FRAMES, PER_FRAME)) * loud[..., None]
    tints = rng.integers(40, 216, (CLIPS, 1, 1, 1, 3))
    faces = tints + rng.integers(-30, 31, (CLIPS, 10, FACE_PX, FACE_PX, 3))
    mouths.tofile(folder / "mouths.uint8")
    (sound.clip(-1, 1) * 32767).astype(np.int16).tofile(folder / "sound.int16")
    faces.clip(0, 255).astype(np.uint8).tofile(folder / "faces.uint8")
    rows = [
        {"name": f"c{k}", "source": "ab"[k % 2], "person": f"p{k}", "heldout": k >= 4, "first": k * FRAMES,
         "frames": FRAMES, "first_face": 10 * k, "faces": 10}
        for k in range(CLIPS)
    ]  # fmt: skip
    (folder / "index.json").write_text(json.dumps({"frames": CLIPS * FRAMES, "faces": CLIPS * 10, "clips": rows}))
    return folder


def sync_task(store, **aims):
    sizes = {"frames": 5, "mels": 8, "width": 8, "dim": 16}
    data = {"folder": str(store), "clips": 3, "windows": 8}
    return syncnet.SyncTask(Recipe.checked({"kind": "syncnet", "sizes": sizes, "data": data, "task": aims}))


def face_task(store, **aims):
    sizes, data = {"width": 8, "dim": 16}, {"folder": str(store), "batch": 16}
    return facenet.FaceTask(Recipe.checked({"kind": "facenet", "sizes": sizes, "data": data, "task": aims}))


def test_a_few_steps_teach_lips_from_sound(store):
    learning = sync_task(store, spoiled=0.0, hidden=0.0)
    found = losses(learning, 25, 1e-2)
    assert found[-1] < 0.7 * found[0]
    after = check(learning.model, learning.store)
    assert after["accuracy"] > 0.9 and {"accuracy_a", "accuracy_b", "shift_5", "2s"} <= set(after)


def test_a_few_steps_teach_faces_and_faults(store):
    found = losses(face_task(store, whole=1.0), 15, 1e-2)
    assert found[-1] < 0.7 * found[0]


def test_batches_depend_on_their_generator_alone_and_fit_together(store):
    for make in (sync_task, face_task):
        one, two = (make(store).batch(np.random.default_rng(3), 0.0) for _ in range(2))
        assert all(torch.equal(one[name], two[name]) for name in one)


def test_the_mel_window_of_a_frame_is_that_of_its_time():
    sizes, sound = SyncSizes(frames=5, mels=8), torch.randn(1, syncnet.sound_length(30))
    many = syncnet.mel_windows(sound, sizes, 26)
    one = syncnet.mel_windows(sound[:, 10 * PER_FRAME :][:, : syncnet.sound_length(5)], sizes, 1)
    torch.testing.assert_close(many[:, 10], one[:, 0])


def test_the_right_choice_is_the_nearer_sound():
    vectors = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    assert set(choices(vectors, vectors, 25, 5)) == {1.0}
    assert set(choices(vectors[5:], vectors[:-5], 25, 5)) == {0.0, 1.0}  # one direction is right, the other the truth
    assert choices(vectors[:20], vectors[:20], 25, 5) == []
    strange = np.random.default_rng(1).normal(size=(600, 4)).astype(np.float32)
    assert 0.3 < np.mean(choices(strange, strange[::-1], 25, 20)) < 0.7


@pytest.mark.parametrize(("network", "most"), [(SyncNetMini(), 0.5e6), (FaceNetMini(FaceSizes(people=300)), 0.3e6)])
def test_the_judges_are_small(network, most):
    assert sum(p.numel() for p in network.parameters()) <= most


@pytest.mark.parametrize(("name", "module"), [("syncnet", syncnet), ("facenet", facenet)])
def test_the_recipes_can_be_counted(name, module):
    assert "M parameters" in module.estimate(read_recipe(RECIPES / f"{name}.toml"))


def test_weights_written_by_a_run_are_read_by_the_metrics(store, tmp_path):
    for task, kind in ((sync_task(store), MiniSyncNet), (face_task(store), MiniFaceNet)):
        path = tmp_path / f"{kind.__name__}.safetensors"
        files.write(path, task.model.state_dict(), task.header(), torch.bfloat16)
        made = kind(path)
        made.ready()
        assert made.sha256 and not made.comparable
    sync = MiniSyncNet(tmp_path / "MiniSyncNet.safetensors")
    faces = sync.faces(np.zeros((3, 5, MOUTH_PX, MOUTH_PX), np.uint8))
    sounds = sync.sounds(np.zeros((3, sync.samples), np.float32))
    assert faces.shape == sounds.shape == (3, 16)
    assert MiniFaceNet(tmp_path / "MiniFaceNet.safetensors")(np.zeros((2, FACE_PX, FACE_PX, 3), np.uint8)).shape == (
        2,
        16,
    )


def test_judges_without_weights_say_how_they_are_made(tmp_path):
    with pytest.raises(WeightsMissing, match=r"train recipes/mini/syncnet\.toml"):
        MiniSyncNet(tmp_path / "syncnet.safetensors").ready()


def test_an_unpacked_folder_says_what_to_do(tmp_path):
    with pytest.raises(CorpusError, match=r"longtake\.train\.lips"):
        LipStore(tmp_path)


def test_a_crop_turns_with_the_head_and_grows_with_it():
    picture = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1)
    points = np.full((468, 2), 160.0)
    points[33], points[263], points[4] = (120, 160), (200, 160), (160, 160)
    turned, around = np.rot90(picture), np.array([[0, 1], [-1, 0]])
    moved = (points - 160) @ around.T + 160
    np.testing.assert_allclose(face_crop(turned, moved).astype(int), face_crop(picture, points), atol=2)
    assert mouth_crop(picture, np.full((468, 2), np.nan)).max() == 0


def test_every_fault_changes_more_as_its_level_rises():
    face = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    for fault in FAULTS:
        rng = np.random.default_rng(1)
        change = [np.abs(spoiled(face, fault, x, rng).astype(int) - face).mean() for x in (0, 0.3, 0.6, 1)]
        assert change[0] == 0 and rising(change) == 1, fault


def test_a_ranking_is_kept_by_features_that_see_and_not_by_those_that_do_not():
    rng = np.random.default_rng(2)
    faces = rng.integers(0, 256, (60, 8, 8, 3), dtype=np.uint8).repeat(2, 1).repeat(2, 2)
    matrix = rng.normal(size=(768, 6)) / 768
    sees = ranking(faces, lambda rows: rows.reshape(len(rows), -1) @ matrix, others=255 - faces)
    assert {*FAULTS, "frozen", "wrong_people"} == set(sees) and sees["drift"] >= 0.75 and sees["frozen"] >= 0.75
    blind = ranking(faces, lambda rows: np.zeros((len(rows), 3)))
    assert set(blind.values()) == {0.0}
    assert ranking(faces[:10], lambda rows: np.zeros((len(rows), 3))) == {}


def test_a_folder_of_videos_is_packed_with_the_sound_beside_them(tmp_path, monkeypatch):
    from longtake.face import detect

    place = tmp_path / "videos"
    place.mkdir()
    for name in "ab":
        film(place / f"{name}.mp4", [k / 25 for k in range(12)], sounds=1)
    points = np.random.default_rng(0).uniform(10, 40, (detect.LANDMARKS, 3)).astype(np.float32)
    monkeypatch.setattr(detect, "track", lambda frames: (points for _ in frames))
    assert pack_lips([place], tmp_path / "packed", held=0.5) == 2
    packed = LipStore(tmp_path / "packed")
    assert [clip.heldout for clip in packed.clips] == [False, True] and {c.frames for c in packed.clips} == {12}
    assert packed.faces_of(packed.clips[1]).shape == (3, FACE_PX, FACE_PX, 3)
    assert np.abs(packed.sound_of(packed.clips[1], 0, 12 * PER_FRAME)).max() > 0.5
    assert packed.mouths_of(packed.clips[0], 0, 12).std() > 0
    pack_lips([place, place], tmp_path / "twice", held=0.5)
    assert [clip.heldout for clip in LipStore(tmp_path / "twice").clips] == [False, True] * 2


def test_both_judges_get_their_tables(store, tmp_path):
    paths = [tmp_path / name for name in ("s.safetensors", "f.safetensors")]
    for task, path in zip((sync_task(store), face_task(store)), paths, strict=True):
        files.write(path, task.model.state_dict(), task.header(), torch.bfloat16)
    tables = judge(LipStore(store), *paths)
    assert 0 <= tables["syncnet"]["sync_detector_accuracy"] <= 1 and "faults_ordered" in tables["facenet"]
