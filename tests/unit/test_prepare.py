"""Files become the values of step 1, or an error that says what to do."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn_face import drawn_face
from PIL import Image

from longtake.errors import NoFace, PortraitTooSmall, PortraitUnreadable, SeveralFaces
from longtake.face.detect import find_landmarks
from longtake.face.identity import identity_distance, identity_of
from longtake.prepare import portrait_of, prepare_portrait
from longtake.presets import hallo2, mini
from longtake.settings import PortraitSettings


@pytest.fixture(scope="module")
def group():
    """Three faces of different size: middling, largest, small."""
    picture = np.full((512, 1200, 3), 170, np.uint8)
    picture[60:444, 0:384] = _shrunk(384, hue=60)
    picture[:, 390:902] = drawn_face()
    picture[200:456, 930:1186] = _shrunk(256, hue=30)
    return picture


def _shrunk(side, **kind):
    return np.asarray(Image.fromarray(drawn_face(**kind)).resize((side, side)))


def test_a_picture_file_becomes_a_portrait(tmp_path):
    Image.fromarray(drawn_face()).save(tmp_path / "me.png")
    portrait = prepare_portrait(tmp_path / "me.png")
    assert portrait.picture.shape == (256, 256, 3)
    assert portrait.picture.dtype == np.uint8
    assert portrait.landmarks.shape == (468, 3)
    assert portrait.identity.shape == (128,)
    assert [mask.shape for mask in portrait.regions.lip] == [(16, 16), (8, 8)]
    assert portrait.regions.face_box.shape == (256, 256)
    assert portrait.warnings == ()


def test_regions_come_at_the_levels_of_the_model_and_its_own_identity_if_it_has_one(monkeypatch):
    model = replace(mini(), factor=8, levels=4)
    monkeypatch.setattr(type(model), "identify", lambda self: lambda picture, landmarks: np.ones(512, np.float32))
    portrait = portrait_of(drawn_face(), model=model)
    assert [mask.shape for mask in portrait.regions.lip] == [(32, 32), (16, 16), (8, 8), (4, 4)]
    assert portrait.identity.shape == (512,)


def test_the_portraits_landmarks_lie_on_its_cropped_picture():
    portrait = portrait_of(drawn_face())
    (again,) = find_landmarks(portrait.picture)
    error = np.linalg.norm(again[:, :2] - portrait.landmarks[:, :2], axis=1).mean()
    assert error / np.ptp(portrait.landmarks[:, 0]) < 0.02


def test_the_crop_frames_the_head_the_same_way_whatever_the_size_and_aspect():
    picture = drawn_face()
    wide = np.pad(
        np.asarray(Image.fromarray(picture).resize((1024, 1024))), ((40, 300), (700, 90), (0, 0)), mode="edge"
    )
    one, other = portrait_of(picture), portrait_of(wide)
    assert np.abs(one.landmarks[:, :2] - other.landmarks[:, :2]).mean() < 3
    assert other.square[2] == pytest.approx(2 * one.square[2], rel=0.03)


def test_zoom_makes_the_head_larger():
    near, far = (portrait_of(drawn_face(), PortraitSettings(zoom=zoom)) for zoom in (1.25, 1.0))
    grown = np.ptp(near.landmarks[:, 0]) / np.ptp(far.landmarks[:, 0])
    assert grown == pytest.approx(1.25, rel=0.01)


def test_of_several_faces_the_largest_is_taken_and_that_is_said(group):
    portrait = portrait_of(group)
    assert 390 < portrait.square[0] < 902
    assert "3 faces" in portrait.warnings[0]
    assert "--face" in portrait.warnings[0]


@pytest.mark.parametrize(("face", "low", "high"), [(1, 0, 384), (2, 390, 902), (3, 930, 1186)])
def test_faces_are_counted_from_the_left(group, face, low, high):
    portrait = portrait_of(group, PortraitSettings(face=face))
    assert low < portrait.square[0] < high
    assert not any("faces" in said for said in portrait.warnings)


def test_a_face_that_is_not_there_is_an_error(group):
    with pytest.raises(SeveralFaces, match="from 1 to 3"):
        portrait_of(group, PortraitSettings(face=4))
    with pytest.raises(NoFace, match="1 face was found"):
        portrait_of(drawn_face(), PortraitSettings(face=2))


def test_a_picture_without_a_face_is_an_error(tmp_path):
    Image.new("RGB", (300, 200), "grey").save(tmp_path / "wall.png")
    with pytest.raises(NoFace, match=r"wall\.png"):
        prepare_portrait(tmp_path / "wall.png")


def test_a_tiny_picture_or_face_is_too_small():
    with pytest.raises(PortraitTooSmall):
        portrait_of(np.zeros((20, 20, 3), np.uint8))
    with pytest.raises(PortraitTooSmall, match="pixels high"):
        portrait_of(drawn_face(), PortraitSettings(min_face_px=500))


def test_what_is_no_picture_is_unreadable(tmp_path):
    (tmp_path / "me.png").write_bytes(b"\x89PNG but no more")
    with pytest.raises(PortraitUnreadable):
        prepare_portrait(tmp_path / "me.png")


def test_a_small_or_tightly_cut_head_gets_a_warning():
    small = np.full((512, 512, 3), 170, np.uint8)
    small[200:300, 200:300] = _shrunk(100)
    assert any("soft" in said for said in portrait_of(small).warnings)
    tight = drawn_face()[90:450, 130:382]
    assert any("border" in said for said in portrait_of(tight).warnings)


def test_the_portraits_identity_is_that_of_the_source():
    picture = drawn_face()
    who = identity_of(picture, find_landmarks(picture)[0])
    assert identity_distance(who, portrait_of(picture).identity) < 0.2


def test_the_voice_is_separated_only_if_asked_and_a_missing_separator_says_what_to_fetch(tmp_path):
    from longtake.errors import WeightsMissing
    from longtake.inputs import prepare

    pytest.importorskip("onnxruntime")
    examples = Path(__file__).parents[2] / "examples"
    model = replace(hallo2(), weights=tmp_path)
    settings = model.settings.overlay({"speech": {"separate_voice": True}})
    with pytest.raises(WeightsMissing, match=r"Kim_Vocal_2\.onnx"):
        prepare("me.png", examples / "speech.wav", settings, model)
    with pytest.raises(
        WeightsMissing, match=r"scrfd|glintr"
    ):  # the speech was fine; next the published identity is wanted
        prepare(examples / "portrait.png", examples / "speech.wav", model.settings, model)
