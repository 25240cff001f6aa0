"""Reading ahead of the metrics changes no number, keeps the order, stays a few blocks long and ends with who asked."""

import threading
import time
from contextlib import nullcontext

import numpy as np
import pytest

from longtake.errors import InputError
from longtake.evaluate.metrics import reading
from longtake.evaluate.metrics.ahead import BLOCKS, ahead
from longtake.evaluate.metrics.protocol import Clip
from longtake.evaluate.metrics.reading import measure
from longtake.evaluate.metrics.registry import metrics
from longtake.evaluate.metrics.view import Session, View

COUNT = 12


class Counting(Session):
    """A session whose faces are the number of the block; it keeps who looked, and when."""

    def __init__(self):
        super().__init__(Clip("a", "a.mp4"))
        self.read, self.looked = 0, []
        self.generated = self

    def follow(self, pictures):
        self.looked.append((int(pictures[0, 0, 0, 0]), threading.current_thread().name))
        return np.full((len(pictures), 468, 3), pictures[0, 0, 0, 0], np.float32)

    def views(self, fail_at=COUNT + 1):
        for block in range(COUNT):
            if block == fail_at:
                raise InputError("The video ends in the middle.")
            self.read += 1
            yield View(16 * block, np.full((16, 2, 2, 3), block, np.uint8), self)


def test_what_the_first_block_was_asked_for_is_found_ahead_in_order():
    session = Counting()
    for block, view in enumerate(ahead(session.views())):
        assert view.first == 16 * block and (view.landmarks == block).all()
    blocks, threads = zip(*session.looked, strict=True)
    assert blocks == tuple(range(COUNT))
    assert threads[0] == threading.current_thread().name and all(name.startswith("ahead") for name in threads[1:])


def test_what_no_one_asks_for_is_not_found():
    session = Counting()
    assert len(list(ahead(session.views()))) == COUNT and not session.looked


def test_reading_waits_for_who_looks():
    session = Counting()
    for block, view in enumerate(ahead(session.views())):
        time.sleep(0.002)
        assert session.read <= block + 1 + BLOCKS and len(view)


def test_who_stops_looking_stops_the_reading():
    session = Counting()
    views = ahead(session.views())
    next(views), next(views)
    views.close()
    read = session.read
    time.sleep(0.01)
    assert session.read == read <= 2 + BLOCKS
    assert not any(thread.name.startswith("ahead") for thread in threading.enumerate())


def test_a_video_that_breaks_off_says_so_behind_what_could_be_read():
    seen = []
    with pytest.raises(InputError, match="in the middle"):
        for view in ahead(Counting().views(fail_at=5)):
            seen.append(view.first // 16)
    assert seen == [0, 1, 2, 3, 4]


def test_numbers_are_those_of_reading_alone(request, monkeypatch):
    folder = request.config.rootpath / "tests" / "fixtures" / "gates"
    video, real = sorted(folder.glob("*.mp4"))[:2]
    chosen = metrics(["psnr", "faces_found", "head_dynamics", "blink_rate", "mouth_correlation"])
    monkeypatch.setattr(reading, "at_25", lambda path, remarks: _first(60, at_25(path, remarks)))
    at_once = measure(Clip("a", video, real=real), chosen, window_s=1)
    monkeypatch.setattr(reading, "ahead", lambda views: views)
    monkeypatch.setattr(reading, "beside", Alone)
    alone = measure(Clip("a", video, real=real), chosen, window_s=1)
    assert at_once.frames == alone.frames == 60 and not alone.skipped
    np.testing.assert_equal(at_once.numbers, alone.numbers)
    np.testing.assert_equal(at_once.over_time, alone.over_time)


class Alone(nullcontext):
    """In place of a thread: what is given to it is done at once."""

    def __enter__(self):
        return self

    def submit(self, work, *given):
        work(*given)
        return self

    def result(self):
        return None


at_25 = reading.at_25


def _first(count, frames):
    for _, frame in zip(range(count), frames, strict=False):
        yield frame
