"""Identity vectors: the same for the same face, others for others, and unchanged by this code."""

import numpy as np
import pytest
import torch
from drawn_face import drawn_face

from longtake.face.detect import find_landmarks
from longtake.face.identity import embed, identities_of, identity_distance, identity_of, tight_crop

KNOWN_INPUT = (np.indices((150, 150)).sum(0)[..., None] * (1, 2, 3) % 256).astype(np.uint8)
KNOWN_VECTOR = (-0.03007, 0.10378, 0.05103, 0.00919, -0.04491, -0.04175, -0.06263, -0.00808)


@pytest.fixture(scope="module")
def face():
    picture = drawn_face()
    return picture, find_landmarks(picture)[0]


def test_the_network_gives_the_numbers_it_gave_when_it_was_checked():
    """First eight numbers for a fixed picture, made with an independent implementation of the same weights."""
    vector = embed(torch.from_numpy(KNOWN_INPUT)[None])[0].numpy()
    assert vector.shape == (128,)
    assert vector[:8] == pytest.approx(KNOWN_VECTOR, abs=1e-4)


def test_moving_turning_or_shrinking_a_face_keeps_who_it_is(face):
    picture, landmarks = face
    who = identity_of(picture, landmarks)
    shrunk = np.ascontiguousarray(picture[::2, ::2])
    shifted = np.roll(picture, 30, axis=1)
    lighter = np.clip(picture.astype(int) + 12, 0, 255).astype(np.uint8)
    for other in (shrunk, shifted, lighter):
        assert identity_distance(who, identity_of(other, find_landmarks(other)[0])) < 0.25


def test_another_face_is_further_away_than_the_same_one(face):
    picture, landmarks = face
    who = identity_of(picture, landmarks)
    mouth_open = drawn_face(mouth=0.5)
    other = drawn_face(hue=110)[:, 30:482]
    same = identity_distance(who, identity_of(mouth_open, find_landmarks(mouth_open)[0]))
    different = identity_distance(who, identity_of(other, find_landmarks(other)[0]))
    assert same < different


def test_the_order_and_size_of_a_batch_change_nothing(face):
    picture, landmarks = face
    dark = picture // 2
    together = identities_of([picture, dark, picture], [landmarks] * 3, batch=2)
    assert together[1] == pytest.approx(identity_of(dark, landmarks), abs=1e-5)
    assert together[0] == pytest.approx(together[2], abs=1e-5)


def test_a_frame_without_a_face_has_no_identity(face):
    picture, landmarks = face
    vectors = identities_of([picture, picture], [np.full_like(landmarks, np.nan), landmarks])
    assert np.isnan(vectors[0]).all()
    assert np.isfinite(vectors[1]).all()


def test_the_tight_crop_holds_the_face_and_little_more(face):
    picture, landmarks = face
    crop = tight_crop(picture, landmarks)
    assert crop.shape == (150, 150, 3)
    (points,) = find_landmarks(crop)
    assert np.ptp(points[:, 1]) > 0.85 * 150
