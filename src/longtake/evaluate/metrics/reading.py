"""One pass over a clip for many metrics: blocks of frames at 25 a second, memory that does not grow with the length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from longtake.errors import InputError, LongtakeError
from longtake.evaluate.metrics.ahead import ahead, beside
from longtake.evaluate.metrics.protocol import FPS, Clip, Metric, Summary
from longtake.evaluate.metrics.view import Session, View

BLOCK = 16
"""Frames shown at once: a window of FVD."""


@dataclass(eq=False)
class Measured:
    """What one pass over a clip found."""

    clip: str
    frames: int = 0
    numbers: dict[str, dict[str, float]] = field(default_factory=dict)  # by metric, then by quantity
    summaries: dict[str, Summary] = field(default_factory=dict)  # by metric
    over_time: dict[str, list[dict[str, float]]] = field(default_factory=dict)  # clip metrics, window after window
    window_s: float | None = None
    skipped: dict[str, str] = field(default_factory=dict)  # by metric: why it was not measured
    remarks: list[str] = field(default_factory=list)  # what was done to the clip before measuring, as sentences


def measure(clip: Clip, metrics: Sequence[Metric], window_s: float | None = None) -> Measured:
    """Everything that the metrics say of a clip; with `window_s` also of each stretch of it (Figure 5).

    What one metric can't do does not stop the others: it is told in `skipped`. A video that can't be read raises InputError.
    """
    found = Measured(clip.name, window_s=window_s)
    session = open_clip(clip, metrics, found)
    able = [metric for metric in metrics if metric.about.name not in found.skipped]
    whole = _Readers(able, clip, found)
    parts = _Readers([metric for metric in able if metric.kind == "clip"], clip, found) if window_s else None
    with beside() as pool:
        for view in ahead(views(session, found)):
            whole.see(view, pool)
            if parts:
                assert window_s is not None
                parts.see_windows(view, max(1, round(window_s * FPS)), pool)
            found.frames += len(view)
    if not found.frames:
        raise InputError(f"Not one frame of '{clip.video}' can be decoded.", expected="a video that players show")
    whole.finish()
    if parts:
        parts.finish_windows()
    return found


class _Readers:
    """The readers of several metrics; one that fails is left out, and it is said why."""

    def __init__(self, metrics: Sequence[Metric], clip: Clip, found: Measured) -> None:
        self.metrics, self.clip, self.found, self.seen = list(metrics), clip, found, 0
        self.readers: dict[str, object] = {}
        self._begin()

    def _begin(self) -> None:
        for metric in self.metrics:
            self._try(metric, lambda metric=metric: self.readers.update({metric.about.name: metric.begin(self.clip)}))

    def _try(self, metric: Metric, work) -> None:
        if metric.about.name in self.found.skipped:
            return
        try:
            work()
        except LongtakeError as error:
            self.found.skipped[metric.about.name] = str(error)

    def see(self, view: View, pool: Executor) -> None:
        """Shows a block: to metrics that only compare pictures with the true ones in the pool, to all others here."""
        pairs = [metric for metric in self.metrics if metric.about.needs == {"real clip"}]
        comparing = pool.submit(self._show, pairs, view)
        self._show([metric for metric in self.metrics if metric not in pairs], view)
        comparing.result()
        self.seen += len(view)

    def _show(self, metrics: Sequence[Metric], view: View) -> None:
        for metric in metrics:
            self._try(metric, lambda metric=metric: self.readers[metric.about.name].see(view))  # type: ignore

    def finish(self) -> None:
        for metric in self.metrics:
            self._try(metric, lambda metric=metric: self._keep(metric))

    def _keep(self, metric: Metric) -> None:
        reader, name = self.readers[metric.about.name], metric.about.name
        if metric.kind == "clip":
            self.found.numbers[name] = reader.numbers()  # type: ignore
        else:
            self.found.summaries[name] = reader.summary()  # type: ignore

    def see_windows(self, view: View, frames: int, pool: Executor) -> None:
        """Shows a block; where a window ends its numbers are kept and new readers begin. A block belongs to one window."""
        self.see(view, pool)
        if self.seen >= frames:
            self.finish_windows()

    def finish_windows(self) -> None:
        if not self.seen:
            return
        for metric in self.metrics:
            name = metric.about.name
            rows = self.found.over_time.setdefault(name, [])
            self._try(metric, lambda name=name, rows=rows: rows.append(self.readers[name].numbers()))  # type: ignore
        self.seen = 0
        self._begin()


def open_clip(clip: Clip, metrics: Sequence[Metric], found: Measured) -> Session:
    """The clip with all that the metrics need of it opened; what is lacking is told in `skipped`."""
    needs = {need for metric in metrics for need in metric.about.needs}
    session = Session(clip)
    lacking: dict[str, str] = {}
    for need, attempt in (("speech", _open_speech), ("labels", _open_labels), ("real clip", _open_real)):
        if need in needs:
            try:
                attempt(session)
            except LongtakeError as error:
                lacking[need] = str(error)
    if clip.portrait is not None:
        from longtake.media.images import read_image

        session.portrait = read_image(clip.portrait)
    for metric in metrics:
        for need in sorted(metric.about.needs & lacking.keys()):
            found.skipped[metric.about.name] = lacking[need]
    return session


def _open_speech(session: Session) -> None:
    from longtake.media.sound import open_speech

    session.speech = open_speech(session.clip.speech or session.clip.video)


def _open_labels(session: Session) -> None:
    path = session.clip.labels
    if path is None:
        raise InputError("This clip has no labels.", expected="a puppet's exact numbers: labels = NAME.npz")
    with np.load(path) as stored:
        session.labels = {name: stored[name] for name in stored.files}


def _open_real(session: Session) -> None:
    if session.clip.real is None:
        raise InputError(
            "This clip has no true clip to be compared with.",
            expected="a real video of the same name",
            do="give --real",
        )
    session.pairs = True


def views(session: Session, found: Measured) -> Iterator[View]:
    """The clip in blocks of up to 16 frames; beside them the true frames, as long as there are any."""
    clip, first = session.clip, 0
    ours = at_25(clip.video, found.remarks)
    true = at_25(clip.real, found.remarks) if clip.real is not None and session.pairs else None
    while len(pictures := _take(ours, BLOCK)):
        if true is not None:
            real = _take(true, len(pictures), pictures.shape[1:3])
            if len(real):
                yield View(first, pictures[: len(real)], session, real)
                first, pictures = first + len(real), pictures[len(real) :]
            if len(pictures):
                found.remarks.append(f"The true clip is shorter: {first} frames are compared.")
                true = None
        if len(pictures):
            yield View(first, pictures, session)
            first += len(pictures)
    if true is not None and next(true, None) is not None:
        found.remarks.append(f"The true clip is longer: {first} frames are compared.")


def _take(
    frames: Iterator[UInt8[np.ndarray, "H W 3"]], count: int, size: tuple[int, ...] | None = None
) -> UInt8[np.ndarray, "f H W 3"]:
    taken: list[np.ndarray] = []
    for frame in frames:
        taken.append(frame if size is None or frame.shape[:2] == size else _resized(frame, size))
        if len(taken) == count:
            break
    return np.stack(taken) if taken else np.zeros((0, 1, 1, 3), np.uint8)


def _resized(frame: UInt8[np.ndarray, "H W 3"], size: tuple[int, ...]) -> UInt8[np.ndarray, "h w 3"]:
    import cv2

    height, width = size
    shrinks = height * width < frame.shape[0] * frame.shape[1]
    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def at_25(path: Path, remarks: list[str]) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
    """The frames of a video at 25 a second: of each instant the frame that is nearest in time."""
    from longtake.media.footage import Footage

    footage = Footage(path)
    if abs(footage.fps - FPS) > 0.01:
        remarks.append(f"'{path.name}' has {footage.fps:.4g} frames a second; it was judged at {FPS}.")
    remarks.extend(footage.remarks)
    tick, last, size = 0, None, None
    for shot in footage.shots():
        if size is None:
            size = shot.picture.shape[:2]
        picture = shot.picture if shot.picture.shape[:2] == size else _resized(shot.picture, size)
        while last is not None and tick / FPS < (last[0] + float(shot.time_s)) / 2:
            yield last[1]
            tick += 1
        last = (float(shot.time_s), picture)
    if last is not None:
        end = last[0] + 1 / footage.fps
        while tick / FPS < end - 0.5 / FPS:
            yield last[1]
            tick += 1
    remarks.extend(footage.troubles)
