"""Sound from any file: mono float32 at 16 kHz in windows, however long the file is.

A file is decoded once to learn its exact length and whether it can be used, then read forwards as windows are asked for.
The network and the finished video hear the same samples: both come from `blocks`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soxr
from av.container import InputContainer
from av.error import FFmpegError
from jaxtyping import Float

from longtake.clips import SAMPLE_RATE_HZ, Speech
from longtake.errors import SpeechUnreadable
from longtake.media.hearing import Hearing
from longtake.media.sound_doubts import sound_doubts
from longtake.media.windows import Windows

SHORTEST_S = 0.04  # one frame at 25 fps
DAMAGED_SHARE = 0.1  # above this a file counts as broken, below it the damage is skipped and told
SILENT_PEAK = 1e-4  # -80 dB
LONGEST_PACKET = 4096  # samples; AAC has 1024 or 2048
HISTORY_S = 30.0  # how far back a window may start without decoding from the beginning again

# How much each speaker counts in the mono sum: films put the voice in the centre, so it counts most; the bass channel not.
CHANNEL_WEIGHTS = {"FL": 0.5, "FR": 0.5, "FC": 0.7, "LFE": 0.0, "LFE2": 0.0}
OTHER_CHANNEL_WEIGHT = 0.25
USUAL_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
SPEAKERS = {channel.name for channel in av.AudioLayout("7.1").channels} | {"BC", "FLC", "FRC", "SL", "SR", "BL", "BR"}


@dataclass(frozen=True)
class SoundFacts:
    """What one pass over a file tells."""

    rate_hz: int
    samples: int
    peak: float
    unusable: int  # samples that were NaN or infinite
    damaged: int  # packets that could not be decoded
    packets: int
    measures: dict[str, float]  # hearing.py

    @property
    def seconds(self) -> float:
        return self.samples / self.rate_hz


@dataclass
class Tally:
    """What reading a file's packets showed."""

    packets: int = 0
    damaged: int = 0
    stated_s: float | None = None  # length by the container's index, where that is to be trusted


def open_speech(path: str | Path, separated: bool = False) -> Speech:
    """The speech in any audio or video file, with its exact length; warnings where it was usable but not clean.

    `separated`: the voice will be taken out of it, so noise and music are no trouble.
    """
    path = Path(path)
    _check_file(path)
    facts = _measure(path)
    warnings = (*_judge(path, facts), *sound_doubts(facts.measures, facts.seconds, separated))
    windows = sound_windows(path, facts.samples, facts.rate_hz)
    return Speech(path, facts.seconds, windows, warnings, facts.measures)


def read_sound(path: str | Path) -> Float[np.ndarray, " samples"]:
    """The whole sound of a short file: mono, 16 kHz."""
    speech = open_speech(path)
    return speech.read(0.0, speech.seconds)


def sound_windows(path: Path, samples: int, rate_hz: int) -> Windows:
    """Windows of a file's sound, mono at 16 kHz; half a minute is kept."""
    total = round(samples * SAMPLE_RATE_HZ / rate_hz)
    return Windows(lambda: _resample(_mono(path), rate_hz), round(HISTORY_S * SAMPLE_RATE_HZ), total)


def blocks(path: Path) -> Iterator[tuple[Float[np.ndarray, "c samples"], list[str], int]]:
    """Samples as they are decoded, with the names of their channels and their rate: finite and within -1..1."""
    for frame in _frames(path, Tally()):
        yield _clean(planar(frame)), channel_names(frame), frame.sample_rate


def _check_file(path: Path) -> None:
    if not path.exists():
        raise SpeechUnreadable(f"There is no file '{path}'.", do="check the path of the speech")
    if path.is_dir():
        raise SpeechUnreadable(f"'{path}' is a folder.", expected="a sound or video file")
    if not os.access(path, os.R_OK):
        raise SpeechUnreadable(f"'{path}' may not be read by this user.", do="change its permissions")
    if path.is_file() and path.stat().st_size == 0:
        raise SpeechUnreadable(f"'{path}' is empty (0 bytes).", expected="a sound file", do="make or download it again")


def _measure(path: Path) -> SoundFacts:
    """Decodes the whole file once, keeping nothing."""
    tally = Tally()
    rate_hz, samples, peak, unusable = 0, 0, 0.0, 0
    hearing = Hearing(SAMPLE_RATE_HZ)
    for frame in _frames(path, tally):
        if not rate_hz:
            rate_hz = frame.sample_rate
            hearing = Hearing(rate_hz)
        _check_rate(path, rate_hz, frame.sample_rate)
        values = planar(frame)
        top = float(np.abs(values).max(initial=0.0))
        if not np.isfinite(top):
            unusable += int((~np.isfinite(values)).any(axis=0).sum())
            top = float(np.abs(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)).max())
        peak = max(peak, top)
        samples += values.shape[1]
        hearing.hear(down_mix(_clean(values), channel_names(frame)))
    rate_hz, measures = rate_hz or SAMPLE_RATE_HZ, hearing.measures()
    samples = _without_padding(samples, rate_hz, tally)
    return SoundFacts(rate_hz, samples, peak, unusable, tally.damaged, tally.packets, measures)


def _without_padding(samples: int, rate_hz: int, tally: Tally) -> int:
    """The count without the silence that fills an encoder's last packet, which only the container's index tells."""
    stated = samples if tally.stated_s is None else round(tally.stated_s * rate_hz)
    return stated if 0 < samples - stated < LONGEST_PACKET else samples


def _check_rate(path: Path, first_hz: int, now_hz: int) -> None:
    if now_hz != first_hz:
        raise SpeechUnreadable(
            f"The sample rate of '{path}' changes midway, from {first_hz} to {now_hz} Hz.",
            do="convert it to a file with one rate, for example WAV",
        )


def _judge(path: Path, facts: SoundFacts) -> tuple[str, ...]:
    """Warnings about a sound that can be used; the error for one that can't."""
    again = "export it again, for example as WAV"
    if facts.damaged > DAMAGED_SHARE * facts.packets:
        raise SpeechUnreadable(
            f"'{path}' is damaged: {facts.damaged} of {facts.packets} packets can't be decoded.", do=again
        )
    if facts.samples == 0:
        raise SpeechUnreadable(
            f"The sound in '{path}' has no samples (0 s).", expected=f"at least {SHORTEST_S} s", do=again
        )
    if facts.unusable > DAMAGED_SHARE * facts.samples:
        raise SpeechUnreadable(
            f"{facts.unusable} of {facts.samples} samples in '{path}' are not numbers (NaN or infinite).", do=again
        )
    if facts.seconds < SHORTEST_S:
        raise SpeechUnreadable(
            f"The sound in '{path}' lasts only {facts.seconds:.4f} s.", expected=f"at least {SHORTEST_S} s, one frame"
        )
    warnings = []
    if facts.damaged:
        warnings.append(f"{facts.damaged} damaged packets of '{path.name}' were skipped.")
    if facts.unusable:
        warnings.append(f"{facts.unusable} samples of '{path.name}' were not numbers and are treated as silence.")
    if facts.peak < SILENT_PEAK:
        warnings.append(f"'{path.name}' is silent; the mouth will have nothing to say.")
    if facts.peak > 4.0:
        warnings.append(f"Samples of '{path.name}' go up to {facts.peak:.0f} instead of 1; they are cut off at 1.")
    return tuple(warnings)


def _frames(path: Path, tally: Tally) -> Iterator[av.AudioFrame]:
    """Decoded frames; the tally grows on the way."""
    try:
        container = av.open(str(path))
    except (FFmpegError, OSError, ValueError) as error:
        raise SpeechUnreadable(
            f"'{path}' is not a sound file that can be read: {_reason(error)}.",
            expected="wav, mp3, m4a, flac, ogg, mp4 or another file that FFmpeg reads",
        ) from error
    with container:
        if not container.streams.audio:
            raise SpeechUnreadable(
                f"There is no sound in '{path}'.",
                expected="a file with an audio stream",
                do="give another; where a portrait and a speech are asked for, the portrait comes first",
            )
        best = container.streams.best("audio")
        stream = best if isinstance(best, av.AudioStream) else container.streams.audio[0]
        if "mp4" in container.format.name and stream.duration and stream.time_base:
            tally.stated_s = float(stream.duration * stream.time_base)
        for packet in _packets(container, stream, tally):
            tally.packets += packet.size > 0
            try:
                yield from packet.decode()
            except (FFmpegError, ValueError):
                tally.damaged += 1


def _packets(container: InputContainer, stream: av.AudioStream, tally: Tally) -> Iterator[av.Packet]:
    """Packets up to the end or to where the file breaks off."""
    packets = container.demux(stream)
    while True:
        try:
            yield next(packets)
        except StopIteration:
            return
        except (FFmpegError, OSError):
            tally.packets += 1
            tally.damaged += 1
            return


def planar(frame: av.AudioFrame) -> Float[np.ndarray, "c samples"]:
    """The frame's samples as float32, full scale = 1, whatever format the file has."""
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    if values.dtype == np.uint8:
        return (values.astype(np.float32) - 128.0) / 128.0
    if np.issubdtype(values.dtype, np.integer):
        return values.astype(np.float32) / 2.0 ** (8 * values.itemsize - 1)
    return values.astype(np.float32, copy=False)


def channel_names(frame: av.AudioFrame) -> list[str]:
    """The frame's speakers; where a file does not say, those that its number of channels usually means."""
    names = [channel.name for channel in frame.layout.channels]
    usual = USUAL_LAYOUTS.get(len(names))
    if usual and not all(name in SPEAKERS for name in names):
        return [channel.name for channel in av.AudioLayout(usual).channels]
    return names


def _mono(path: Path) -> Iterator[Float[np.ndarray, " samples"]]:
    for samples, names, _ in blocks(path):
        yield down_mix(samples, names)


def _clean(samples: Float[np.ndarray, "c samples"]) -> Float[np.ndarray, "c samples"]:
    """The samples with silence for what is no number, cut off at -1 and 1."""
    if np.isfinite(samples).all() and np.abs(samples).max(initial=0.0) <= 1.0:
        return samples
    return np.clip(np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0), -1.0, 1.0)


def down_mix(samples: Float[np.ndarray, "c samples"], names: list[str]) -> Float[np.ndarray, " samples"]:
    """One channel out of many, by how much each speaker counts."""
    if len(names) == 1:
        return samples[0]
    if len(names) == 2:
        return samples.mean(axis=0, dtype=np.float32)
    weights = np.array([CHANNEL_WEIGHTS.get(name, OTHER_CHANNEL_WEIGHT) for name in names], np.float32)
    return np.clip(weights @ samples, -1.0, 1.0)


def _resample(blocks: Iterator[np.ndarray], rate_hz: int) -> Iterator[Float[np.ndarray, " samples"]]:
    if rate_hz == SAMPLE_RATE_HZ:
        yield from blocks
        return
    stream = soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32")
    for block in blocks:
        out = stream.resample_chunk(np.ascontiguousarray(block, np.float32))
        if len(out):
            yield out
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).rstrip(".").lower()
