"""How long a video will take, and what memory and disk: from what was measured here, or roughly where nothing was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from longtake.apps.calibration import CALIBRATE, Calibration, load_of, place_of
from longtake.clips import Prompts
from longtake.presets import Preset
from longtake.prompts import Track
from longtake.settings import Settings

if TYPE_CHECKING:
    from longtake.diffusion.guidance import Branch

ROUGH_SHARE = 0.5
"""Of the speed that a large multiplication reaches, a segment reaches about so much."""
ROUGH_FRAME_BYTES, ROUGH_CRF, ROUGH_SIDE = 900.0, 18, 256
"""A frame of the example at the default quality."""
HALVES_CRF = 6
"""H.264: so many steps of crf more halve the bytes."""
RECORD_BYTES, TAIL_SHARE = 430, 0.5
"""A line of the journal; and what is left of a tail's float32 pictures after packing."""
MB = 2**20


@dataclass(frozen=True)
class Estimate:
    """What a run will take. `basis`: measured with these settings, scaled from others, or rough."""

    basis: str
    because: str  # the basis in words
    segments: int
    segment_s: float
    worded: int  # of the segments still to be made: those of which the prompts say something ...
    worded_s: float  # ... and what such a one takes
    work_s: float  # all of it, loading included
    video_mb: float  # the finished file
    disk_mb: float  # the most that lies on the disk at a time: finished file, growing file and journal
    peak_mb: float | None  # of main memory
    gpu_peak_mb: float | None


def estimate(
    model: Preset,
    settings: Settings,
    frames: int,
    done: int,
    seconds: float,
    found: Sequence[Calibration],
    track: Track | None = None,
) -> Estimate:
    """What the video of `frames` frames will take, of which `done` are there from a stopped run.

    `track`: what the prompts say; words can take guidance branches of their own.
    """
    from longtake.parallel import step_of

    step = step_of(settings)
    segments, left = -(-frames // step), -(-(frames - done) // step)
    basis, because, took = _times(model, settings, found)
    scale = (settings.portrait.size_px / took["size_px"]) ** 2 * 2 ** ((took["crf"] - settings.video.crf) / HALVES_CRF)
    pictures = took["frame_bytes"] * scale * frames
    sound = settings.video.sound_kbps * 125 * seconds
    worded = worded_segments(track, settings, done, frames, step) if track else 0
    worded_s = took["segment_s"] * (_words_factor(model, settings, track.prompts) if track and worded else 1.0)
    work_s = took["load_s"] + (took["first_s"] + (left - 1) * took["segment_s"] if left else 0.0)
    work_s += worded * (worded_s - took["segment_s"])
    tails = 2 * TAIL_SHARE * settings.motion.frames * 3 * 4 * settings.portrait.size_px**2
    return Estimate(
        basis=basis,
        because=because,
        segments=segments,
        segment_s=round(took["segment_s"], 3),
        worded=worded,
        worded_s=round(worded_s, 3),
        work_s=round(work_s, 1),
        video_mb=round((pictures + sound) / MB, 1),
        disk_mb=round((2 * (pictures + sound) + tails + RECORD_BYTES * segments) / MB, 1),
        peak_mb=took["peak_mb"],
        gpu_peak_mb=took["gpu_peak_mb"],
    )


def _times(model: Preset, settings: Settings, found: Sequence[Calibration]) -> tuple[str, str, dict[str, Any]]:
    """The basis, in a word and in words, and what a segment and a frame take."""
    place, load = place_of(model, settings), load_of(settings)
    here = [one for one in found if one.place == place]
    same = [one for one in here if one.load == load]
    if same:
        return "measured", f"measured here on {same[-1].date}", _taken(same[-1], 1.0)
    if here:
        near = min(here, key=lambda one: _difference(one, settings))
        factor = _operations(model, settings) / near.operations
        because = f"scaled by {factor:.2f} from what was measured here on {near.date} with other settings"
        return "scaled", because, _taken(near, factor)
    return (
        "rough",
        f"a rough guess; measure this machine once: {CALIBRATE} --preset {model.name}",
        _guess(model, settings),
    )


def _taken(one: Calibration, factor: float) -> dict[str, Any]:
    return {
        "load_s": one.load_s,
        "first_s": one.first_s * factor,
        "segment_s": one.segment_s * factor,
        "frame_bytes": one.frame_bytes,
        "crf": one.crf,
        "size_px": one.load.size_px,
        "peak_mb": one.peak_mb,
        "gpu_peak_mb": one.gpu_peak_mb,
    }


def _difference(one: Calibration, settings: Settings) -> tuple[bool, int]:
    """Nearest first: of the same size, then of the nearest number of steps."""
    return one.load.size_px != settings.portrait.size_px, abs(one.load.steps - settings.sampling.steps)


def worded_segments(track: Track, settings: Settings, done: int, frames: int, step: int) -> int:
    """How many of the segments that are still to be made the prompts say something of."""
    from longtake.segments import SEGMENT_FRAMES

    if not settings.words_scale:
        return 0
    firsts = range(done // step * step, frames, step)
    return sum(any(track.at(first + k).told for k in range(SEGMENT_FRAMES)) for first in firsts)


def _words_factor(model: Preset, settings: Settings, prompts: Prompts) -> float:
    """How many times the work of a segment without words one with words is: 1 where they need no branch of their own."""
    from longtake.telling import told_branches

    told = told_branches(settings, prompts)
    if len(told) == len(told_branches(settings)):
        return 1.0
    return _operations(model, settings, told) / _operations(model, settings)


def _operations(model: Preset, settings: Settings, told: list[Branch] | None = None) -> int:
    from longtake.networks import choose_device, choose_dtype
    from longtake.rehearsal import foresee

    device = choose_device(settings.run.device)
    return foresee(model, settings, choose_dtype(settings.run.dtype, device), told).operations


def _guess(model: Preset, settings: Settings) -> dict[str, Any]:
    """What the counted operations and a quick look at the machine make probable."""
    from longtake.apps.predict import predict
    from longtake.segments import SEGMENT_FRAMES

    told = predict(model, settings)
    segment_s = told["seconds_per_second_at_best"] * SEGMENT_FRAMES / settings.video.fps / ROUGH_SHARE
    peak_mb = told["peak_gib_offloaded" if settings.run.offload else "peak_gib"] * 1024
    on_cpu = told["device"] == "cpu"
    return {
        "load_s": told["weights_gib"] * 2,
        "first_s": segment_s,
        "segment_s": segment_s,
        "frame_bytes": ROUGH_FRAME_BYTES,
        "crf": ROUGH_CRF,
        "size_px": ROUGH_SIDE,
        "peak_mb": peak_mb if on_cpu else None,
        "gpu_peak_mb": None if on_cpu else peak_mb,
    }
