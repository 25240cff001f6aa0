"""Head, blinks, gaze and mood of a puppet."""

import numpy as np
import pytest

from longtake.corpus.performance import LOOKS, MOODS, blinks, fixations, perform, wander


def performance(seed: int, category: str = "", frames: int = 100):
    return perform(np.random.default_rng(seed), frames, 25.0, category)


def test_same_seed_same_performance():
    one, two = performance(3), performance(3)
    for name in ("angles", "gaze", "blink", "brows", "strength"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert one.caption == two.caption


def test_another_seed_another_performance():
    assert not np.array_equal(performance(3).angles, performance(4).angles)


def test_the_head_stays_near_and_moves_calmly():
    for seed in range(40):
        angles = performance(seed).angles
        assert (np.abs(angles) < (7.5, 4.5, 3.0)).all()
        assert np.abs(np.diff(angles, axis=0)).max() < 1.0  # degrees from one frame to the next


def test_blinks_come_eight_to_twenty_five_times_a_minute():
    counts = []
    for seed in range(30):
        closure = blinks(np.random.default_rng(seed), 1500, 25.0)
        counts.append(((closure[1:] > 0.4) & (closure[:-1] <= 0.4)).sum())
    assert min(counts) >= 4 and max(counts) <= 32 and 10 <= np.mean(counts) <= 22


def test_a_blink_shuts_the_eye_and_opens_it_again():
    closure = blinks(np.random.default_rng(0), 500, 25.0)
    assert closure.max() > 0.85 and (closure < 0.02).mean() > 0.6


def test_the_caption_tells_mood_and_look():
    for seed in range(30):
        said = performance(seed)
        assert said.mood in MOODS and said.mood in said.caption
        look = next((name for name in LOOKS if name and name in said.caption), "")
        direction = np.array(LOOKS[look])
        if direction.any():
            assert (said.gaze.mean(axis=0) @ direction) > 0.1 and (said.angles[:, :2].mean(axis=0) @ direction) > 0


def test_moods_follow_the_category_of_the_speech():
    assert {performance(seed, "sad", 5).mood for seed in range(30)} == {"sad", "tender"}


@pytest.mark.parametrize("frames", [1, 16, 333])
def test_wandering_stays_within_one_and_starts_anywhere(frames):
    starts = [wander(np.random.default_rng(seed), frames, 25.0, 2, 1.0) for seed in range(20)]
    assert all(s.shape == (frames, 2) and np.abs(s).max() <= 1 for s in starts)
    assert np.std([s[0, 0] for s in starts]) > 0.2


def test_eyes_rest_between_jumps():
    gaze = fixations(np.random.default_rng(1), 500, 25.0)
    assert (np.abs(np.diff(gaze[:, 0])) < 1e-9).mean() > 0.8
