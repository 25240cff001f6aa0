"""A growing video file made of pieces that need nothing of each other: a fragmented MP4.

Each piece has an encoder of its own, its first picture is a key frame, its time stamps are absolute. So the file plays after
every piece, can be cut after any, goes on later in another process, and is the same however often it was interrupted.
"""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
from av.container import OutputContainer
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream
from jaxtyping import UInt8

from longtake.clips import Speech
from longtake.media.boxes import boxes
from longtake.media.soundtrack import Source, sound_piece
from longtake.settings import VideoSettings

BT709 = 1  # ITU-T H.273 code for primaries, transfer and matrix
LIMITED_RANGE = 1
PIECE = {
    "movflags": "empty_moov+default_base_moof+frag_custom+frag_discont",  # a fragment whose times don't begin at zero
    "avoid_negative_ts": "disabled",
    "use_editlist": "0",
}
HEADER, BODY = (b"ftyp", b"moov"), (b"moof", b"mdat")


class Pieces:
    """Makes the pieces of one video: `header` + piece + piece + ... is the file."""

    def __init__(self, settings: VideoSettings, speech: Speech | None, comment: str) -> None:
        self.settings, self.comment = settings, comment
        self._source = None if speech is None else Source(speech.path)
        self._sound_s = 0.0 if speech is None else speech.seconds

    def encode(self, frames: UInt8[np.ndarray, "f H W 3"], first_frame: int, number: int) -> bytes:
        """The piece that shows `frames` from `first_frame` on, with its sound; the piece of number 0 begins with the header."""
        height, width = frames.shape[1:3]
        assert height % 2 == 0 and width % 2 == 0, f"H.264 in yuv420p wants even sizes, got {width}x{height}"
        file = io.BytesIO()
        with av.open(file, "w", format="mp4", options={**PIECE, "fragment_index": str(number + 1)}) as container:
            container.metadata["comment"] = self.comment
            picture = add_picture(container, self.settings, width, height, len(frames))
            sound = self._source and self._source.add_stream(container, self.settings.sound_kbps)
            for place, pixels in enumerate(frames, first_frame):
                container.mux(picture.encode(as_frame(pixels, place, self.settings.fps)))
            container.mux(picture.encode(None))
            if self._source is not None and sound is not None:
                start_s, stop_s = (place / self.settings.fps for place in (first_frame, first_frame + len(frames)))
                sound_piece(self._source, container, sound, start_s, min(stop_s, self._sound_s))
        kept = (*HEADER, *BODY) if number == 0 else BODY
        return b"".join(box for kind, box in boxes(file.getvalue()) if kind in kept)


def add_picture(
    container: OutputContainer, settings: VideoSettings, width: int, height: int, frames: int
) -> VideoStream:
    """The H.264 stream of a container. Pictures are coded in the order in which they are shown, so pieces don't overlap."""
    options = {"crf": str(settings.crf), "preset": settings.preset, "bf": "0"}
    stream = container.add_stream("libx264", rate=settings.fps, options=options)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    codec = stream.codec_context
    codec.time_base = Fraction(1, settings.fps)
    codec.gop_size = max(frames, 1)
    codec.color_primaries = codec.color_trc = codec.colorspace = BT709
    codec.color_range = LIMITED_RANGE
    return stream


def as_frame(pixels: UInt8[np.ndarray, "H W 3"], place: int, fps: int) -> av.VideoFrame:
    """The frame as the encoder wants it, stamped with its place in the video."""
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
    frame.pts, frame.time_base = place, Fraction(1, fps)
    return frame
