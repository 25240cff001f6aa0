"""The voice separator around its network: chunks fade into each other, and nothing else happens to the sound."""

import sys
import wave
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")
sys.path.append(str(Path(__file__).parents[1] / "parity"))
from insight_files import write_separator

from longtake.errors import WeightsMismatch, WeightsMissing
from longtake.media.separation import MdxSizes, open_voice_network, separate, separated, spectra, waves
from longtake.media.sound import open_speech

SMALL = MdxSizes(fft=512, hop=64, bins=200, frames=32)


def _wav(path, channels, rate=16000):
    """A WAV file of the channels, values -1..1."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.stack(channels, axis=1) * 32767).round().astype("<i2").tobytes())
    return path


def _tone(hz, seconds, rate=16000, loudness=0.3):
    """A tone of changing loudness that fades in and out: a hard edge has tones above and below what is kept."""
    time = np.arange(round(seconds * rate)) / rate
    edges = np.clip(10 * np.minimum(time, seconds - time), 0, 1) ** 2
    return loudness * edges * np.sin(2 * np.pi * hz * time) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time))


@pytest.fixture(scope="module")
def same(tmp_path_factory):
    """A separator of the real sizes that calls everything voice."""
    return write_separator(tmp_path_factory.mktemp("separator") / "Kim_Vocal_2.onnx")


def test_where_all_is_voice_the_sound_comes_back(tmp_path, same):
    speech = open_speech(_wav(tmp_path / "long.wav", [_tone(300, 7.3)]))
    told = []
    heard = separate(speech, same, told.append)
    assert (heard.path, heard.seconds) == (speech.path, speech.seconds)
    before, after = speech.read(0, 7.3), heard.read(0, 7.3)
    assert np.abs(after - before).max() < 2e-3
    assert np.array_equal(heard.read(4.0, 4.5), after[64000:72000])
    assert not heard.read(-1.0, 0.0).any() and not heard.read(7.3, 8.0).any()
    assert told[-1] > 0.99 and told == sorted(told)


def test_loud_sounds_keep_their_loudness(tmp_path, same):
    speech = open_speech(_wav(tmp_path / "loud.wav", [_tone(300, 1.0, loudness=0.99)]))
    assert np.abs(separate(speech, same).read(0, 1) - speech.read(0, 1)).max() < 5e-3


def test_left_and_right_go_where_the_network_expects_them(tmp_path):
    left_only = write_separator(tmp_path / "left.onnx", gains=(1, 1, 0, 0))
    left, right = _tone(300, 1.5, 44100), _tone(800, 1.5, 44100)
    heard = separate(open_speech(_wav(tmp_path / "two.wav", [left, right], 44100)), left_only).read(0, 1.5)
    alone = open_speech(_wav(tmp_path / "left.wav", [left], 44100)).read(0, 1.5)
    assert np.abs(heard - alone / 2).max() < 2e-3  # the middle of left and nothing


def test_silence_stays_silence(tmp_path, same):
    speech = open_speech(_wav(tmp_path / "silent.wav", [np.zeros(32000)]))
    assert not separate(speech, same).read(0, 2).any()


@pytest.mark.parametrize("length", [300, 1984, 5000, 14400, 14880])
@pytest.mark.parametrize("block", [100, 3333])
def test_a_stream_gives_what_the_published_arithmetic_gives_on_the_whole(tmp_path, length, block):
    network = open_voice_network(
        write_separator(tmp_path / "bent.onnx", gains=(0.5, 0.5, 2, 2), bins=200, frames=32, bend=True), SMALL
    )
    sound = np.random.default_rng(length).normal(0, 0.3, (2, length)).astype(np.float32)
    stream = (sound[:, at : at + block] for at in range(0, length, block))
    found = np.concatenate(list(separated(stream, network, SMALL)), axis=1)
    assert found.shape == sound.shape
    assert np.abs(found - _on_the_whole(sound, network)).max() < 1e-5


def _on_the_whole(sound, network):
    """The published steps, one after the other, with everything in memory."""
    edge, chunk = SMALL.fft // 2, SMALL.chunk
    usable = chunk - 2 * edge
    mixture = np.pad(sound, ((0, 0), (edge, usable + edge - sound.shape[1] % usable)))
    result, weight = np.zeros(mixture.shape), np.zeros(mixture.shape[1])
    for start in range(0, mixture.shape[1], int(0.75 * chunk)):
        part = mixture[:, start : start + chunk]
        window = np.hanning(part.shape[1])
        spectrum = spectra(np.pad(part, ((0, 0), (0, chunk - part.shape[1]))), SMALL)
        parts = np.zeros((1, 4, SMALL.bins, SMALL.frames), np.float32)
        parts[0, 0::2, 3:], parts[0, 1::2, 3:] = spectrum.real[:, 3 : SMALL.bins], spectrum.imag[:, 3 : SMALL.bins]
        out = network(parts)[0][0]
        whole = np.zeros_like(spectrum)
        whole[:, : SMALL.bins] = out[0::2] + 1j * out[1::2]
        result[:, start : start + chunk] += (waves(whole, SMALL) if part.any() else part)[:, : len(window)] * window
        weight[start : start + chunk] += window
    return (result / np.maximum(weight, 1e-9))[:, edge : edge + sound.shape[1]]


def test_transforms_there_and_back_are_the_sound():
    sound = np.random.default_rng(0).normal(0, 1, (2, SMALL.chunk)).astype(np.float32)
    assert np.abs(waves(spectra(sound, SMALL), SMALL) - sound).max() < 1e-5


def test_a_missing_or_other_network_is_told(tmp_path):
    with pytest.raises(WeightsMissing, match="Kim_Vocal_2"):
        open_voice_network(tmp_path / "Kim_Vocal_2.onnx")
    with pytest.raises(WeightsMismatch, match="3072"):
        open_voice_network(write_separator(tmp_path / "other.onnx", bins=2048))
