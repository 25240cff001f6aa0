"""`longtake doctor --calibrate`: a few real segments of a preset, timed on inputs that are drawn and hummed here."""

from __future__ import annotations

import os
import tempfile
import time
import wave
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from longtake.apps.calibration import Calibration, load_of, place_of
from longtake.clips import SAMPLE_RATE_HZ
from longtake.presets import Preset
from longtake.settings import Settings

if TYPE_CHECKING:
    from longtake.animator import Animator
    from longtake.inputs import Prepared
    from longtake.pace import Progress

SEGMENTS = 3


def calibrate(model: Preset, settings: Settings, tell: Callable[[Progress], None] = lambda now: None) -> Calibration:
    """What segments of the preset take here; the first is kept apart from the others."""
    from longtake.animator import Animator
    from longtake.rehearsal import foresee

    model.expect_weights()
    began = time.monotonic()
    animator = Animator(model, settings=settings)
    load_s = time.monotonic() - began
    ends: list[Progress] = []

    def progress(now: Progress) -> None:
        ends.append(now)
        tell(now)

    with tempfile.TemporaryDirectory() as folder:
        ready = sample_inputs(animator, Path(folder))
        out = animator.animate(ready, None, Path(folder) / "talk.mp4", progress=progress)
        frame_bytes = video_bytes(out) / ends[-1].frames
    times = [now.work_s for now in ends]
    return Calibration(
        place=place_of(model, settings),
        load=load_of(settings),
        operations=foresee(model, settings, animator.networks.dtype).operations,
        load_s=round(load_s, 3),
        first_s=round(times[0], 3),
        segment_s=round((times[-1] - times[0]) / (len(times) - 1), 3),
        frame_bytes=round(frame_bytes, 1),
        crf=settings.video.crf,
        peak_mb=ends[-1].peak_mb,
        gpu_peak_mb=ends[-1].gpu_peak_mb,
        date=datetime.now(UTC).date().isoformat(),
        busy=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    )


def sample_inputs(animator: Animator, folder: Path) -> Prepared:
    """A drawn portrait and a hummed speech of a few segments."""
    from longtake.face.drawn import drawn_face
    from longtake.inputs import Prepared
    from longtake.media.sound import open_speech
    from longtake.parallel import step_of
    from longtake.prepare import portrait_of

    settings = animator.settings
    # Its identity is not asked for: the published reader need not take a drawing for a face, and time does not depend on it.
    anonymous = replace(animator.preset, published=False)
    portrait = portrait_of(grained(drawn_face()), settings.portrait.overlay({"face": None}), anonymous)
    width = animator.networks.animation.sizes.identity.embedding
    identity = np.full(width, width**-0.5, np.float32)
    path = folder / "speech.wav"
    write_wav(path, hummed(SEGMENTS * step_of(settings) / settings.video.fps))
    return Prepared(replace(portrait, identity=identity), open_speech(path))


def grained(picture: np.ndarray) -> np.ndarray:
    """The drawing with the grain of a photograph, without which its video would be smaller than anybody's."""
    grain = np.random.default_rng(0).normal(0, 3, picture.shape)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def hummed(seconds: float) -> Float[np.ndarray, " samples"]:
    """Syllables on a gliding pitch, three a second."""
    times = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    phase = 2 * np.pi * np.cumsum(130 + 30 * np.sin(2 * np.pi * 0.7 * times)) / SAMPLE_RATE_HZ
    buzz = sum(np.sin(k * phase) / k for k in range(1, 20))
    return (0.2 * buzz * np.clip(np.sin(2 * np.pi * 3 * times), 0, 1)).astype(np.float32)


def write_wav(path: Path, samples: Float[np.ndarray, " samples"]) -> None:
    """Writes mono sound at 16 kHz."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes((samples * 32767).astype("<i2").tobytes())


def video_bytes(path: Path) -> int:
    """What the pictures of a video take, without its sound."""
    import av

    with av.open(str(path)) as container:
        return sum(packet.size for packet in container.demux(container.streams.video[0]))


def told(calibration: Calibration, fps: int, segment_frames: int) -> dict[str, Any]:
    """The calibration as `doctor` shows it."""
    per_second = calibration.segment_s * fps / segment_frames
    gpu = {} if calibration.gpu_peak_mb is None else {"peak GPU memory": f"{calibration.gpu_peak_mb:.0f} MB"}
    place = calibration.place
    return {
        "where": f"{place.machine}; {place.device}, {place.dtype}, {place.threads} threads",
        "loading": f"{calibration.load_s:.1f} s",
        "first segment": f"{calibration.first_s:.1f} s",
        "each further": f"{calibration.segment_s:.1f} s, {per_second:.1f} s of work for a second of video",
        "video": f"{calibration.frame_bytes * fps / 1e3:.0f} kB a second at crf {calibration.crf}",
        "peak memory": "unknown" if calibration.peak_mb is None else f"{calibration.peak_mb:.0f} MB",
        **gpu,
    }
