"""Small videos made on the spot."""

from fractions import Fraction

import av
import numpy as np


def film(path, times, sounds=0, size=(48, 64), codec="mpeg4", sound="aac", turned=0, gop=12, seconds=None, more=()):
    """Frames of one grey each (10, 14, 18, ...) shown at `times`, with so many tones."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream(codec, rate=25, options={"bf": "0", **dict(more)})
        picture.height, picture.width, picture.pix_fmt = *size, "yuv420p"
        picture.codec_context.time_base = Fraction(1, 1000)
        picture.codec_context.gop_size = gop
        if turned:
            picture.set_display_rotation(turned)
        streams = [container.add_stream(sound, rate=48000, layout="mono") for _ in range(sounds)]
        for k, time_s in enumerate(times):
            pixels = np.full((*size, 3), 10 + 4 * k % 240, np.uint8)
            pixels[:, : size[1] // 2] //= 2  # darker on the left
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = round(time_s * 1000), Fraction(1, 1000)
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        for k, stream in enumerate(streams):
            hum = np.sin(np.arange(round(48000 * (seconds or times[-1] + 0.04))) * (k + 1) * 0.05).astype(np.float32)
            kind = stream.codec_context.format.name
            samples = hum[None] if kind.startswith("flt") else (hum[None] * 32000).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(samples, format=kind, layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


def packets(path):
    """The bytes of each sound, packet by packet."""
    with av.open(str(path)) as container:
        return [
            [bytes(packet) for packet in container.demux(stream) if packet.size]
            for stream in list(container.streams.audio)
            if container.seek(0) is None
        ]
