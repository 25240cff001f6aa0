"""Landmarks of frames that come in blocks are those of the whole."""

import numpy as np

from longtake.evaluate.metrics.view import Follower


def test_faces_are_followed_from_block_to_block(monkeypatch):
    def drawn(frames):
        for frame in frames:
            yield np.full((468, 3), frame.mean(), np.float32)

    monkeypatch.setattr("longtake.face.detect.track", drawn)
    frames = np.arange(6, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    follower = Follower()
    found = np.concatenate([follower.follow(frames[:4]), follower.follow(frames[4:])])
    assert found[:, 0, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert follower.follow(frames[:0]).shape == (0, 468, 3)
