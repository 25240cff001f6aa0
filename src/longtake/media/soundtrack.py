"""The AAC track of a video: the speech itself, in stereo where it was, encoded just ahead of the picture."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from jaxtyping import Float

from longtake.media.sound import blocks


class SoundTrack:
    """Sound under way into a container, always as far as the picture, so that an unfinished file speaks too."""

    def __init__(self, container: OutputContainer, path: Path, kbps: int) -> None:
        first = next(blocks(path))
        self.layout = "mono" if len(first[1]) == 1 else "stereo"
        self.rate_hz = 44_100 if first[2] % 11_025 == 0 else 48_000  # an AAC frame is then shorter than a video frame
        self._container = container
        self._stream = container.add_stream("aac", rate=self.rate_hz, layout=self.layout)
        self._stream.bit_rate = kbps * 1000
        self._samples = _at_rate(path, self.layout, self.rate_hz)
        self._waiting = np.zeros((self._stream.layout.nb_channels, 0), np.float32)
        self._encoded = 0  # samples handed to the encoder

    def advance(self, until_s: float) -> None:
        """Encodes whole AAC frames up to `until_s`; the rest waits."""
        size = self._stream.codec_context.frame_size or 1024
        self._take_until(round(until_s * self.rate_hz))
        while self._waiting.shape[1] >= size:
            self._encode(size)

    def finish(self) -> None:
        """Encodes what waits and closes the track."""
        if self._waiting.shape[1]:
            self._encode(self._waiting.shape[1])
        self._container.mux(self._stream.encode(None))

    def _take_until(self, end: int) -> None:
        """Reads so that exactly `end` samples were taken in all; zeros where the source has fewer."""
        parts, missing = [self._waiting], end - self._encoded - self._waiting.shape[1]
        while missing > 0:
            block = next(self._samples, None)
            if block is None:
                block = np.zeros((len(self._waiting), missing), np.float32)
            if block.shape[1] > missing:
                self._samples = _chain(block[:, missing:], self._samples)
                block = block[:, :missing]
            parts.append(block)
            missing -= block.shape[1]
        self._waiting = np.concatenate(parts, axis=1)

    def _encode(self, count: int) -> None:
        taken, self._waiting = np.ascontiguousarray(self._waiting[:, :count]), self._waiting[:, count:]
        frame = av.AudioFrame.from_ndarray(taken, format="fltp", layout=self.layout)
        frame.sample_rate, frame.pts, frame.time_base = self.rate_hz, self._encoded, Fraction(1, self.rate_hz)
        self._encoded += count
        self._container.mux(self._stream.encode(frame))


def _chain(block: np.ndarray, rest: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    yield block
    yield from rest


def _at_rate(path: Path, layout: str, rate_hz: int) -> Iterator[Float[np.ndarray, "c samples"]]:
    resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate_hz)
    for samples, names, source_hz in blocks(path):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=_layout_name(names))
        frame.sample_rate = source_hz
        for part in resampler.resample(frame):
            yield part.to_ndarray()
    for part in resampler.resample(None):
        yield part.to_ndarray()


def _layout_name(names: list[str]) -> str:
    return {1: "mono", 2: "stereo"}.get(len(names), "+".join(names))
