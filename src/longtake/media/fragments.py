"""A growing video file made of pieces that need nothing of each other: a fragmented MP4.

Each piece has an encoder of its own, its first picture is a key frame, its time stamps are absolute. So the file plays after
every piece, can be cut after any, goes on later in another process, and is the same however often it was interrupted.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from fractions import Fraction
from itertools import chain

import av
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream
from jaxtyping import UInt8

from longtake.clips import Speech
from longtake.media.boxes import boxes
from longtake.media.codecs import Encoding, encoding_of
from longtake.media.reformat import for_encoder
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

    def encode(self, frames: Iterable[UInt8[np.ndarray, "H W 3"]], count: int, first_frame: int, number: int) -> bytes:
        """The piece that shows `count` frames from `first_frame` on, with its sound; that of number 0 begins with the header."""
        file, frames = io.BytesIO(), iter(frames)
        first = next(frames)
        height, width = first.shape[:2]
        encoding = encoding_of(self.settings, width, height)
        with av.open(file, "w", format="mp4", options={**PIECE, "fragment_index": str(number + 1)}) as container:
            container.metadata["comment"] = self.comment
            picture = add_picture(container, encoding, self.settings.fps, width, height, count)
            sound = self._source and self._source.add_stream(container, self.settings.sound_kbps)
            for place, pixels in enumerate(chain([first], frames), first_frame):
                container.mux(picture.encode(as_frame(pixels, place, self.settings.fps, encoding.pixels)))
            container.mux(picture.encode(None))
            if self._source is not None and sound is not None:
                start_s, stop_s = (place / self.settings.fps for place in (first_frame, first_frame + count))
                sound_piece(self._source, container, sound, start_s, min(stop_s, self._sound_s))
        kept = (*HEADER, *BODY) if number == 0 else BODY
        return b"".join(box for kind, box in boxes(file.getvalue()) if kind in kept)


def add_picture(
    container: OutputContainer, encoding: Encoding, fps: int, width: int, height: int, frames: int
) -> VideoStream:
    """The picture stream of a container. Pictures are coded in the order in which they are shown, so pieces don't overlap."""
    os.environ.setdefault("SVT_LOG", "1")  # the AV1 encoder would tell its whole configuration
    stream = container.add_stream(encoding.encoder, rate=fps, options=encoding.options)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height, stream.pix_fmt = width, height, encoding.pixels
    codec = stream.codec_context
    codec.time_base = Fraction(1, fps)
    if encoding.tag:
        codec.codec_tag = encoding.tag
    codec.gop_size = max(frames, 1)
    codec.color_primaries = codec.color_trc = codec.colorspace = BT709
    codec.color_range = LIMITED_RANGE
    return stream


def as_frame(pixels: UInt8[np.ndarray, "H W 3"], place: int, fps: int, kind: str = "yuv420p") -> av.VideoFrame:
    """The frame as the encoder wants it, stamped with its place in the video."""
    frame = for_encoder(pixels, kind)
    frame.pts, frame.time_base = place, Fraction(1, fps)
    return frame
