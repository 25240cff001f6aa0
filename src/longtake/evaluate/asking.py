"""A model is asked for expressions on held-out clips, in known and unseen phrasings, from the start and in the middle.

python -m longtake.evaluate.asking [--weights FILE] [--clips 20] [--out words.json]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import typer
from jaxtyping import Float, UInt8

from longtake.corpus.captions import caption
from longtake.errors import WeightsMissing
from longtake.evaluate.cases import FIXTURES, Case, read_cases
from longtake.evaluate.command import run_command
from longtake.evaluate.comparing import first_seconds, portrait_in
from longtake.evaluate.controls import player_with
from longtake.evaluate.curves import correlation, voiced_frames
from longtake.evaluate.expressions import HELD, shown
from longtake.evaluate.playing import Cues, Player, play
from longtake.evaluate.rows import Row, print_table, write_json
from longtake.evaluate.signals import Signals, signals_of
from longtake.evaluate.words import GATED, Moved, Reacted, cost_rows, direction_rows, jump, reaction_rows, reaction_s
from longtake.face.detect import landmarks_of
from longtake.face.identity import identities_of, identity_distance
from longtake.face.lids import read_eyes

SECONDS = 2.4
CHANGE_S = 0.96
"""When the prompt comes that is timed; a frame, and within a segment."""
UNSEEN_OF, TIMED_OF = 3, 7
"""Of so many expressions one is also asked in an unseen phrasing, and one in the middle; other ones clip by clip."""
IDENTITY_EVERY = 20
TIMED = tuple(name for name in GATED if name in HELD)

Speak = Callable[[Case, Cues, float], UInt8[np.ndarray, "f H W 3"]]
"""The first seconds of a clip's speech, said by its portrait under these prompts."""


@dataclass
class Asked:
    """What was measured under all prompts."""

    moved: list[Moved] = field(default_factory=list)
    reacted: list[Reacted] = field(default_factory=list)
    synced: list[tuple[float, float]] = field(default_factory=list)  # mouth correlation: with the prompt, without
    alike: list[tuple[float, float]] = field(default_factory=list)  # identity distance: with the prompt, without


@dataclass(frozen=True, eq=False)
class Video:
    """One video of a clip, measured."""

    frames: UInt8[np.ndarray, "f H W 3"]
    signals: Signals
    mouth: float  # correlation of its opening with the label
    identity: float  # median distance to the clip's first frame


def speaker(player: Player) -> Speak | None:
    """A model that can be asked, or None for one without words."""
    if getattr(getattr(player, "networks", None), "words", None) is None:
        return None
    prepared = lru_cache(1)(lambda case: portrait_in(case, player))

    def speak(case: Case, cues: Cues, seconds: float) -> UInt8[np.ndarray, "f H W 3"]:
        samples, frames = first_seconds(case, seconds)
        return play(player, prepared(case), samples, cues)[:frames]

    return speak


def ask_words(
    speak: Speak, cases: Sequence[Case], seed: int = 0, tell: Callable[[str], None] = lambda text: None
) -> list[Row]:
    """The rows of words, from the clips."""
    asked = Asked()
    for index, case in enumerate(cases):
        ask(speak, case, index, seed, asked)
        right = np.mean([one.by > 0 for one in asked.moved if one.clip == case.name])
        tell(f"words on clip {index + 1} of {len(cases)}: {right:.2f} move the asked way")
    where = f"first {SECONDS} s of {len(cases)} clips"
    rows = direction_rows(asked.moved, where) + cost_rows(asked.synced, asked.alike, where)
    return rows + reaction_rows(asked.reacted, where)


def ask(speak: Speak, case: Case, index: int, seed: int, asked: Asked) -> None:
    """Adds what one clip shows under the prompts that are its turn."""
    rng = np.random.default_rng([seed, index])
    person = _first_identity(case)

    def video(cues: Cues) -> Video:
        return watch(speak(case, cues, SECONDS), case, person)

    null = video(())
    for name, unseen in turns(index):
        seen = video([(0.0, caption({name: 1.0}, rng, held_out=unseen))])
        asked.moved.append(Moved(name, case.name, shown(name, seen.signals) - shown(name, null.signals), unseen))
        asked.synced.append((seen.mouth, null.mouth))
        asked.alike.append((seen.identity, null.identity))
    for name in TIMED[index % TIMED_OF :: TIMED_OF]:
        seen, change = video([(CHANGE_S, caption({name: 1.0}, rng))]), round(CHANGE_S * case.fps)
        after = reaction_s(name, seen.signals, null.signals, change)
        asked.reacted.append(Reacted(name, case.name, after, jump(seen.frames, change, case.fps)))


def turns(index: int) -> Iterator[tuple[str, bool]]:
    """What clip `index` is asked for, and whether in an unseen phrasing."""
    yield from ((name, False) for name in GATED)
    yield from ((name, True) for name in GATED[index % UNSEEN_OF :: UNSEEN_OF])


def watch(frames: UInt8[np.ndarray, "f H W 3"], case: Case, person: Float[np.ndarray, " 128"]) -> Video:
    """A video of a clip, measured."""
    landmarks = landmarks_of(frames)
    signals = signals_of(landmarks, read_eyes(frames, landmarks), case.fps)
    found = identities_of(list(frames[::IDENTITY_EVERY]), list(landmarks[::IDENTITY_EVERY]))
    voiced = voiced_frames(case.phones, len(frames), case.fps)
    return Video(
        frames=frames,
        signals=signals,
        mouth=correlation(signals["mouth"][voiced], case.mouth_open[: len(frames)][voiced]),
        identity=float(np.nanmedian(identity_distance(found, person[None]))),
    )


def _first_identity(case: Case) -> Float[np.ndarray, " 128"]:
    first = case.frames[:1]
    return identities_of(list(first), list(landmarks_of(first)))[0]


def main(
    weights: Path = typer.Option(None, help="other animation weights than the shipped ones: a file or a folder"),
    clips: int = typer.Option(20, help="held-out clips to ask on; each takes about 21 videos of 2.4 s"),
    fixtures: Path = typer.Option(FIXTURES, help="folder of the held-out clips"),
    out: Path = typer.Option(None, help="JSON file to write"),
) -> None:
    """Measures the rows of words alone."""
    player = player_with(weights)
    speak = speaker(player)
    if speak is None:
        raise WeightsMissing(
            "These weights follow no prompts.", do="train recipes/mini/words.toml, then give --weights"
        )
    rows = ask_words(speak, read_cases(fixtures, clips), player.settings.sampling.seed, print)
    print_table(rows, "words")
    if out:
        write_json(rows, out)


if __name__ == "__main__":
    run_command(main)
