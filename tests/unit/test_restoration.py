"""Faces on their way through windows and back into their pictures."""

import numpy as np
import pytest
import torch

from counted import Counted, most_ahead
from longtake.face.align import cut_square
from longtake.face.detect import Roi
from longtake.face.follow import Moment, Placed
from longtake.face.paste import finer, paste
from longtake.restoration import enhance_frames, in_face_tiles, side_for, with_faces
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


def textured(height=1100, width=1100):
    """Detail down to single pixels on top of broad shapes."""
    rng = np.random.default_rng(0)
    broad = np.kron(rng.integers(60, 190, (height // 50, width // 50, 3)), np.ones((50, 50, 1)))
    return (broad + rng.integers(-40, 40, broad.shape)).astype(np.uint8)


def test_what_is_finer_than_the_network_could_see_of_a_large_face_stays():
    picture = textured()
    large = picture.copy()
    placed = Placed(Roi(550, 550, 1024, 0.1), OVAL)
    seen = cut_square(picture, placed.square)
    paste(large, seen, placed, picture.shape[:2], seen)
    assert np.array_equal(large, picture), "a network that changes nothing changes nothing"
    paste(large, seen, placed, picture.shape[:2])
    assert np.abs(large.astype(int) - picture)[500:600, 500:600].mean() > 10, "without it, the face is blurred"
    darker = np.clip(seen.astype(int) - 20, 0, 255).astype(np.uint8)
    paste(picture, darker, placed, picture.shape[:2], seen)
    assert (textured().astype(int) - picture)[500:600, 500:600].mean() == pytest.approx(20, abs=1)


def test_a_face_as_large_as_the_network_sees_it_is_replaced():
    picture = np.full((600, 600, 3), 50, np.uint8)
    placed = Placed(Roi(300, 300, 512, 0), OVAL)
    assert finer(placed, 512) == 0
    paste(picture, np.full((512, 512, 3), 200, np.uint8), placed, (600, 600), np.full((512, 512, 3), 90, np.uint8))
    assert (picture[280:320, 280:320] == 200).all() and (picture[:30] == 50).all()


@pytest.mark.parametrize(
    ("shown", "largest", "side"), [(90, 1024, 512), (513, 512, 512), (700, 1024, 704), (5000, 1024, 1024)]
)
def test_faces_are_cut_out_at_their_own_size_within_the_limits(shown, largest, side):
    assert side_for(shown, largest) == side


def test_tiles_of_a_large_face_leave_no_seam():
    """A network that looks a few pixels round each: whole and in tiles it gives the same, wherever the tiles meet."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(*(torch.nn.Conv2d(3, 3, 5, padding=2) for _ in range(3)))
    window = torch.rand(2, 3, 768, 768) * 2 - 1
    sizes = []
    with torch.no_grad():
        whole = net(window)
        tiles = in_face_tiles(lambda x: sizes.append(tuple(x.shape[2:])) or net(x))(window)
    assert set(sizes) == {(512, 512)}
    inner = slice(8, -8)
    away = 127.5 * (tiles - whole)[..., inner, inner].abs().max()
    assert away < 0.5 and 127.5 * whole.std() > 10, "half a grey level, of many"
