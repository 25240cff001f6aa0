"""One held-out clip: the model's video of it and the true one, measured alike."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8

from longtake.clips import SAMPLE_RATE_HZ, Portrait
from longtake.evaluate.cases import Case, read_speech
from longtake.evaluate.curves import Phone, voiced_frames
from longtake.evaluate.eyes import blinks, labelled_blinks
from longtake.evaluate.face import FaceCurves, border_jump, measure_face, motion_energy
from longtake.evaluate.pictures import box_round, perceptual_distance, psnr_db
from longtake.evaluate.playing import Player, play
from longtake.face.lids import lid_opening
from longtake.media.pixels import as_pictures
from longtake.segments import SEGMENT_FRAMES

COMPARED_EVERY = 10
"""Pictures are compared, and identities read, on every tenth frame."""
SHOWN = 8
"""Frames of a clip on the contact sheet."""

Through = Callable[[UInt8[np.ndarray, "f H W 3"]], UInt8[np.ndarray, "f H W 3"]]


@dataclass(frozen=True, eq=False)
class Seen:
    """What was measured on one video of a clip."""

    mouth: Float[np.ndarray, " f"]
    found: Bool[np.ndarray, " f"]
    blinks: int
    identity: float  # median distance to the portrait
    head_motion: float
    motion_energy: float
    border_jump: float  # see `face.border_jump`
    psnr_db: float  # to the true clip
    perceptual: float  # to the true clip


@dataclass(frozen=True, eq=False)
class Compared:
    """One clip: labels, and what was measured on the truth, the output, a still and the truth through the autoencoder."""

    name: str
    seconds: float
    phones: list[Phone]
    voiced: Bool[np.ndarray, " f"]
    label_mouth: Float[np.ndarray, " f"]
    label_blinks: list[int]
    truth_blinks: list[int]
    truth: Seen
    output: Seen
    still: Seen
    ceiling: Seen | None
    shown: UInt8[np.ndarray, "2 k H W 3"]


def compare(player: Player, case: Case, through: Through | None = None, seconds: float | None = None) -> Compared:
    """The clip, or its first seconds, played by the model and measured beside the truth."""
    speech, frames = first_seconds(case, seconds)
    portrait = portrait_in(case, player)
    truth = in_square(case.frames[:frames], portrait)
    made = play(player, portrait, speech)[:frames]
    return measure(case, portrait, truth, made, through)


def first_seconds(case: Case, seconds: float | None = None) -> tuple[Float[np.ndarray, " samples"], int]:
    """The samples of a clip's speech, and its frames, up to a time."""
    frames = len(case.frames) if seconds is None else min(len(case.frames), round(seconds * case.fps))
    return read_speech(case.speech)[: frames * SAMPLE_RATE_HZ // case.fps], frames


def portrait_in(case: Case, player: Player) -> Portrait:
    """The portrait of a clip: its first frame, prepared as any picture is."""
    from longtake.prepare import portrait_of

    return portrait_of(case.frames[0], player.settings.portrait, player.preset, f"the first frame of {case.name}")


def in_square(frames: UInt8[np.ndarray, "f H W 3"], portrait: Portrait) -> UInt8[np.ndarray, "f size size 3"]:
    """True frames cut and scaled like the portrait, so that they lie on the model's own."""
    from longtake.face.framing import crop_picture

    return np.stack([crop_picture(frame, portrait.square, len(portrait.picture))[0] for frame in frames])


def measure(
    case: Case,
    portrait: Portrait,
    truth: UInt8[np.ndarray, "f H W 3"],
    made: UInt8[np.ndarray, "f H W 3"],
    through: Through | None = None,
) -> Compared:
    """Everything that the rows need from one clip; its frames can be forgotten then, but for those shown."""
    curves = measure_face(truth, case.fps, COMPARED_EVERY)
    box = box_round(curves.landmarks, truth.shape[1])
    true_lids = blinks(lid_opening(truth, curves.landmarks), case.fps)

    def seen(frames: UInt8[np.ndarray, "f H W 3"]) -> Seen:
        return _see(frames, truth, portrait, box, case.fps)

    shown = np.linspace(0, min(len(truth), len(made)) - 1, SHOWN).round().astype(int)
    return Compared(
        name=case.name,
        seconds=len(truth) / case.fps,
        phones=[phone for phone in case.phones if phone[1] < len(truth) / case.fps],
        voiced=voiced_frames(case.phones, len(truth), case.fps),
        label_mouth=case.mouth_open[: len(truth)],
        label_blinks=labelled_blinks(case.blink[: len(truth)]),
        truth_blinks=true_lids,
        truth=_summary(curves, truth, truth, portrait, box, len(true_lids)),
        output=seen(made),
        still=_still(portrait, truth),
        ceiling=seen(through(truth)) if through else None,
        shown=np.stack([truth[shown], made[shown]]),
    )


def _see(frames: np.ndarray, truth: np.ndarray, portrait: Portrait, box: tuple, fps: float) -> Seen:
    curves = measure_face(frames, fps, COMPARED_EVERY)
    found = blinks(lid_opening(frames, curves.landmarks), fps)
    return _summary(curves, frames, truth, portrait, box, len(found))


def _summary(
    curves: FaceCurves, frames: np.ndarray, truth: np.ndarray, portrait: Portrait, box: tuple, blinked: int
) -> Seen:
    x0, y0, x1, y1 = box
    distances = curves.identity_distances(portrait.identity)
    same = frames is truth
    sample = slice(None, min(len(frames), len(truth)), COMPARED_EVERY)
    return Seen(
        mouth=curves.mouth,
        found=np.isfinite(curves.mouth),
        blinks=blinked,
        identity=float(np.nanmedian(distances)) if np.isfinite(distances).any() else float("nan"),
        head_motion=curves.head_motion,
        motion_energy=motion_energy(frames[:, y0:y1, x0:x1]),
        border_jump=border_jump(frames[:, y0 : (y0 + y1) // 2, x0:x1], SEGMENT_FRAMES),
        psnr_db=float("nan") if same else psnr_db(frames[sample], truth[sample]),
        perceptual=0.0 if same else perceptual_distance(frames[sample], truth[sample]),
    )


def _still(portrait: Portrait, truth: np.ndarray) -> Seen:
    """The first control: the portrait itself, held for the length of the clip."""
    count = len(range(0, len(truth), COMPARED_EVERY))
    pictures = np.repeat(portrait.picture[None], count, axis=0)
    return Seen(
        mouth=np.zeros(len(truth)),
        found=np.ones(len(truth), bool),
        blinks=0,
        identity=0.0,
        head_motion=0.0,
        motion_energy=0.0,
        border_jump=float("nan"),
        psnr_db=psnr_db(pictures, truth[::COMPARED_EVERY]),
        perceptual=perceptual_distance(pictures, truth[::COMPARED_EVERY]),
    )


def through_autoencoder(player: Any, at_a_time: int = 4) -> Through:
    """A function that sends frames through the model's autoencoder and back: what no output can be better than."""
    import torch

    from longtake.decode import decode_frames

    networks = player.networks

    @torch.inference_mode()
    def through(frames: UInt8[np.ndarray, "f H W 3"]) -> UInt8[np.ndarray, "f H W 3"]:
        done = []
        for start in range(0, len(frames), at_a_time):
            pictures = as_pictures(frames[start : start + at_a_time])
            latents = networks.autoencoder.encode(pictures.to(networks.device, networks.dtype))
            done.append(decode_frames(latents, networks, at_a_time, tail=1)[0])
        return np.concatenate(done)

    return through
