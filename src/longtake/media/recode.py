"""A video made from another: new pictures at the old times, the old sound copied."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from av.audio.stream import AudioStream
from av.error import FFmpegError
from jaxtyping import UInt8

from longtake.errors import OutputError
from longtake.media.codecs import CONTAINERS, Encoding
from longtake.media.footage import Footage
from longtake.media.fragments import BT709, LIMITED_RANGE
from longtake.media.provenance import as_comment
from longtake.media.reformat import for_encoder
from longtake.media.video import open_video
from longtake.media.writer import check_output, part_path, refuse

COPIED = {
    ".mp4": {"aac", "mp3", "ac3", "eac3", "opus", "flac", "alac"},
    ".mov": {"aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le", "pcm_f32le", "pcm_s16be"},
}
"""Sounds that a kind of file takes as they are; Matroska takes all."""
AHEAD_S = Fraction(1, 2)


def check_file(out: str | Path, source: str | Path, overwrite: bool) -> Path:
    """The path, once it is sure that an enhanced video can be written there and that it is not the source itself."""
    out, source = Path(out), Path(source)
    if out.exists() and source.exists() and out.samefile(source):
        raise OutputError(f"'{out}' is the video that is read.", do="give another name with -o")
    return check_output(out, overwrite, tuple(CONTAINERS))


class Recoder:
    """The new file under way. It grows under another name, plays even if the process is killed, and is renamed at the end."""

    def __init__(
        self,
        out: Path,
        footage: Footage,
        size: tuple[int, int],
        encoding: Encoding,
        span_s: tuple[float, float] = (0.0, float("inf")),
        made_by: dict[str, Any] | None = None,
    ) -> None:
        self.out, self.encoding = out, encoding
        self.part = part_path(out)
        self.remarks: list[str] = []
        self.frames = 0
        self._start = Fraction(span_s[0])
        os.environ.setdefault("SVT_LOG", "1")  # the AV1 encoder would tell its whole configuration
        # Playable while it grows, an ordinary file once it is closed.
        options = {} if out.suffix.lower() == ".mkv" else {"movflags": "hybrid_fragmented"}
        try:
            self._file = av.open(str(self.part), "w", options=options)
        except (FFmpegError, OSError) as error:
            raise OutputError(f"'{out}' can't be written: {error}.", do="choose another place for -o") from error
        self._file.metadata["comment"] = as_comment(made_by or {})
        self._picture = self._add_picture(footage, size)
        self._sounds = _Sounds(self._file, footage, span_s, self.remarks) if footage.sounds else None

    def write(self, time_s: Fraction, picture: UInt8[np.ndarray, "H W 3"]) -> None:
        """Appends a frame that is shown at this time of the source, and the sound up to a little after it."""
        frame = for_encoder(picture, self.encoding.pixels)
        shown = time_s - self._start
        frame.pts, frame.time_base = round(shown / self._unit), self._unit
        try:
            self._file.mux(self._picture.encode(frame))
            if self._sounds:
                self._sounds.until(shown + AHEAD_S)
        except OSError as error:
            refuse(self.out, error, self.part)
        self.frames += 1

    def finish(self) -> Path:
        """The finished file in its place."""
        assert self.frames, "finish() before the first frame"
        try:
            self._close(whole=True)
            self.part.replace(self.out)
        except OSError as error:
            refuse(self.out, error, self.part)
        return self.out

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()
            return
        with suppress(FFmpegError, OSError):  # the error that brought us here is the one to tell
            self._close(whole=False)
            if not self.frames:
                self.part.unlink(missing_ok=True)

    def _close(self, whole: bool) -> None:
        """Puts in what the encoder still holds, with `whole` the rest of the sound too; nothing stays open, even on an error."""
        with ExitStack() as closing:
            closing.callback(self._file.close)
            if self._sounds:
                closing.callback(self._sounds.close)
            if self.frames:
                self._file.mux(self._picture.encode(None))
            if self._sounds and whole:
                self._sounds.end()

    def _add_picture(self, footage: Footage, size: tuple[int, int]) -> av.VideoStream:
        rate = Fraction(footage.fps).limit_denominator(1001)
        stream = self._file.add_stream(self.encoding.encoder, rate=rate, options=self.encoding.options)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = size
        stream.pix_fmt = self.encoding.pixels
        codec = stream.codec_context
        self._unit = (
            min(footage.time_base, Fraction(1, 1000)) if footage.time_base.numerator == 1 else Fraction(1, 90_000)
        )
        codec.time_base = self._unit
        codec.sample_aspect_ratio = footage.pixel_aspect
        codec.color_primaries = codec.color_trc = codec.colorspace = BT709
        codec.color_range = LIMITED_RANGE
        if self.encoding.tag:
            codec.codec_tag = self.encoding.tag
        return stream


class _Sounds:
    """All sound of the source, packet by packet; what the file can't take as it is becomes AAC."""

    def __init__(self, file, footage: Footage, span_s: tuple[float, float], remarks: list[str]) -> None:
        self._file, self._container = file, open_video(footage.path)
        self._start, self._stop = Fraction(span_s[0]), span_s[1]
        self._origin = footage.start_s
        self._streams: dict[int, AudioStream] = {}
        self._made: dict[int, av.AudioResampler] = {}
        taken = COPIED.get(Path(file.name).suffix.lower())
        for sound in self._container.streams.audio:
            name = sound.codec_context.name
            if taken is None or name in taken:
                self._streams[sound.index] = file.add_stream_from_template(sound)
                continue
            # PCM files often don't say how their channels are laid out.
            layout = {1: "mono", 2: "stereo"}.get(sound.layout.nb_channels, sound.layout.name)
            stream = file.add_stream("aac", rate=sound.rate, layout=layout)
            self._streams[sound.index] = stream
            self._made[sound.index] = av.AudioResampler("fltp", layout, sound.rate, frame_size=1024)
            remarks.append(f"Sound of the kind {name} does not go into this file as it is; it becomes AAC.")
        if self._start > 0:
            self._container.seek(round((self._start + self._origin) * 1_000_000))
        self._packets = self._demuxed()
        self._next: av.Packet | None = None

    def until(self, time_s: Fraction | float) -> None:
        """Puts in what begins before this time of the new file."""
        while True:
            packet, self._next = self._next or next(self._packets, None), None
            if packet is None:
                return
            if self._time(packet) > time_s:
                self._next = packet
                return
            self._put(packet)

    def end(self) -> None:
        """Puts in the rest."""
        self.until(float("inf"))
        for index, resampler in self._made.items():
            for part in [*resampler.resample(None), None]:
                self._file.mux(self._streams[index].encode(part))

    def close(self) -> None:
        """Lets go of the source."""
        self._container.close()

    def _demuxed(self) -> Iterator[av.Packet]:
        try:
            for packet in self._container.demux(*self._container.streams.audio):
                if packet.pts is None or packet.dts is None:
                    continue
                time_s = self._time(packet)
                if time_s >= 0 and time_s + self._start < self._stop:
                    yield packet
        except FFmpegError:
            return  # the picture's reader tells of damage

    def _time(self, packet: av.Packet) -> Fraction:
        assert packet.pts is not None and packet.time_base is not None
        return packet.pts * packet.time_base - self._origin - self._start

    def _put(self, packet: av.Packet) -> None:
        index = packet.stream.index
        stream = self._streams[index]
        assert packet.pts is not None and packet.dts is not None and packet.time_base is not None
        moved = round((self._origin + self._start) / packet.time_base)
        if index not in self._made:
            packet.pts, packet.dts = packet.pts - moved, packet.dts - moved
            packet.stream = stream
            self._file.mux(packet)
            return
        try:
            frames = packet.decode()
        except FFmpegError:
            return
        for frame in frames:
            if isinstance(frame, av.AudioFrame):
                frame.pts = None if frame.pts is None else frame.pts - moved
                for part in self._made[index].resample(frame):
                    self._file.mux(stream.encode(part))
