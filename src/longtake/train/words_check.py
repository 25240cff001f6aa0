"""How well the word encoder reads: phrasings it was trained on, phrasings held out, contradictions, words nobody taught it.

`python -m longtake.train.words_check WEIGHTS` prints the tables.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from longtake.corpus.captions import HELD_OUT, LEVELS, SAID, phrasings
from longtake.corpus.expressions import NAMES, OPPOSITES
from longtake.encoders.spelling import GLUE, tokens
from longtake.encoders.words import MiniWords, WordsNet, load_words
from longtake.train.phrasing import Asked, draw_asked, misspelled, nonsense, say, spoil, targets

READ = SAID
"""An expression read at least so strong counts as asked for, as captions speak of it."""
STRANGE = re.findall(
    r"\S+",
    """banana spaceship tuesday umbrella photosynthesis democracy guitar refrigerator elephant quantum pizza volcano bicycle
    lighthouse algebra penguin tractor orchestra dinosaur keyboard mountain sandwich galaxy submarine carpet 😀 微笑 улыбка""",
)
"""Words that have nothing to do with faces."""


@dataclass(frozen=True)
class Reading:
    """What was found; each share is of texts, by expression where it says so."""

    trained: dict[str, float]
    held_out: dict[str, float]  # of all held-out phrasings
    guessable: dict[str, float]  # of those whose words are all known, or forms of known ones
    guesses: dict[str, int]  # how many these are
    levels: tuple[float, float, float]  # mean intensity read for slight, plain and strong
    together: dict[str, float]  # whole texts of up to four expressions: neither too much nor too little is read
    contradicting: float  # pairs that exclude each other: both are read
    refused: float  # "not X": X is not read
    unknown: dict[str, float]  # share of words called unknown

    def summary(self) -> dict[str, float]:
        """The numbers of a log line."""
        by_expression = {"trained": self.trained, "held_out": self.held_out, "guessable": self.guessable}
        means = {name: float(np.nanmean(list(shares.values()))) for name, shares in by_expression.items()}
        worst = {"held_out_worst": min(self.held_out.values())}
        told = {"contradicting": self.contradicting, "refused": self.refused}
        return (
            means
            | worst
            | told
            | {f"whole_{k}": v for k, v in self.together.items()}
            | {f"unknown_{k}": v for k, v in self.unknown.items()}
        )


def check(words: MiniWords, texts: int = 300) -> Reading:
    """All of it, on texts drawn from a fixed seed."""
    rng = np.random.default_rng(0)
    trained = {name: tuple(rng.permutation(_all(name))[:60].tolist()) for name in NAMES}
    guessable = {name: tuple(text for text in HELD_OUT[name] if not words.unknown(text)) for name in NAMES}
    pairs = [tuple(pair) for pair in sorted(map(sorted, OPPOSITES))]
    return Reading(
        trained={name: understood(words, name, trained[name]) for name in NAMES},
        held_out={name: understood(words, name, HELD_OUT[name]) for name in NAMES},
        guessable={name: understood(words, name, guessable[name]) for name in NAMES},
        guesses={name: len(guessable[name]) for name in NAMES},
        levels=tuple(_level(words, level) for level in LEVELS),  # type: ignore[arg-type]
        together=_together(words, rng, texts),
        contradicting=_both(words, pairs, rng),
        refused=_refused(words, rng),
        unknown=_unknown(words, rng),
    )


def understood(words: MiniWords, name: str, texts: Sequence[str]) -> float:
    """The share of texts of which this expression is what is read most, and strongly enough; NaN if there are none."""
    read = words.states(texts)
    return (
        float(np.mean([state[name] >= READ and state[name] == max(state.values()) for state in read]))
        if read
        else np.nan
    )


def encoder_of(net: WordsNet, vocabulary: Sequence[str]) -> MiniWords:
    """The encoder with a copy of the network as it is, so that training goes on undisturbed."""
    copy = WordsNet(net.sizes)
    copy.load_state_dict(net.state_dict())
    return MiniWords(copy, vocabulary, NAMES)


def report(reading: Reading) -> str:
    """The tables, as Markdown."""
    rows = [
        f"| {name} | {_percent(reading.trained[name])} | {_percent(reading.held_out[name])} | "
        f"{_percent(reading.guessable[name])} of {reading.guesses[name]} ({len(HELD_OUT[name])}) |"
        for name in NAMES
    ]
    summary = [f"| {name} | {value:.3f} |" for name, value in reading.summary().items()]
    head = [
        "| expression | trained phrasings | held out | held out, of known words or forms of them |",
        "| --- | --- | --- | --- |",
    ]
    slight, plain, strong = reading.levels
    levels = f"Mean intensity read: slight {slight:.2f}, plain {plain:.2f}, strong {strong:.2f}."
    return "\n".join([*head, *rows, "", levels, "", "| | |", "| --- | --- |", *summary])


def _all(name: str) -> list[str]:
    return list(dict.fromkeys(text for level in LEVELS for text in phrasings(name, level)))


def _level(words: MiniWords, level: str) -> float:
    said = [(name, text) for name in NAMES for text in phrasings(name, level)[:20]]
    read = words.states([text for _, text in said])
    return float(np.mean([state[name] for state, (name, _) in zip(read, said, strict=True)]))


def _exact(words: MiniWords, texts: Sequence[str], asked: Sequence[Asked]) -> float:
    """The share of texts of which just what is asked for is read."""
    wanted = np.array([[name in one.state for name in NAMES] for one in asked])
    return float(((_states(words, texts) >= READ) == wanted).all(1).mean())


def _together(words: MiniWords, rng: np.random.Generator, texts: int) -> dict[str, float]:
    """Shares of texts read exactly, and how far intensities are off: as trained, said carelessly, held out, reordered."""
    asked = [one for one in (draw_asked(rng, 0.0) for _ in range(2 * texts)) if not one.refused][:texts]
    said = [say(one, rng) for one in asked]
    ways = {
        "as_trained": said,
        "careless": [spoil(text, rng) for text in said],
        "upper_case": [text.upper() for text in said],
        "no_stops": [text.replace(",", "").replace(";", "") for text in said],
        "held_out": [say(one, rng, held_out=True) for one in asked],
    }
    shares = {way: _exact(words, put, asked) for way, put in ways.items()}
    read, wanted = _states(words, said), targets(asked)[0]
    moved = np.abs(read - _states(words, [_turned(text) for text in said])).max(1)
    several = ["," in text for text in said]
    return shares | {
        "intensity_off": float(np.abs(read - wanted)[wanted > 0].mean()),
        "order_off": float(moved[several].mean()),
    }


def _states(words: MiniWords, texts: Sequence[str]) -> np.ndarray:
    return np.array([list(state.values()) for state in words.states(texts)])


def _turned(text: str) -> str:
    """The same clauses, last first."""
    return ", ".join(text.replace(";", ",").split(", ")[::-1])


def _both(words: MiniWords, pairs: Sequence[tuple[str, ...]], rng: np.random.Generator) -> float:
    """The share of pairs of which both are read."""
    read = words.states([say(Asked(dict.fromkeys(pair, 0.6)), rng) for pair in pairs])
    return float(np.mean([all(state[name] >= READ for name in pair) for state, pair in zip(read, pairs, strict=True)]))


def _refused(words: MiniWords, rng: np.random.Generator) -> float:
    """The share of refusals that are heard."""
    names = NAMES * 4
    read = words.states([say(Asked(refused=name), rng) for name in names])
    return float(np.mean([state[name] < READ for state, name in zip(read, names, strict=True)]))


def _unknown(words: MiniWords, rng: np.random.Generator) -> dict[str, float]:
    """How many are called unknown of: strange words, made-up words; and, wrongly, of misspelled and held-out words."""
    taught = [w for w in words.vocabulary.words if len(w) > 4]
    new = sorted(
        {t.plain for texts in HELD_OUT.values() for text in texts for t in tokens(text) if t.plain}
        - set(words.vocabulary.words)
        - GLUE
    )
    sets = {
        "strange": STRANGE,
        "made_up": [nonsense(rng) for _ in range(200)],
        "misspelled": [misspelled(str(w), rng) for w in rng.choice(taught, 200)],
        "held_out_words": new,
    }
    return {kind: float(np.mean([bool(words.unknown(w)) for w in group])) for kind, group in sets.items()}


def _percent(share: float) -> str:
    return "-" if np.isnan(share) else f"{100 * share:.0f} %"


if __name__ == "__main__":
    print(report(check(load_words(Path(sys.argv[1])))))
