"""The voice alone out of a sound with music or noise, by the published separator (Kim_Vocal_2, an MDX network as ONNX).

The published program cuts the sound into minutes first, so the voice jumps at each. Here the sound is one stream: chunks of
six seconds overlap by a quarter and fade into each other. Written from the publicly known format; the real file could not
be run where this was written, stand-ins with its inputs and outputs are what is tested.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soxr
from jaxtyping import Complex, Float

from longtake.clips import SAMPLE_RATE_HZ, Speech
from longtake.errors import OutputError
from longtake.media.sound import blocks, down_mix
from longtake.media.windows import zeros_outside
from longtake.models.onnx import OnnxNetwork, open_onnx, wrong_network

RATE_HZ = 44_100
"""What the network was trained at, in stereo."""
OVERLAP = 0.25
LOUDEST = 0.9
"""Louder sounds are turned down to this for the network, and up again after it."""
DEAF = 3
"""The lowest bins are set to nothing: below the voice."""

Network = Callable[[np.ndarray], list[np.ndarray]]


@dataclass(frozen=True)
class MdxSizes:
    """How the network sees sound: Fourier transforms of `fft` samples every `hop`; `bins` of each, `frames` at a time."""

    fft: int = 7680
    hop: int = 1024
    bins: int = 3072
    frames: int = 256

    @property
    def chunk(self) -> int:
        """Samples that the network sees at a time."""
        return self.hop * (self.frames - 1)

    @property
    def step(self) -> int:
        """Samples from one chunk to the next."""
        return int((1 - OVERLAP) * self.chunk)


KIM_VOCAL_2 = MdxSizes()


def separate(
    speech: Speech,
    model: Path | str,
    progress: Callable[[float], None] | None = None,
    sizes: MdxSizes = KIM_VOCAL_2,
) -> Speech:
    """The same speech, but what is heard of it is the voice alone.

    All of it is separated here, once, into a temporary file (230 MB an hour): whoever reads it goes over it twice. The
    finished video keeps the sound of the original. `progress` is told the share that is done.
    """
    network = open_voice_network(model, sizes)
    gain = min(1.0, LOUDEST / max(_peak(speech.path), 1e-9))
    total = round(speech.seconds * SAMPLE_RATE_HZ)
    try:
        store: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as the speech
        written = 0
        for voice in _to_speech_rate(separated(_stereo(speech.path, gain), network, sizes)):
            store.write((voice / gain).astype(np.float32).tobytes())
            written += len(voice)
            if progress is not None:
                progress(min(written / max(total, 1), 1.0))
    except OSError as error:
        raise OutputError(
            f"The separated voice can't be stored in {tempfile.gettempdir()}: {error.strerror or error}.",
            expected=f"{4 * total / 1e6:.0f} MB of room",
            do="free some, or set TMPDIR to a folder on another disk",
        ) from error
    return replace(speech, sound=StoredSound(store, min(written, total)))


def open_voice_network(model: Path | str, sizes: MdxSizes = KIM_VOCAL_2) -> OnnxNetwork:
    """The separator in a file; the error says so if it is another network."""
    network = open_onnx(model, "Separating the voice from music")
    if tuple(network.input_shape[1:]) != (4, sizes.bins, sizes.frames):
        raise wrong_network(network.path, f"it takes {network.input_shape}", f"n x 4 x {sizes.bins} x {sizes.frames}")
    return network


class StoredSound:
    """Windows of mono samples in a file of float32, zero outside of it."""

    def __init__(self, file: BinaryIO, samples: int):
        self.file, self.samples = file, samples

    def window(self, start: int, stop: int) -> Float[np.ndarray, " samples"]:
        """Samples from `start` up to `stop`."""
        return zeros_outside(start, stop, self.samples, self._inside)

    def _inside(self, first: int, last: int) -> Float[np.ndarray, " _"]:
        self.file.seek(4 * first)
        return np.frombuffer(self.file.read(4 * (last - first)), np.float32)


def separated(
    sound: Iterator[Float[np.ndarray, "2 _"]], network: Network, sizes: MdxSizes = KIM_VOCAL_2
) -> Iterator[Float[np.ndarray, "2 _"]]:
    """The voice in a stream of stereo blocks at 44.1 kHz, as long as they are; holds two chunks and no more."""
    lead = sizes.fft // 2  # silence before the sound, so that its beginning is not at the edge of the first chunk
    held, done = np.zeros((2, lead), np.float32), 0  # samples from the next chunk's beginning on; chunks taken
    fading = np.zeros((3, 0))  # weighted voice of both sides and the weights, from the next chunk's beginning on
    length, ended = lead, False
    while not ended or done * sizes.step < length:
        while held.shape[1] < sizes.chunk and not ended:
            block = next(sound, None)
            ended = block is None
            if block is not None:
                held, length = np.concatenate([held, block], axis=1), length + block.shape[1]
        if ended:  # as much silence behind as the published arithmetic has
            usable = sizes.chunk - 2 * lead
            padded = length + usable + lead - (length - lead) % usable
            actual = min(padded - done * sizes.step, sizes.chunk)
        else:
            actual = sizes.chunk
        chunk = np.zeros((2, sizes.chunk), np.float32)
        chunk[:, : min(held.shape[1], sizes.chunk)] = held[:, : sizes.chunk]
        fading = _added(fading, _voice(chunk, network, sizes)[:, :actual], np.hanning(actual))
        start, stop = done * sizes.step, min((done + 1) * sizes.step, length)
        ready = fading[:, max(lead - start, 0) : max(stop - start, 0)] if stop > lead else fading[:, :0]
        yield (ready[:2] / np.maximum(ready[2], 1e-9)).astype(np.float32)
        held, fading, done = held[:, sizes.step :], fading[:, sizes.step :], done + 1


def _added(fading: np.ndarray, voice: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The sums with one more chunk in them."""
    longer = np.zeros((3, max(fading.shape[1], len(weights))))
    longer[:, : fading.shape[1]] = fading
    longer[:, : len(weights)] += np.concatenate([voice * weights, weights[None]])
    return longer


def _voice(chunk: Float[np.ndarray, "2 n"], network: Network, sizes: MdxSizes) -> Float[np.ndarray, "2 n"]:
    """The voice in one chunk."""
    if not chunk.any():
        return chunk
    spectrum = spectra(chunk, sizes)[:, : sizes.bins]
    spectrum[:, :DEAF] = 0
    parts = np.stack([np.real(spectrum), np.imag(spectrum)], axis=1).reshape(1, 4, sizes.bins, sizes.frames)
    found = network(np.ascontiguousarray(parts, np.float32))[0].reshape(2, 2, sizes.bins, sizes.frames)
    whole = np.zeros((2, sizes.fft // 2 + 1, sizes.frames), np.complex64)
    whole[:, : sizes.bins] = found[:, 0] + 1j * found[:, 1]
    return waves(whole, sizes)


def spectra(sound: Float[np.ndarray, "2 n"], sizes: MdxSizes) -> Complex[np.ndarray, "2 bins frames"]:
    """Fourier transforms every `hop` samples, the first one centred on the first sample; the ends are mirrored."""
    mirrored = np.pad(sound, ((0, 0), (sizes.fft // 2, sizes.fft // 2)), mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(mirrored, sizes.fft, axis=1)[:, :: sizes.hop]
    return np.fft.rfft(frames * _hann(sizes.fft), axis=2).transpose(0, 2, 1).astype(np.complex64)


def waves(spectrum: Complex[np.ndarray, "2 bins frames"], sizes: MdxSizes) -> Float[np.ndarray, "2 n"]:
    """The sound that has these transforms, or comes closest to them."""
    window = _hann(sizes.fft)
    frames = np.fft.irfft(spectrum.transpose(0, 2, 1), n=sizes.fft, axis=2) * window
    sound = np.zeros((2, sizes.chunk + sizes.fft))
    weight = np.zeros(sizes.chunk + sizes.fft)
    for k in range(sizes.frames):
        place = slice(k * sizes.hop, k * sizes.hop + sizes.fft)
        sound[:, place] += frames[:, k]
        weight[place] += window**2
    half = sizes.fft // 2
    return (sound / np.maximum(weight, 1e-11))[:, half : half + sizes.chunk].astype(np.float32)


def _hann(size: int) -> Float[np.ndarray, " size"]:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)


def _peak(path: Path) -> float:
    return max((float(np.abs(samples).max(initial=0.0)) for samples, _, _ in blocks(path)), default=0.0)


def _stereo(path: Path, gain: float) -> Iterator[Float[np.ndarray, "2 _"]]:
    """A file's sound on two channels at 44.1 kHz, in blocks; more than two channels as mono on both."""
    stream = None
    for samples, names, rate_hz in blocks(path):
        stream = stream or soxr.ResampleStream(rate_hz, RATE_HZ, 2, dtype="float32")
        pair = samples if len(samples) == 2 else np.repeat(down_mix(samples, names)[None], 2, axis=0)
        yield stream.resample_chunk(np.ascontiguousarray(pair.T * np.float32(gain))).T
    if stream is not None:
        yield stream.resample_chunk(np.zeros((0, 2), np.float32), last=True).T


def _to_speech_rate(sound: Iterator[Float[np.ndarray, "2 _"]]) -> Iterator[Float[np.ndarray, " _"]]:
    stream = soxr.ResampleStream(RATE_HZ, SAMPLE_RATE_HZ, 1, dtype="float32")
    for block in sound:
        yield stream.resample_chunk(np.ascontiguousarray(block.mean(axis=0, dtype=np.float32)))
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)
