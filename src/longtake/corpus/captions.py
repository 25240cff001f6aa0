"""Captions in the paper's form, {human}{expression}: drawn from a state, in words that change from draw to draw."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import product

import numpy as np

from longtake.corpus.expressions import NAMES, State, contradictions
from longtake.corpus.wording import SLOTS, WORDING

SLIGHT, STRONG = 0.45, 0.8
"""Intensities below the first are called slight, above the second strong."""
LEVELS = ("slight", "plain", "strong")
SAID = 0.1
"""What is weaker is not spoken of."""
JOINTS = (", ", ", ", ", ", " and ", ", and ", "; ")
SOMEBODY = ("a person", "somebody", "someone", "a speaker", "a person talking", "a face", "a portrait of a person")

__all__ = ["HELD_OUT", "caption", "contradictions", "level", "person_words", "phrasings", "vocabulary"]


def caption(state: State, rng: np.random.Generator, person: str = "", held_out: bool = False) -> str:
    """A caption of a state: each expression in some phrasing, in any order, after the words for the person.

    Phrasings of `HELD_OUT` are drawn with `held_out` only, and then no others. An empty state says no more than the person.
    """
    said = [name for name in NAMES if state.get(name, 0.0) >= SAID]
    phrases = [_any(rng, phrasings(name, level(state[name]), held_out)) for name in said]
    rng.shuffle(phrases)
    text = person
    for i, phrase in enumerate(phrases):
        joint = ", " if i == 0 else _any(rng, JOINTS)
        text += (joint if text else "") + phrase
    return text


def person_words(rng: np.random.Generator, beard: bool = False, moustache: bool = False) -> str:
    """Words for a person of whom no more is known than the hair on the face."""
    worn = " and ".join(f"a {hair}" for hair, has in (("beard", beard), ("moustache", moustache)) if has)
    who = _any(rng, SOMEBODY)
    return f"{who} with {worn}" if worn else who


def level(intensity: float) -> str:
    """What an intensity is called: slight, plain or strong."""
    return "slight" if intensity < SLIGHT else "strong" if intensity > STRONG else "plain"


@cache
def phrasings(name: str, level: str = "plain", held_out: bool = False) -> tuple[str, ...]:
    """All phrasings of an expression at a level, as training draws them, or those it never sees."""
    words = WORDING[name]
    if held_out:
        found = [text for phrase in words.held_out for text in _filled(phrase, level)]
    else:
        own = {"slight": words.slight, "plain": (), "strong": words.strong}[level]
        usable = [phrase for phrase in words.plain if level == "plain" or "{" in phrase]
        found = [text for phrase in (*usable, *own) for text in _filled(phrase, level)]
    return tuple(dict.fromkeys(found))


def vocabulary(held_out: bool = False) -> frozenset[str]:
    """Every word of the phrasings, or of those held out."""
    texts = (text for name in NAMES for level in LEVELS for text in phrasings(name, level, held_out))
    return frozenset(word for text in texts for word in re.findall(r"[a-z-]+", text))


def _any(rng: np.random.Generator, texts: Sequence[str]) -> str:
    return texts[int(rng.integers(len(texts)))]


def _filled(phrase: str, level: str) -> list[str]:
    """A phrase with every choice made in every way, and its slots filled for a level."""
    parts = re.split(r"\[([^\]]+)\]|\{(\w+)\}", phrase)
    choices: list[tuple[str, ...]] = []
    for text, options, slot in zip(parts[::3], [*parts[1::3], None], [*parts[2::3], None], strict=True):
        choices.append((text,))
        if options:
            choices.append(tuple(options.split("|")))
        elif slot:
            choices.append(SLOTS[slot].get(level, ("",)))
    return [_tidy("".join(made)) for made in product(*choices)]


def _tidy(text: str) -> str:
    text = re.sub(r"\s+", " ", text).replace(" ,", ",").strip(" ,")
    text = re.sub(r"\ba (a (?:little|bit)) ", r"\1 ", text)
    return re.sub(r"\ba (?=[aeio])", "an ", text)


HELD_OUT: dict[str, tuple[str, ...]] = {
    name: tuple(dict.fromkeys(text for level in LEVELS for text in phrasings(name, level, held_out=True)))
    for name in NAMES
}
"""Phrasings that training never draws, by expression."""
