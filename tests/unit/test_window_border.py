"""The borders of the enhancer's windows can't be seen on a scene that stands still, under the grain of a sensor."""

import math

import numpy as np
import pytest
import torch
from test_enhancer import TINY

from longtake.enhance import in_windows
from longtake.models.enhancer import Enhancer
from longtake.restoration import restore_with
from longtake.settings import EnhanceSettings

STILL = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(2)) * 1.6 - 0.8


LIMIT = 1.1
"""Frames may change so many times as much where one window passes into the next as they do inside windows."""
GRAIN = 0.02
"""Standard deviation of the grain, in pictures of [-1, 1]: two and a half grey levels."""


def window_border(still, restore, window=16, overlap=4, windows=8):
    """How much more restored frames change where windows pass into each other than inside them; at most `LIMIT` is wanted.

    NaN where nothing changes at all.
    """
    step = window - overlap
    assert step > overlap + 1, "every frame is seen by two windows: there is no inside"
    frames = overlap + windows * step
    found = in_windows(grained(still, frames), restore, window, overlap)
    changes = np.array(list(changes_of(found)))
    passing = np.zeros(len(changes), bool)
    for start in range(step, frames - overlap, step):
        passing[start - 1 : start + overlap] = True  # the fade shares a jump out evenly
    inside = changes[~passing].mean()
    return float(changes[passing].mean() / inside) if inside else float("nan")


def grained(still, frames):
    """The still picture again and again, each time under another grain; the same at every call."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(frames):
        grain = torch.randn(still.shape, generator=generator)
        yield (still + GRAIN * grain).clamp(-1, 1)


def changes_of(frames):
    before = next(frames)
    for frame in frames:
        yield float((frame - before).abs().mean())
        before = frame


def opinions():
    """Windows that disagree: each a little brighter than the one before."""
    count = iter(range(99))
    return lambda window: window + 0.1 * (next(count) % 2)


@pytest.mark.parametrize("align", [True, False])
def test_borders_of_a_random_network_can_not_be_seen(align):
    torch.manual_seed(0)
    enhancer = Enhancer(TINY).eval().requires_grad_(False)
    settings = EnhanceSettings(align=align)
    found = window_border(STILL, restore_with(enhancer, settings), settings.window, settings.overlap)
    assert found <= LIMIT


def test_windows_that_disagree_are_seen_and_a_longer_overlap_hides_them():
    short, longer = (window_border(STILL, opinions(), 16, overlap) for overlap in (1, 6))
    assert short > 2 * LIMIT and longer < 0.7 * short


def test_without_any_change_there_is_nothing_to_compare():
    assert math.isnan(window_border(STILL, lambda window: torch.zeros_like(window)))


def test_the_grain_is_the_same_at_every_call():
    first, second = (torch.stack(list(grained(STILL, 3))) for _ in range(2))
    assert torch.equal(first, second) and not torch.equal(first[0], first[1])
