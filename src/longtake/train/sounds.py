"""Sound for training the speech encoder: every utterance decoded once into one int16 file, with labels each 10 ms."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from longtake.errors import CorpusError
from longtake.media.windows import zeros_outside

RATE_HZ = 16000
LABEL_HZ = 100
LABEL_SHIFT_S = 0.010  # the stored phoneme times are about 10 ms early (assets/speech/README.md, "Limits")
UNLABELLED = 255

# How far the mouth opens for each viseme, 0..1; the shape of the puppets' own visemes, not a measurement.
OPENNESS = {
    "sil": 0.0, "PP": 0.0, "FF": 0.08, "TH": 0.2, "DD": 0.22, "kk": 0.35, "CH": 0.2, "SS": 0.12,
    "nn": 0.25, "RR": 0.3, "aa": 1.0, "E": 0.65, "ih": 0.35, "oh": 0.65, "ou": 0.2,
}  # fmt: skip


@dataclass(frozen=True)
class Utterance:
    """One utterance in the packed file: where it is and whose it is."""

    file: str
    split: str
    voice: str
    first_sample: int
    samples: int
    first_label: int
    labels: int
    labelled: bool


@dataclass(frozen=True)
class Alphabet:
    """The names behind the label numbers: phonemes in the order of phones.json, visemes by their index there."""

    phonemes: tuple[str, ...]
    visemes: tuple[str, ...]

    @property
    def openness(self) -> Float[np.ndarray, " visemes"]:
        return np.array([OPENNESS[name] for name in self.visemes], np.float32)


class SoundStore:
    """Packed utterances, memory-mapped; `cut` gives samples and labels of any stretch of one."""

    def __init__(self, folder: Path):
        if not (folder / "index.json").exists():
            raise CorpusError(
                f"No packed sound in {folder}: index.json is missing.",
                do=f"python -m longtake.train.pack sounds ASSETS {folder}",
            )
        index = json.loads((folder / "index.json").read_text())
        self.alphabet = Alphabet(tuple(index["phonemes"]), tuple(index["visemes"]))
        self.utterances = [Utterance(**row) for row in index["utterances"]]
        self._samples = np.memmap(folder / "samples.int16", np.int16, "r")
        self._phonemes = np.memmap(folder / "phonemes.uint8", np.uint8, "r")
        self._visemes = np.memmap(folder / "visemes.uint8", np.uint8, "r")

    def split(self, name: str, labelled: bool = True) -> list[Utterance]:
        """The utterances of one split, with or without labels."""
        return [u for u in self.utterances if u.split == name and u.labelled == labelled]

    def cut(self, utterance: Utterance, first: int, samples: int) -> Float[np.ndarray, " samples"]:
        """Samples of one utterance in [-1, 1], zero outside it."""
        at = utterance.first_sample
        inside = lambda start, stop: self._samples[at + start : at + stop] / np.float32(32768)  # noqa: E731
        return zeros_outside(first, first + samples, utterance.samples, inside)

    def labels(
        self, utterance: Utterance, times_s: Float[np.ndarray, " t"]
    ) -> tuple[UInt8[np.ndarray, " t"], UInt8[np.ndarray, " t"]]:
        """Phoneme and viseme at each time of one utterance; silence (0) outside it, UNLABELLED without labels."""
        if not utterance.labelled:
            nothing = np.full(len(times_s), UNLABELLED, np.uint8)
            return nothing, nothing.copy()
        at = np.floor(np.asarray(times_s) * LABEL_HZ + 1e-6).astype(np.int64)
        inside = (at >= 0) & (at < utterance.labels)
        rows = utterance.first_label + np.clip(at, 0, utterance.labels - 1)
        return np.where(inside, self._phonemes[rows], 0), np.where(inside, self._visemes[rows], 0)


def pack_sounds(assets: Path, folder: Path) -> int:
    """Decode the labelled speech and the unlabelled LibriSpeech under `assets` into `folder`; gives the utterance count."""
    speech, real = assets / "speech", assets / "librispeech"
    phones = json.loads((speech / "phones.json").read_text())
    visemes = [v["name"] for v in sorted(phones["visemes"], key=lambda v: v["index"])]
    mapping = {name: [visemes.index(v) for v in phone["visemes"]] for name, phone in phones["phones"].items()}
    phonemes = list(mapping)
    if phonemes[0] != "sil" or visemes[0] != "sil":
        raise CorpusError(f"phones.json must start with sil, it starts with {phonemes[0]!r} and {visemes[0]!r}.")
    folder.mkdir(parents=True, exist_ok=True)
    rows, sample, label = [], 0, 0
    with (
        open(folder / "samples.int16", "wb") as samples_file,
        open(folder / "phonemes.uint8", "wb") as phonemes_file,
        open(folder / "visemes.uint8", "wb") as visemes_file,
    ):
        for path, split, voice, spoken in _utterances(speech, real):
            samples = _decode(path)
            labels = 0
            if spoken is not None:
                p, v = _label(spoken, len(samples) / RATE_HZ, phonemes, mapping)
                phonemes_file.write(p.tobytes())
                visemes_file.write(v.tobytes())
                labels = len(p)
            samples_file.write(samples.tobytes())
            row = Utterance(path.name, split, voice, sample, len(samples), label, labels, spoken is not None)
            rows.append(row.__dict__)
            sample, label = sample + len(samples), label + labels
    index = {"phonemes": phonemes, "visemes": visemes, "utterances": rows}
    (folder / "index.json").write_text(json.dumps(index, ensure_ascii=False))
    return len(rows)


def _utterances(speech: Path, real: Path):
    for line in (speech / "speech.jsonl").read_text().splitlines():
        row = json.loads(line)
        yield speech / row["file"], row["split"], row["voice"], row["phonemes"]
    table = real / "librispeech.csv"
    if table.exists():
        for row in csv.DictReader(table.open()):
            path = real / row["file"]
            yield (
                path if path.exists() else next(real.rglob(Path(row["file"]).name)),
                row["split"],
                row["speaker"],
                None,
            )


def _decode(path: Path) -> np.ndarray:
    import soundfile
    from scipy.signal import resample_poly

    samples, rate = soundfile.read(path, dtype="float32")
    if samples.ndim > 1:
        samples = samples.mean(1)
    if rate != RATE_HZ:
        common = np.gcd(rate, RATE_HZ)
        samples = resample_poly(samples, RATE_HZ // common, rate // common)
    return (np.clip(samples, -1, 1) * 32767).astype(np.int16)


def _label(spoken, seconds: float, phonemes: list[str], mapping: dict[str, list[int]]):
    """Phoneme and viseme numbers on the 10 ms grid; a diphthong is its first viseme for one half, its second after."""
    count = int(np.ceil(seconds * LABEL_HZ))
    times = np.arange(count) / LABEL_HZ
    p, v = np.zeros(count, np.uint8), np.zeros(count, np.uint8)
    for symbol, start_s, end_s in spoken:
        start_s, end_s = start_s + LABEL_SHIFT_S, end_s + LABEL_SHIFT_S
        halves = mapping[symbol]
        p[(times >= start_s) & (times < end_s)] = phonemes.index(symbol)
        for k, viseme in enumerate(halves):
            low, high = (start_s + (end_s - start_s) * (k + e) / len(halves) for e in (0, 1))
            v[(times >= low) & (times < high)] = viseme
    return p, v
