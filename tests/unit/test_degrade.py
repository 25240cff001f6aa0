"""How pictures are spoiled for the enhancer's training, and that a clip is spoiled alike from its first frame to its last."""

from itertools import pairwise

import numpy as np
import pytest

from faces import packed_faces
from longtake.errors import CorpusError
from longtake.train.degrade import Ranges, blur_kernel, degrade, draw
from longtake.train.face_clips import PictureFolders, open_clips, steady_squares, whole_square
from longtake.train.face_windows import Cutting, cut_window, draw_window
from longtake.train.own import clip_noise

FIXED = Ranges(grain=0.0)


def picture(side=64):
    import cv2

    small = np.random.default_rng(1).integers(0, 255, (8, 8, 3), np.uint8)
    return cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC)


class StillClip:
    """A clip in which nothing moves; the model's pictures of it neither."""

    def __init__(self, own=False):
        self.train = self.heldout = [range(6)]
        self.shown, self.has_own = picture(), own

    def sharp(self, frame):
        return self.shown

    def square(self, frame):
        return whole_square(64)

    def own(self, frame):
        return self.shown[::2, ::2].copy() if self.has_own else None

    def latents(self, frame):
        return None


@pytest.mark.parametrize("own", [False, True])
def test_a_still_clip_stays_still_when_what_is_drawn_is_drawn_once(own):
    for seed in range(6):
        cutting = Cutting(ranges=FIXED, own=1.0)
        sharp, spoiled = cut_window(StillClip(own), range(6), 48, cutting, np.random.default_rng(seed))
        assert (sharp == sharp[:1]).all() and (spoiled == spoiled[:1]).all()
        assert (spoiled != sharp).any()


def test_drawn_for_each_frame_a_still_clip_trembles_and_turns_about():
    cutting = Cutting(ranges=FIXED, draws="frame", whole=1.0)
    sharp, spoiled = cut_window(StillClip(), range(6), 64, cutting, np.random.default_rng(0))
    turned = [not np.array_equal(x, sharp[0]) for x in sharp]
    assert any(turned) and not all(turned[1:])
    assert np.array_equal(sharp[turned.index(True)], sharp[0][:, ::-1])
    alike = [np.array_equal(a, b) for a, b in pairwise(spoiled)]
    assert not any(alike)


def test_grain_is_new_in_each_frame_and_nothing_else_is():
    how = draw(np.random.default_rng(0), Ranges(noise=(9, 9), grain=1.0))
    first, second = (degrade(picture(), how, frame).astype(int) for frame in (0, 1))
    assert (first != second).any() and abs((first - second).mean()) < 0.5
    quiet = draw(np.random.default_rng(0), Ranges(noise=(0, 0), grain=1.0))
    assert np.array_equal(degrade(picture(), quiet, 0), degrade(picture(), quiet, 1))


def test_blur_keeps_brightness_and_a_smaller_factor_keeps_more():
    rng = np.random.default_rng(2)
    for _ in range(10):
        assert blur_kernel(draw(rng, Ranges())).sum() == pytest.approx(1, abs=1e-5)

    def lost(**ranges):
        how = draw(np.random.default_rng(0), Ranges(noise=(0, 0), jpeg=(100, 100), **ranges))
        return np.abs(degrade(picture(), how).astype(int) - picture()).mean()

    assert lost(blur=(0.2, 0.2), down=(1, 1)) < 2
    assert lost(blur=(0.2, 0.2), down=(1, 1)) < lost(blur=(0.2, 0.2), down=(4, 4)) < lost(blur=(4, 4), down=(8, 8))


def test_the_models_own_pictures_lie_where_the_true_ones_do(tmp_path):
    clips = open_clips(packed_faces(tmp_path, own=True))
    assert clips.own(3).shape == (16, 16, 3) and clips.latents(3).shape == (4, 2, 2)
    assert len(clips.train) == 2 and len(clips.heldout) == 6
    assert {len(clip) for clip in clips.train} == {4}
    still = StillClip(own=True)
    cutting = Cutting(own=1.0, touched=0.0, ranges=FIXED)
    sharp, spoiled = cut_window(still, range(1), 48, cutting, np.random.default_rng(4))
    apart = np.abs(sharp.astype(int) - spoiled)
    assert apart.mean() < 0.5 * np.abs(sharp.astype(int) - spoiled[:, :, ::-1]).mean()


def test_too_few_clips_to_learn_from_are_an_error_that_says_so(tmp_path):
    with pytest.raises(CorpusError, match="are held out"):
        open_clips(packed_faces(tmp_path, clips=6))


def test_windows_are_consecutive_frames_of_one_clip():
    rng = np.random.default_rng(0)
    clips = [range(0, 3), range(3, 12), range(12, 20)]
    for _ in range(50):
        window = draw_window(clips, 5, rng)
        assert len(window) == 5 and any(window.start >= c.start and window.stop <= c.stop for c in clips)


def test_squares_follow_without_trembling_or_stay():
    rng = np.random.default_rng(0)
    true = [whole_square(64).__class__(32 + 0.5 * k + rng.normal(), 32.0, 64.0, 0.0) for k in range(20)]
    followed, stayed = steady_squares(true, True), steady_squares(true, False)
    assert len({square.x for square in stayed}) == 1
    rough, smooth = (np.diff([s.x for s in squares]).std() for squares in (true, followed))
    assert smooth < 0.4 * rough and followed[-1].x > followed[0].x + 4


def test_folders_of_pictures_are_clips_in_the_order_of_their_names(tmp_path):
    import cv2

    for clip, count in (("b", 3), ("a", 2)):
        (tmp_path / clip).mkdir()
        for k in reversed(range(count)):
            cv2.imwrite(str(tmp_path / clip / f"{k:08d}.png"), np.full((16, 16, 3), 10 * k + (clip == "b"), np.uint8))
    clips = open_clips(tmp_path)
    assert isinstance(clips, PictureFolders)
    assert [clips.sharp(k)[0, 0, 0] for k in range(5)] == [0, 10, 1, 11, 21]
    assert clips.heldout == [range(2, 5)] and clips.square(0).side == 16


def test_noise_on_latents_is_partly_that_of_the_clip():
    still, half = clip_noise(200, 4, 8, 0.0, (0,)).numpy(), clip_noise(200, 4, 8, 0.5, (0,)).numpy()
    assert np.abs(still - still[:1]).max() == 0 and still.std() == pytest.approx(1, abs=0.1)
    assert half.std() == pytest.approx(1, abs=0.1)
    assert half.mean(axis=0).std() == pytest.approx(np.sqrt(0.5), abs=0.1)
