"""What counts as flicker, as following on, and as a border of windows."""

import numpy as np
import pytest

from longtake.evaluate.steadiness import border_ratio, flicker, frame_changes, still_places, warping_error


def scene(frames=6, side=96):
    """A textured picture in whose left half a square wanders; the right half stands still."""
    import cv2

    rng = np.random.default_rng(0)
    ground = cv2.resize(rng.integers(60, 200, (12, 12, 3), np.uint8), (side, side), interpolation=cv2.INTER_CUBIC)
    video = np.repeat(ground[None], frames, axis=0)
    for k in range(frames):
        video[k, 20:50, 8 + 2 * k : 30 + 2 * k] = ground[60:90, 60:82]
    return video


def test_still_places_are_where_nothing_moves():
    still = still_places(scene())
    assert still[:, 60:].all() and not still[25:45, 15:25].any()


def test_noise_flickers_and_motion_does_not():
    video, still = scene(), still_places(scene())
    noisy = np.clip(video + np.random.default_rng(1).normal(0, 5, video.shape), 0, 255).astype(np.uint8)
    assert flicker(video, still) == 0
    assert flicker(noisy, still) == pytest.approx(5 * 2 / np.sqrt(np.pi), rel=0.1)
    assert np.isnan(flicker(noisy, np.zeros(still.shape, bool)))


def test_a_video_that_moves_as_the_true_one_does_follows_on():
    video = scene()
    shuffled = video[[0, 5, 1, 4, 2, 3]]
    rng = np.random.default_rng(1)
    noisy = np.clip(video + rng.normal(0, 12, video.shape), 0, 255).astype(np.uint8)
    assert warping_error(video, video) < 2
    assert warping_error(noisy, video) > warping_error(video, video) + 2
    assert warping_error(shuffled, video) > warping_error(video, video)


def test_changes_are_counted_from_frame_to_frame():
    video = np.zeros((3, 4, 4, 3), np.uint8)
    video[1:] = 10
    assert frame_changes(video).tolist() == [10, 0]


def test_a_border_shows_where_one_window_passes_into_the_next():
    changes = np.ones(63, np.float32)
    assert border_ratio(changes, 16, 4) == pytest.approx(1)
    for border in (11, 23, 35, 47):
        changes[border + 2] = 1.5
    assert border_ratio(changes, 16, 4) == pytest.approx(1.5, rel=0.05)
    steady = np.ones(63, np.float32)
    steady[[5, 18, 30, 42, 60]] = 1.5
    assert border_ratio(steady, 16, 4) < 1
    assert np.isnan(border_ratio(np.zeros(63, np.float32), 16, 4))
