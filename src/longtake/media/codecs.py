"""Which encoder makes the file, in which form, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from longtake.errors import OutputError
from longtake.settings import OutputSettings, VideoSettings

H264_BLOCKS = 36_864
"""Blocks of 16 x 16 pixels that level 5.2 allows in a picture: what players' decoders were built for (4096 x 2304)."""
HEVC_PIXELS, AV1_PIXELS = 35_651_584, 139_264 * 256 * 4
"""Pixels of the largest levels (6.2 of HEVC; AV1 with room for 16384 x 8704)."""
HARDWARE = {"h264": "h264_nvenc", "hevc": "hevc_nvenc", "av1": "av1_nvenc"}
SOFTWARE = {"h264": "libx264", "hevc": "libx265", "av1": "libsvtav1", "prores": "prores_ks"}
CONTAINERS = {
    ".mp4": ("h264", "hevc", "av1"),
    ".mov": ("h264", "hevc", "prores"),
    ".mkv": ("h264", "hevc", "av1", "prores"),
}
ORDERED = {"bf": "0"}
"""Pictures are coded in the order in which they are shown: a file that plays while it grows can't tell of another."""


@dataclass(frozen=True)
class Encoding:
    """An encoder and all that it is told."""

    codec: str
    encoder: str
    pixels: str
    options: dict[str, str]
    tag: str = ""
    remarks: tuple[str, ...] = ()


def choose(settings: OutputSettings, suffix: str, width: int, height: int) -> Encoding:
    """The encoding for a picture size and a kind of file; raises OutputError for what can't be together."""
    remarks: list[str] = []
    codec = _codec(settings, width, height, remarks)
    if codec not in CONTAINERS.get(suffix, ()):
        raise OutputError(
            f"{codec} does not go into a {suffix or 'file without a suffix'}.",
            expected="; ".join(f"{kind}: {', '.join(codecs)}" for kind, codecs in CONTAINERS.items()),
            do="choose another --codec or another ending for -o",
        )
    encoder = SOFTWARE[codec]
    if settings.hardware and codec in HARDWARE:
        if opens(HARDWARE[codec], width, height):
            encoder = HARDWARE[codec]
        else:
            remarks.append(f"There is no hardware encoder for {codec} of this size here: {encoder} is used.")
    if codec == "h264" and settings.bits == 10:
        remarks.append("Few players show H.264 with 10 bits; HEVC and AV1 with 10 bits are common.")
    pixels = "yuv422p10le" if codec == "prores" else "yuv420p10le" if settings.bits == 10 else "yuv420p"
    if encoder.endswith("nvenc") and settings.bits == 10:
        pixels = "p010le"
    tag = "hvc1" if codec == "hevc" and suffix in (".mp4", ".mov") else ""
    return Encoding(codec, encoder, pixels, _options(encoder, settings.quality), tag, tuple(remarks))


def encoding_of(video: VideoSettings, width: int, height: int) -> Encoding:
    """The encoding of an animation of this size: `crf` as H.264 counts it, and an effort of one's own choice."""
    assert width % 2 == 0 and height % 2 == 0, f"yuv420p wants even sizes, got {width}x{height}"
    quality = min(100, max(0, 4 * (38 - video.crf)))
    chosen = choose(OutputSettings(codec=video.codec, bits=video.bits, quality=quality), ".mp4", width, height)
    own = {"libx264": {"crf": str(video.crf)}, "libx265": {"crf": str(min(51, video.crf + 2))}}.get(chosen.encoder)
    effort = {} if own is None else own | {"preset": video.preset}
    return replace(chosen, options=chosen.options | effort)


def opens(encoder: str, width: int, height: int) -> bool:
    """Whether this encoder is here and takes pictures of this size."""
    import av
    from av.error import FFmpegError

    try:
        context = av.CodecContext.create(encoder, "w")
        assert isinstance(context, av.VideoCodecContext)
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base = Fraction(1, 25)
        context.open()
    except (FFmpegError, ValueError):
        return False
    return True


def _codec(settings: OutputSettings, width: int, height: int, remarks: list[str]) -> str:
    blocks = -(-width // 16) * -(-height // 16)
    if settings.codec == "auto":
        if blocks <= H264_BLOCKS:
            return "h264"
        chosen = "hevc" if width * height <= HEVC_PIXELS else "av1"
        remarks.append(
            f"{width} x {height} is more than the H.264 levels that players know (up to 4096 x 2304): {chosen} is written."
        )
        return chosen
    if settings.codec == "h264" and blocks > H264_BLOCKS:
        remarks.append(
            f"H.264 of {width} x {height} needs a level above 5.2, which few players know; hevc or av1 are safer."
        )
    largest = {"hevc": HEVC_PIXELS, "av1": AV1_PIXELS, "h264": HEVC_PIXELS}.get(settings.codec)
    if largest is not None and width * height > largest:
        raise OutputError(
            f"{width} x {height} is beyond the largest level of {settings.codec}.",
            do="choose a smaller --size or --codec av1",
        )
    return settings.codec


def _options(encoder: str, quality: int) -> dict[str, str]:
    """`quality` 0 to 100 as each encoder counts it."""
    if encoder == "libx264":
        return {"crf": f"{38 - quality / 4:.1f}", "preset": "veryfast", **ORDERED}
    if encoder == "libx265":
        return {"crf": f"{40 - quality / 4:.1f}", "preset": "veryfast", "x265-params": "log-level=error:bframes=0"}
    if encoder == "libsvtav1":
        return {"crf": str(round(58 - 0.38 * quality)), "preset": "8"}
    if encoder == "prores_ks":
        return {"profile": "3" if quality >= 60 else "2", "vendor": "apl0"}
    return {"rc": "vbr", "cq": str(round(40 - quality / 4)), "preset": "p5", **ORDERED}
