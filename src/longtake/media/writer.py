"""The video file that comes out, written while it is made.

Frames go to the encoder as they come, into a fragmented file beside the wanted one (`talk.part.mp4`), which plays even if the
process is killed. When the last frame is in, the file is closed, its index moved to the front, and renamed in one step.
"""

from __future__ import annotations

import errno
import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

import av
import numpy as np
from av.container import OutputContainer
from av.video.reformatter import ColorRange, Colorspace
from jaxtyping import UInt8

from longtake.clips import Speech
from longtake.errors import OutputError
from longtake.media.provenance import as_comment
from longtake.media.soundtrack import SoundTrack
from longtake.settings import VideoSettings

BT709 = 1  # ITU-T H.273 code for primaries, transfer and matrix
LIMITED_RANGE = 1
# A fragment at every key frame survives a kill; "hybrid" turns the same bytes into an ordinary file on closing.
STREAMED = {"movflags": "hybrid_fragmented+frag_keyframe+delay_moov+default_base_moof", "flush_packets": "1"}
FAST_START = {"movflags": "faststart"}


def check_output(out: str | Path, overwrite: bool = False) -> Path:
    """The path, once it is sure that a video can be written there; cheap, so call it before the long work."""
    out = Path(out)
    if out.suffix.lower() != ".mp4":
        raise OutputError(
            f"'{out}' is no name for a video.", expected="a name that ends in .mp4", do=f"-o {out.stem or 'talk'}.mp4"
        )
    if not out.parent.is_dir():
        raise OutputError(f"There is no folder '{out.parent}'.", do=f"mkdir -p '{out.parent}'")
    if out.is_dir():
        raise OutputError(f"'{out}' is a folder.", do="give the name of a file")
    if out.exists() and not overwrite:
        raise OutputError(f"'{out}' exists already.", do="add --overwrite, or choose another name")
    existed = part_path(out).exists()
    try:
        with open(part_path(out), "ab"):
            pass
        if not existed:
            part_path(out).unlink()
    except OSError as error:
        _refuse(out, error)
    return out


def part_path(out: Path) -> Path:
    """Where the video grows until it is whole."""
    return out.with_name(f"{out.stem}.part.mp4")


class VideoWriter:
    """A video under way. As a context it finishes on success; on an error it keeps what was made, playable, as `*.part.mp4`."""

    def __init__(
        self,
        out: str | Path,
        speech: Speech | None = None,
        settings: VideoSettings | None = None,
        made_by: dict[str, Any] | None = None,
        overwrite: bool = False,
    ) -> None:
        self.out = check_output(out, overwrite)
        self.part = part_path(self.out)
        self.speech = speech
        self.settings = settings or VideoSettings()
        self.comment = as_comment(made_by or {})
        self.frames = 0
        self.kept: Path | None = None  # where an unfinished video was left
        self._container: OutputContainer | None = None
        self._opened = False

    def write(self, frames: UInt8[np.ndarray, "f H W 3"]) -> None:
        """Appends the frames, and the sound up to the end of them."""
        try:
            if self._container is None:
                self._open(height=frames.shape[1], width=frames.shape[2])
            for frame in frames:
                self._write_frame(frame)
            self._advance_sound(self.seconds)
        except OSError as error:
            _refuse(self.out, error, self.abandon())

    @property
    def seconds(self) -> float:
        """How long the picture is by now."""
        return self.frames / self.settings.fps

    def finish(self) -> Path:
        """The finished file in its place: ordinary, seekable, index first; replaced in one step."""
        assert self._container is not None, "finish() before the first frame"
        try:
            self._close(self.speech.seconds if self.speech else 0.0)
            _publish(self.part, self.out, self.comment)
        except OSError as error:
            self.kept = self.part if self.part.exists() else None
            _refuse(self.out, error, self.kept)
        return self.out

    def abandon(self) -> Path | None:
        """Where the unfinished video is left, closed so that it plays; None if there was no frame yet."""
        if self._container is not None:
            try:
                self._close(self.seconds)
            except OSError:
                self._container = None  # the disk took no more: what lies there plays up to its last fragment
        if self.frames:
            self.kept = self.part if self.part.exists() else None
        elif self._opened:  # never an older run's file
            self.part.unlink(missing_ok=True)
        return self.kept

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()
        elif self.kept is None:
            self.abandon()

    def _open(self, height: int, width: int) -> None:
        assert height % 2 == 0 and width % 2 == 0, f"H.264 in yuv420p wants even sizes, got {width}x{height}"
        settings = self.settings
        self._container = container = av.open(str(self.part), "w", format="mp4", options=STREAMED)
        self._opened = True
        container.metadata["comment"] = self.comment
        options = {"crf": str(settings.crf), "preset": settings.preset}
        self._video = container.add_stream("libx264", rate=settings.fps, options=options)
        self._video.width, self._video.height, self._video.pix_fmt = width, height, "yuv420p"
        codec = self._video.codec_context
        codec.time_base = Fraction(1, settings.fps)
        codec.gop_size = settings.fps  # a key frame, so a fragment, every second
        codec.color_primaries = codec.color_trc = codec.colorspace = BT709
        codec.color_range = LIMITED_RANGE
        self._sound = None
        if self.speech is not None:
            self._sound = SoundTrack(container, self.speech.path, settings.sound_kbps)

    def _write_frame(self, pixels: UInt8[np.ndarray, "H W 3"]) -> None:
        assert self._container is not None
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
        frame.pts, frame.time_base = self.frames, Fraction(1, self.settings.fps)
        self._container.mux(self._video.encode(frame))
        self.frames += 1

    def _advance_sound(self, until_s: float) -> None:
        if self._sound is not None and self.speech is not None:
            self._sound.advance(min(until_s, self.speech.seconds))

    def _close(self, sound_s: float) -> None:
        """Ends both streams and the file; the container is let go of whatever happens."""
        assert self._container is not None
        container, self._container = self._container, None
        try:
            self._advance_sound(sound_s)
            container.mux(self._video.encode(None))
            if self._sound is not None:
                self._sound.finish()
        finally:
            container.close()


def _publish(part: Path, out: Path, comment: str) -> None:
    """Moves the index to the front by copying the streams, then renames; without room for a copy the plain file will do."""
    fast = out.with_name(f"{out.stem}.fast.part.mp4")
    try:
        _copy_streams(part, fast, comment)
        fast.replace(out)
    except OSError:
        fast.unlink(missing_ok=True)
        part.replace(out)
    part.unlink(missing_ok=True)


def _copy_streams(source: Path, target: Path, comment: str) -> None:
    with av.open(str(source)) as old, av.open(str(target), "w", format="mp4", options=FAST_START) as new:
        new.metadata["comment"] = comment
        twins = {
            stream.index: new.add_stream_from_template(stream) for stream in (*old.streams.video, *old.streams.audio)
        }
        for packet in old.demux():
            if packet.dts is not None:
                packet.stream = twins[packet.stream_index]
                new.mux(packet)
    with open(target, "rb") as file:
        os.fsync(file.fileno())


def _refuse(out: Path, error: OSError, kept: Path | None = None) -> NoReturn:
    reason = {
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the quota is used up",
        errno.EFBIG: "the file may not grow any more",
        errno.EACCES: f"the folder '{out.parent}' is not writable",
        errno.EPERM: f"the folder '{out.parent}' is not writable",
        errno.EROFS: f"the folder '{out.parent}' is read-only",
    }.get(error.errno or 0, error.strerror or str(error))
    do = f"what was made so far plays: {kept}" if kept else "free some space, or choose another place for -o"
    raise OutputError(f"'{out}' can't be written: {reason}.", do=do) from error
