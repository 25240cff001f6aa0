"""The speech that puppets speak: utterances with exact phone times, spread evenly over the voices."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from longtake.corpus.visemes import TIMES_EARLY_S, Phone, shift_phones
from longtake.errors import CorpusError
from longtake.media.sound import read_sound

RATE_HZ = 16000
SPLITS = {"train": ("train",), "heldout": ("test_voice", "test_both")}
PAD_S = 0.3
"""How much silence may be added in all, so that a clip can be a little longer than its utterance."""


@dataclass(frozen=True)
class Utterance:
    file: str
    voice: str
    category: str
    text: str
    seconds: float
    phonemes: tuple[Phone, ...]


@dataclass(frozen=True)
class Excerpt:
    """A part of an utterance, of a clip's length; phone times count from its start."""

    utterance: Utterance
    start_s: float
    sound: Float32[np.ndarray, " samples"]
    phones: list[Phone]


class Voices:
    """The utterances of one split by voice, and the mouth shapes of each phone."""

    def __init__(self, assets: Path, split: str) -> None:
        self.folder = Path(assets) / "speech"
        listing = self.folder / "speech.jsonl"
        if not listing.exists():
            raise CorpusError(f"No speech at {listing}.", expected="speech.jsonl", do="see docs/corpus.md: assets")
        self.by_voice: dict[str, list[Utterance]] = {}
        for line in listing.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row["split"] in SPLITS[split]:
                phones = tuple((s, float(a), float(b)) for s, a, b in row["phonemes"])
                said = Utterance(row["file"], row["voice"], row["category"], row["text"], row["seconds"], phones)
                self.by_voice.setdefault(row["voice"], []).append(said)
        phones = json.loads((self.folder / "phones.json").read_text(encoding="utf-8"))["phones"]
        self.shapes = {symbol: about["visemes"] for symbol, about in phones.items()}

    def excerpt(self, rng: np.random.Generator, clip: int, seconds: float) -> Excerpt:
        """A random window of a random utterance; clip after clip goes through the voices."""
        names = sorted(self.by_voice)
        voice = self.by_voice[names[clip % len(names)]]
        long_enough = [u for u in voice if u.seconds + PAD_S >= seconds] or [max(voice, key=lambda u: u.seconds)]
        said = long_enough[rng.integers(len(long_enough))]
        slack = said.seconds - seconds
        start = float(rng.uniform(0, slack)) if slack > 0 else slack * float(rng.uniform(0, 1))
        return self._cut(said, round(start, 3), seconds)

    def _cut(self, said: Utterance, start_s: float, seconds: float) -> Excerpt:
        sound = read_sound(self.folder / said.file)
        first, count = round(start_s * RATE_HZ), round(seconds * RATE_HZ)
        cut = np.zeros(count, np.float32)
        low, high = max(first, 0), min(first + count, len(sound))
        cut[low - first : high - first] = sound[low:high]
        return Excerpt(said, start_s, cut, shift_phones(said.phonemes, TIMES_EARLY_S - start_s, seconds))
