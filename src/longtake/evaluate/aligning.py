"""Phone times of real speech, by forced alignment; stored once, so that the gates need no recogniser.

    python -m longtake.evaluate.aligning --assets DIR --out tests/fixtures/gates/real_phones.json

The recordings stay where they are; only symbols and times are stored.
"""

import csv
import json
import re
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import typer
from jaxtyping import Float

from longtake.errors import missing
from longtake.evaluate.cases import read_speech
from longtake.evaluate.command import run_command
from longtake.evaluate.curves import Phone

FRAME_S = 0.01
"""Step of the recogniser."""
RECORDINGS = 18
"""The five of `sounds`, and held-out LibriSpeech utterances, as many speakers as can be."""
SHORTEST_S, LONGEST_S = 4.0, 9.0
WIDE = {"beam": 1e-80, "wbeam": 1e-60, "pbeam": 1e-80}
"""Beams wide enough that the way through a known text is not lost."""


def align(samples: Float[np.ndarray, " samples"], text: str = "") -> list[Phone]:
    """The phones (ARPAbet) of speech at 16 kHz with their times; without its text, of the words that were recognised.

    Empty where the words can't be laid over the sound: no times are better than wrong ones.
    """
    pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    words = text or _recognised(pcm)
    return _laid_over(pcm, words, {}) or _laid_over(pcm, words, WIDE)


def _laid_over(pcm: bytes, text: str, beams: dict[str, float]) -> list[Phone]:
    decoder = _decoder(**beams)
    known = [word for word in re.sub(r"[^a-z' ]", " ", text.lower()).split() if decoder.lookup_word(word)]
    if not known:
        return []
    try:
        decoder.set_align_text(" ".join(known))
        _hear(decoder, pcm)
        decoder.set_alignment()
        _hear(decoder, pcm)
    except RuntimeError:  # it lost its way
        return []
    phones = []
    for word in decoder.get_alignment() or ():
        for phone in word:
            start = phone.start * FRAME_S
            phones.append((phone.name, round(start, 3), round(start + phone.duration * FRAME_S, 3)))
    return phones


def _decoder(**beams: float) -> Any:
    try:
        from pocketsphinx import Decoder
    except ImportError as error:
        raise missing("pocketsphinx", "align", "Aligning speech") from error
    return Decoder(samprate=16_000, loglevel="FATAL", **beams)


def _recognised(pcm: bytes) -> str:
    decoder = _decoder()
    _hear(decoder, pcm)
    heard = decoder.hyp()
    # Second pronunciations are written word(2).
    return re.sub(r"\(\d+\)", "", heard.hypstr) if heard else ""


def _hear(decoder: Any, pcm: bytes) -> None:
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()


def real_recordings(assets: Path) -> list[tuple[str, str]]:
    """The recordings that may be used: path below the assets, and the text where it is known."""
    with open(assets / "sounds" / "sounds.csv", newline="") as file:
        known = [(f"sounds/{row['file']}", row["text"]) for row in csv.DictReader(file) if row["kind"] == "real"]
    speakers: dict[str, list[str]] = {}
    with open(assets / "librispeech" / "librispeech.csv", newline="") as file:
        for row in csv.DictReader(file):
            if row["split"] == "held-out" and SHORTEST_S <= float(row["seconds"]) <= LONGEST_S:
                speakers.setdefault(row["speaker"], []).append(f"librispeech/{row['file']}")
    rounds = zip_longest(*speakers.values())  # one of each speaker, then another of each
    return known + [(path, "") for paths in rounds for path in paths if path]


def main(
    assets: Path = typer.Option(..., help="folder of the assets"),
    out: Path = typer.Option(Path("tests/fixtures/gates/real_phones.json"), help="file to write"),
) -> None:
    """Writes the phone times of the real recordings of the gates."""
    times = {}
    for path, text in real_recordings(assets):
        phones = align(read_speech(assets / path), text) if len(times) < RECORDINGS else []
        if phones:
            times[path] = phones
            print(f"{path}: {len(phones)} phones")
    out.write_text(json.dumps(times, separators=(",", ":")).replace("]],", "]],\n") + "\n")


if __name__ == "__main__":
    run_command(main)
