"""The stream of the enhancer: windows that can't be seen, frames that never pile up."""

import pytest
import torch

from counted import Counted, most_ahead
from longtake.enhance import WindowStream, in_windows


def numbered(count):
    return [torch.full((3, 2, 2), float(k)) for k in range(count)]


def values(frames):
    return [round(float(x.flatten()[0]), 4) for x in frames]


@pytest.mark.parametrize("count", [0, 1, 3, 15, 16, 17, 20, 28, 29, 41])
def test_every_frame_comes_out_once_and_in_order(count):
    assert values(in_windows(numbered(count), lambda x: x)) == list(range(count))


@pytest.mark.parametrize("count", [5, 16, 21, 40])
def test_windows_are_whole_wherever_there_are_enough_frames(count):
    seen = []
    list(in_windows(numbered(count), lambda x: seen.append(len(x)) or x))
    assert set(seen) == {min(count, 16)}


def test_one_window_passes_into_the_next():
    calls = iter(range(10))

    def restore(window):
        return torch.full_like(window, float(next(calls)))  # each window has an opinion of its own

    found = values(in_windows(numbered(28), restore, window=16, overlap=4))
    assert found[:12] == [0] * 12 and found[16:] == [1] * 12
    assert found[12:16] == [0.2, 0.4, 0.6, 0.8]


def test_borders_change_no_more_than_the_inside_where_windows_agree():
    generator = torch.Generator().manual_seed(0)
    still = torch.rand(3, 2, 2, generator=generator)
    frames = [still + 0.01 * torch.randn(3, 2, 2, generator=generator) for _ in range(120)]

    def aligned(window):  # what alignment does to a still scene: frames move towards what they have in common
        return 0.5 * window + 0.5 * window.mean(0)

    found = torch.stack(list(in_windows(frames, aligned)))
    change = (found[1:] - found[:-1]).abs().mean((1, 2, 3))
    border = torch.zeros(len(change), dtype=torch.bool)
    for start in range(12, 116, 12):
        border[start - 1 : start + 4] = True
    assert change[border].mean() <= 1.1 * change[~border].mean()


def test_no_more_than_a_window_is_read_ahead():
    frames = Counted(numbered(200))
    assert most_ahead(frames, in_windows(frames, lambda x: x)) == 16


def test_an_ended_stream_leaves_nothing_behind():
    windows = WindowStream(lambda x: x + len(x))
    first = [y for x in numbered(7) for y in windows.tell(x)] + windows.end()
    again = [y for x in numbered(7) for y in windows.tell(x)] + windows.end()
    assert values(first) == values(again)
