"""Faces on their way through windows and back into their pictures."""

import numpy as np
import torch

from counted import Counted, most_ahead
from longtake.face.detect import Roi
from longtake.face.follow import Moment, Placed
from longtake.restoration import enhance_frames, with_faces
from longtake.settings import EnhanceSettings

SETTINGS = EnhanceSettings(window=6, overlap=2)
OVAL = np.stack([256 + 120 * np.cos(np.linspace(0, 6, 36)), 280 + 150 * np.sin(np.linspace(0, 6, 36))], axis=1)


def moment(k, numbers):
    picture = np.full((24, 24, 3), k, np.uint8)
    return Moment(picture, 0, {n: Placed(Roi(12, 12, 20, 0), OVAL) for n in numbers})


def test_every_frame_gets_its_own_faces_back_in_order():
    present = [(0,)] * 4 + [(0, 1)] * 9 + [(1,)] * 3 + [()] * 2 + [(2,)] * 7
    given = [moment(k, numbers) for k, numbers in enumerate(present)]
    found = list(with_faces(given, lambda x: x, SETTINGS))
    assert [m for m, _ in found] == given
    for k, (m, faces) in enumerate(found):
        assert sorted(faces) == sorted(m.faces)
        assert all((face == k).all() for face in faces.values())


def test_a_window_never_sees_two_faces():
    seen = []
    given = [moment(10, (0,))] * 5 + [moment(200, (1,))] * 5
    list(with_faces(given, lambda x: seen.append(float(x.max() - x.min())) or x, SETTINGS))
    assert seen and max(seen) == 0.0


def test_no_frame_waits_longer_than_a_window():
    given = Counted(moment(k, (0, 1) if k % 20 > 3 else (0,)) for k in range(45))
    assert most_ahead(given, with_faces(given, lambda x: x, SETTINGS)) == SETTINGS.window


def test_pictures_without_a_face_are_only_enlarged():
    pictures = [np.full((40, 60, 3), 20 * k, np.uint8) for k in range(3)]

    def never(window: torch.Tensor) -> torch.Tensor:
        raise AssertionError("there is nothing to restore")

    found = list(enhance_frames(pictures, (80, 120), never, SETTINGS))
    assert [x.shape for x in found] == [(80, 120, 3)] * 3
    assert [int(x.mean()) for x in found] == [0, 20, 40]
