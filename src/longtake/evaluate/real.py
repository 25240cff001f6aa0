"""Rows on real recordings and real portraits, where a folder of assets is given. Their frames stay in memory."""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from longtake.clips import Portrait
from longtake.evaluate.cases import read_speech
from longtake.evaluate.curves import Phone, openness_at
from longtake.evaluate.eyes import blinks
from longtake.evaluate.face import measure_face
from longtake.evaluate.playing import Player, play
from longtake.face.lids import lid_opening

PHONES = "real_phones.json"
"""Beside the held-out clips: path of a recording below the assets -> its phones, made by `aligning`."""
LONGEST_S = 6.0
"""Of a recording; the rest is not played."""
PORTRAITS = 4
"""Held-out portraits of real people that also speak, for identity and faces found."""


@dataclass(frozen=True)
class Spoken:
    """What was measured on one video made from a real recording."""

    vowels: list[float]
    closures: list[float]
    identity: float
    found: float
    blinks: int
    seconds: float


def speak_recordings(
    player: Player, portraits: Sequence[Portrait], assets: Path, phones: Path, lag: int, told: Callable[[str], None]
) -> Iterator[Spoken]:
    """What is measured when portraits, in turn, say the real recordings."""
    for i, (path, times) in enumerate(json.loads(phones.read_text()).items()):
        told(path)
        yield speak(player, portraits[i % len(portraits)], assets / path, times, lag)


def speak(player: Player, portrait: Portrait, recording: Path, phones: Sequence[Phone], lag: int) -> Spoken:
    """What is measured when one portrait says one recording."""
    fps = player.settings.video.fps
    samples = read_speech(recording)[: round(LONGEST_S * 16_000)]
    frames = play(player, portrait, samples)
    curves = measure_face(frames, fps, identity_every=10)
    vowels, closures = openness_at(curves.mouth, [p for p in phones if p[2] <= len(frames) / fps], fps, lag)
    found = blinks(lid_opening(frames, curves.landmarks), fps)
    identity = float(np.nanmedian(curves.identity_distances(portrait.identity)))
    return Spoken(vowels, closures, identity, curves.found_share, len(found), len(frames) / fps)


def real_portraits(assets: Path, player: Player, count: int = PORTRAITS) -> list[Portrait]:
    """Held-out portraits of real people; nothing made of them is ever written."""
    from longtake.prepare import prepare_portrait

    with open(assets / "portraits" / "portraits.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"].startswith("held") and not row["note"]]
    step = max(1, len(rows) // count)
    folder = assets / "portraits" / "images"
    return [
        prepare_portrait(folder / row["file"], player.settings.portrait, player.preset) for row in rows[::step][:count]
    ]
