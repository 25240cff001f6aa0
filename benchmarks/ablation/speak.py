"""One clip of a row: a held-out puppet speaks, and every five seconds of it are measured and forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image

from ablation.rows import Row
from longtake.clips import Portrait, Segment
from longtake.conditions import PortraitConditions, read_portrait
from longtake.diffusion.guidance import branches
from longtake.diffusion.noise import segment_generator
from longtake.evaluate.cases import Case
from longtake.evaluate.controls import player_with
from longtake.evaluate.curves import correlation, voiced_frames
from longtake.evaluate.face import background_psnr_db, measure_face, motion_energy
from longtake.evaluate.minute import minute_of_speech
from longtake.evaluate.playing import speech_of
from longtake.face.appearance import background_mask, skin_colour
from longtake.face.regions import face_picture
from longtake.motion import add_noise, drop_patches
from longtake.networks import Networks
from longtake.parallel import ParallelSegments, step_of
from longtake.prepare import portrait_of
from longtake.segments import SEGMENT_FRAMES, Segments
from longtake.settings import Settings

WINDOW_S = 5.0
EVERY = 4
"""Landmarks are read in every fourth frame: a correlation needs no more."""
SHOT_PX = 128


@dataclass(frozen=True)
class Scene:
    """What is said and by whom: the portrait of one held-out clip, the speech of all of them beginning with its own."""

    cases: Sequence[Case]
    index: int
    seconds: float

    @property
    def order(self) -> list[Case]:
        """The clips in the order in which their speech is said."""
        return [*self.cases[self.index :], *self.cases[: self.index]]

    def truth(self, frames: int) -> tuple[np.ndarray, np.ndarray]:
        """The exact mouth opening of the puppet whose words these are, and where it speaks, for each frame."""
        mouths, voiced, count = [], [], 0
        while count < frames:
            for case in self.order:
                mouths.append(case.mouth_open)
                voiced.append(voiced_frames(case.phones, len(case.mouth_open), case.fps))
                count += len(case.mouth_open)
        return np.concatenate(mouths)[:frames], np.concatenate(voiced)[:frames]


def speak(
    weights: Path, row: Row, scene: Scene, steps: int, shots: Path, strategy: str = "incremental"
) -> dict[str, Any]:
    """What each window of the video is like; a few of its frames are written to the picture `shots`."""
    sampling = {"steps": steps, "strategy": strategy}
    player = player_with(weights, {"sampling": sampling, "motion": row.motion})
    case, settings, networks = scene.order[0], player.settings, player.networks
    portrait = portrait_of(case.frames[0], settings.portrait, player.preset, case.name)
    fps = settings.video.fps
    frames = round(scene.seconds * fps)
    speech = speech_of(minute_of_speech(scene.order, scene.seconds))
    told = branches(settings.guidance.portrait, settings.guidance.speech, settings.guidance.words)
    conditions = _spoilt(read_portrait(portrait, networks, told, settings), row, networks, settings)
    box = torch.as_tensor(face_picture(portrait.regions.face_box, settings.portrait.size_px) > 0)
    made = Segments(conditions, networks.listen(speech), box, networks, settings)
    if strategy == "parallel":
        made = ParallelSegments([made], settings)
    measure, pictures, windows, changes = _measurer(portrait, fps), [], [], Changes()
    mouth, voiced = scene.truth(frames)
    for k, part in enumerate(windows_of(made.until(frames), round(WINDOW_S * fps))):
        here = slice(k * round(WINDOW_S * fps), k * round(WINDOW_S * fps) + len(part))
        changes.see(part)
        windows.append(measure(part, mouth[here], voiced[here]))
        pictures.append(_small(part[-1]))
    shots.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.hstack([_small(portrait.picture), *pictures])).save(shots)
    return {"clip": case.name, "seconds_of_video": scene.seconds, "steps": steps, "windows": windows} | {
        "jump": round(changes.at_joints(step_of(settings)), 4)
    }


class Changes:
    """How much each frame differs from the one before it, in grey levels."""

    def __init__(self) -> None:
        self.last: np.ndarray | None = None
        self.values: list[float] = []

    def see(self, frames: np.ndarray) -> None:
        """Takes the next frames."""
        for frame in frames:
            if self.last is not None:
                self.values.append(float(cv2.absdiff(self.last, frame).mean()))
            self.last = frame

    def at_joints(self, step: int) -> float:
        """The mean change around the beginnings of segments over the mean change elsewhere: 1 = a joint can't be seen.

        Where segments overlap, the joint is all of the cross-fade and the change after it.
        """
        places = np.arange(1, len(self.values) + 1)
        joint = (places >= step) & (places % step <= SEGMENT_FRAMES - step)
        values = np.array(self.values)
        return float(values[joint].mean() / values[~joint].mean()) if joint.any() else float("nan")


def windows_of(segments: Iterator[Segment], count: int) -> Iterator[np.ndarray]:
    """The frames of the segments, `count` at a time; the last ones may be fewer."""
    held = np.zeros((0, 0, 0, 3), np.uint8)
    for segment in segments:
        held = np.concatenate([held, segment.frames]) if len(held) else segment.frames
        while len(held) >= count:
            yield held[:count]
            held = held[count:]
    if len(held):
        yield held


def _measurer(portrait: Portrait, fps: int) -> Callable[[np.ndarray, np.ndarray, np.ndarray], dict[str, float | None]]:
    mask = background_mask(portrait.picture)
    skin = skin_colour(portrait.picture, portrait.landmarks)

    def measure(frames: np.ndarray, mouth: np.ndarray, voiced: np.ndarray) -> dict[str, float | None]:
        seen = frames[::EVERY]
        curves = measure_face(seen, fps / EVERY, identity_every=4)
        spoken = voiced[::EVERY]
        pairs = zip(seen[::4], curves.landmarks[::4], strict=True)
        skins = [skin_colour(frame, points) for frame, points in pairs if np.isfinite(points).all()]
        values = {
            "identity": np.nanmedian(curves.identity_distances(portrait.identity)) if curves.found_share else np.nan,
            "sharpness": np.nanmedian(curves.sharpness),
            "background_db": np.nanmean(background_psnr_db(frames[::5], portrait.picture, mask)),
            "mouth": correlation(curves.mouth[spoken], mouth[::EVERY][spoken]),
            "colour": np.nanmedian(np.linalg.norm(np.reshape(skins, (-1, 3)) - skin, axis=-1)),
            "change": motion_energy(frames),
            "found": curves.found_share,
        }
        return {name: round(float(value), 4) if np.isfinite(value) else None for name, value in values.items()}

    return measure


def _small(picture: np.ndarray) -> np.ndarray:
    return cv2.resize(picture, (SHOT_PX, SHOT_PX), interpolation=cv2.INTER_AREA)


@torch.inference_mode()
def _spoilt(portrait: PortraitConditions, row: Row, networks: Networks, settings: Settings) -> PortraitConditions:
    """The same portrait, read by the reference net with dropped patches and noise where the row says so."""
    if row.corrupted != "reference":
        return portrait
    generator = segment_generator(settings.sampling.seed, 2**31)
    dropped = drop_patches(portrait.picture[None], generator, row.patch_px, row.drop_rate)
    latent = add_noise(networks.autoencoder.encode(dropped), generator, row.noise_std)
    rows = latent.expand(len(portrait.branches), -1, -1, -1)
    return replace(portrait, reference=networks.animation.reference_net(rows, portrait.identity))
