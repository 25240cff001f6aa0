"""Texts to learn words from: captions of drawn states, said carelessly."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from longtake.corpus.captions import LEVELS, SOMEBODY, caption, person_words, phrasings
from longtake.corpus.expressions import NAMES, go_together
from longtake.encoders.spelling import GLUE, tokens

ATTRIBUTES = ("beard", "moustache")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
REFUSALS = ("not", "without", "no longer", "never", "but not", "and not")
STOPS = (".", "!", "...", " -", ";", "")


@dataclass(frozen=True)
class Asked:
    """What a text asks for, and of whom."""

    state: Mapping[str, float] = field(default_factory=dict)
    person: Mapping[str, bool] | None = None  # None: nothing is said of the person
    refused: str = ""  # an expression that is asked not to be


def draw_asked(rng: np.random.Generator, contradicting: float = 0.1) -> Asked:
    """Up to four expressions, each slight to strong; now and then such as exclude each other, or one that is refused."""
    count = int(rng.choice(5, p=(0.06, 0.4, 0.28, 0.16, 0.1)))
    names = tuple(rng.choice(NAMES, count, replace=False, p=richness()).tolist())
    while not go_together(names) and rng.random() >= contradicting:
        names = tuple(rng.choice(NAMES, count, replace=False, p=richness()).tolist())
    state = {name: float(rng.uniform(0.15, 1.0)) for name in names}
    person = {name: bool(rng.random() < 0.3) for name in ATTRIBUTES} if rng.random() < 0.5 else None
    others = [name for name in NAMES if name not in names]
    return Asked(state, person, str(rng.choice(others)) if rng.random() < 0.1 else "")


@cache
def richness() -> np.ndarray:
    """How often each expression is drawn: as its different words, so that none of them is seldom met."""
    said = (
        (token.plain for level in LEVELS for text in phrasings(name, level) for token in tokens(text)) for name in NAMES
    )
    counts = np.array([len(set(words)) for words in said], float)
    return counts / counts.sum()


def say(asked: Asked, rng: np.random.Generator, held_out: bool = False) -> str:
    """A caption for it."""
    who = person_words(rng, **asked.person) if asked.person is not None else ""
    said = caption(asked.state, rng, held_out=held_out)
    refused = caption({asked.refused: 0.6}, rng) if asked.refused else ""
    if refused:
        said = ", ".join(x for x in (said, f"{rng.choice(REFUSALS)} {refused}") if x)
    parts = [x for x in (who, said) if x]
    return ", ".join(parts[::-1] if rng.random() < 0.2 else parts)


def spoil(text: str, rng: np.random.Generator) -> str:
    """The text as people type it: case, stops, misspellings, words left out, words from elsewhere."""
    words = [x for x in (_careless(word, rng) for word in text.split()) if x]
    for _ in range(int(rng.choice(3, p=(0.75, 0.2, 0.05)))):
        words.insert(int(rng.integers(len(words) + 1)), nonsense(rng))
    text = " ".join(words)
    if rng.random() < 0.25:
        text = re.sub(r"[,;]", "", text)
    elif rng.random() < 0.25:
        text = re.sub(r"[,;]", lambda _: str(rng.choice(STOPS)), text)
    how = (str.upper, str.title, str.capitalize, str.lower)[int(rng.choice(4, p=(0.08, 0.08, 0.24, 0.6)))]
    return how(text) + str(rng.choice(STOPS))


def nonsense(rng: np.random.Generator) -> str:
    """A word that nobody knows."""
    syllables = (
        "".join(rng.choice(list(part)) for part in ("bcdfgklmnprstvz", "aeiou")) for _ in range(rng.integers(2, 5))
    )
    return "".join(syllables) + str(rng.choice(["", "n", "s", "ck", "rt", "x"]))


def misspelled(word: str, rng: np.random.Generator) -> str:
    """The word with one letter dropped, doubled, changed or swapped with the next, but for its first."""
    k = int(rng.integers(1, max(len(word) - 1, 2)))
    before, here, after = word[:k], word[k : k + 1], word[k + 1 :]
    kinds = (before + after, before + here + here + after, before + str(rng.choice(list(LETTERS))) + after)
    return str(rng.choice([*kinds, before + after[:1] + here + after[1:]]))


def known_words() -> list[str]:
    """Every word that training may draw, in the order of the alphabet."""
    texts = [text for name in NAMES for level in LEVELS for text in phrasings(name, level)]
    texts += [*SOMEBODY, *REFUSALS, "and with a beard and a moustache"]
    return sorted({token.plain for text in texts for token in tokens(text) if token.plain})


def targets(asked: Sequence[Asked]) -> tuple[np.ndarray, np.ndarray]:
    """Intensities of all expressions and attributes of the person of each; NaN where nothing is said of the person."""
    states = [[one.state.get(name, 0.0) for name in NAMES] for one in asked]
    people = [
        [np.nan] * len(ATTRIBUTES) if one.person is None else [one.person[a] for a in ATTRIBUTES] for one in asked
    ]
    return np.array(states, np.float32), np.array(people, np.float32)


def _careless(word: str, rng: np.random.Generator) -> str:
    """A word, perhaps misspelled; seldom, and oftener if it says little, nothing."""
    plain = re.sub(r"\W", "", word)
    if rng.random() < (0.15 if plain in GLUE else 0.01):
        return ""
    return misspelled(word, rng) if len(plain) > 4 and rng.random() < 0.05 else word
