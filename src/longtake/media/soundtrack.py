"""The AAC track of a video: the speech itself, in stereo where it was, encoded just ahead of the picture."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from jaxtyping import Float

from longtake.clips import Speech
from longtake.media.sound import blocks
from longtake.media.windows import Windows

FRAME = 1024  # samples in a frame of AAC
BEFORE, AFTER = 6, 2
"""Frames that an encoder hears before and after a piece, so that the piece is what one encoder of the whole would give."""


class Source:
    """The sound of a file at the rate and with the channels that the track will have."""

    def __init__(self, path: Path) -> None:
        first = next(blocks(path))
        self.layout = "mono" if len(first[1]) == 1 else "stereo"
        self.rate_hz = 44_100 if first[2] % 11_025 == 0 else 48_000  # an AAC frame is then shorter than a video frame
        self._windows = Windows(
            lambda: _at_rate(path, self.layout, self.rate_hz), history=self.rate_hz, channels=len(first[1][:2])
        )

    def window(self, start: int, stop: int) -> Float[np.ndarray, "c samples"]:
        """Samples from `start` up to `stop`; zeros outside."""
        return self._windows.window(start, stop)

    def add_stream(self, container: OutputContainer, kbps: int) -> AudioStream:
        """The stream of a container that is to carry this sound."""
        stream = container.add_stream("aac", rate=self.rate_hz, layout=self.layout)
        stream.bit_rate = kbps * 1000
        return stream

    def packets(self, stream: AudioStream | av.AudioCodecContext, start: int, stop: int) -> Iterator[av.Packet]:
        """What the encoder gives for samples from `start` up to `stop`, stamped with their place; it is not ended."""
        for place in range(start, stop, FRAME):
            samples = np.ascontiguousarray(self.window(place, min(place + FRAME, stop)))
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=self.layout)
            frame.sample_rate, frame.pts, frame.time_base = self.rate_hz, place, Fraction(1, self.rate_hz)
            yield from stream.encode(frame)


class Encoder:
    """The whole sound by one encoder from beginning to end, packet by packet."""

    def __init__(self, speech: Speech, kbps: int) -> None:
        self._source, self._seconds = Source(speech.path), speech.seconds
        self.rate_hz = self._source.rate_hz
        self._context = av.CodecContext.create("aac", "w")
        assert isinstance(self._context, av.AudioCodecContext)
        self._context.sample_rate, self._context.layout, self._context.format = (
            self.rate_hz,
            self._source.layout,
            "fltp",
        )
        self._context.bit_rate, self._context.time_base = kbps * 1000, Fraction(1, self.rate_hz)
        self._context.flags |= 1 << 22  # headers beside the packets, as MP4 has them (AV_CODEC_FLAG_GLOBAL_HEADER)
        self._encoded = 0  # samples handed to the encoder

    @property
    def frames_at_most(self) -> int:
        """Packets that the whole sound can have."""
        return round(self._seconds * self.rate_hz) // FRAME + 4

    def until(self, stop_s: float) -> list[bytes]:
        """The packets that whole frames up to `stop_s` give."""
        end = round(min(stop_s, self._seconds) * self.rate_hz)
        return self._encode(end - (end - self._encoded) % FRAME)

    def end(self) -> list[bytes]:
        """The packets of what is left."""
        return [*self._encode(round(self._seconds * self.rate_hz)), *map(bytes, self._context.encode(None))]

    def _encode(self, end: int) -> list[bytes]:
        packets = [bytes(packet) for packet in self._source.packets(self._context, self._encoded, end)]
        self._encoded = max(end, self._encoded)
        return packets


def sound_piece(source: Source, container: OutputContainer, stream: AudioStream, start_s: float, stop_s: float) -> None:
    """Puts the AAC frames that begin from `start_s` up to `stop_s` into the container.

    An encoder of its own makes them, which heard a little before and after: pieces made apart join without a seam.
    """
    first, last = (-int(-second * source.rate_hz // FRAME) for second in (start_s, stop_s))
    begin = max(first - BEFORE, 0)
    packets = [*source.packets(stream, begin * FRAME, (last + AFTER) * FRAME), *stream.encode(None)]
    for packet in packets:
        if packet.pts is not None and first * FRAME <= packet.pts < last * FRAME:
            container.mux(packet)


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
