"""Guidance on a part of the steps: what is outside the interval is the most told branch alone."""

import numpy as np
import pytest
from test_segments import SETTINGS, frames, make, networks, portrait  # noqa: F401


def test_an_interval_that_holds_all_steps_changes_nothing(networks, portrait):  # noqa: F811
    whole = frames(networks, portrait, 16)
    steps = SETTINGS.sampling.steps
    assert np.array_equal(whole, frames(networks, portrait, 16, guidance={"from_step": 0, "to_step": steps}))
    assert np.array_equal(whole, frames(networks, portrait, 16, guidance={"to_step": 1000}))


def test_an_empty_interval_is_no_guidance(networks, portrait):  # noqa: F811
    none = frames(networks, portrait, 16, guidance={"to_step": 0})
    alone = frames(networks, portrait, 16, guidance={"portrait": 1.0, "speech": 1.0})
    assert np.abs(none.astype(int) - alone.astype(int)).max() <= 1


@pytest.mark.parametrize("interval", [{"from_step": 1}, {"to_step": 1}], ids=str)
def test_steps_outside_the_interval_run_one_branch_and_change_the_frames(networks, portrait, interval):  # noqa: F811
    rows = []
    handle = networks.animation.denoiser.register_forward_hook(lambda _module, _inputs, out: rows.append(len(out)))
    try:
        part = make(networks, portrait, SETTINGS.overlay({"guidance": interval})).next().frames
    finally:
        handle.remove()
    assert sorted(rows) == [1, 2]
    assert rows == ([1, 2] if "from_step" in interval else [2, 1])
    assert not np.array_equal(part, make(networks, portrait).next().frames)


def test_an_interval_works_without_guidance_at_all(networks, portrait):  # noqa: F811
    off = {"portrait": 1.0, "speech": 1.0}
    assert np.array_equal(
        frames(networks, portrait, 16, guidance=off), frames(networks, portrait, 16, guidance=off | {"from_step": 1})
    )


def test_the_portrait_is_prepared_once_for_all_segments(networks, portrait, monkeypatch):  # noqa: F811
    calls = []
    original = type(networks.animation.denoiser).prepare_video

    def counted(self, *given, **named):
        calls.append(1)
        return original(self, *given, **named)

    monkeypatch.setattr(type(networks.animation.denoiser), "prepare_video", counted)
    assert len(list(make(networks, portrait).until(33))) == 3
    assert len(calls) == 1


def test_coarse_levels_are_computed_at_every_step_unless_they_are_reused(networks, portrait, monkeypatch):  # noqa: F811
    """Reuse is an approximation: it changes the frames."""
    calls = []
    kind = type(networks.animation.denoiser)
    original = kind._coarse

    def counted(self, *given):
        calls.append(len(given[0]))
        return original(self, *given)

    monkeypatch.setattr(kind, "_coarse", counted)
    exact = frames(networks, portrait, 16)
    assert len(calls) == SETTINGS.sampling.steps == 2
    calls.clear()
    reused = frames(networks, portrait, 16, sampling={"steps": 2, "deep_every": 2})
    assert len(calls) == 1
    assert not np.array_equal(reused, exact)


def test_coarse_levels_are_computed_anew_where_guidance_begins_or_ends(networks, portrait, monkeypatch):  # noqa: F811
    calls = []
    kind = type(networks.animation.denoiser)
    original = kind._coarse
    monkeypatch.setattr(kind, "_coarse", lambda self, *given: calls.append(len(given[0])) or original(self, *given))
    frames(networks, portrait, 16, sampling={"steps": 4, "deep_every": 4}, guidance={"to_step": 2})
    assert calls == [32, 16]  # rows times frames
