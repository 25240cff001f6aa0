"""Texts as numbers: words by their place in a vocabulary, and every word by the pieces it is spelled with."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import groupby

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

EMPTY, UNKNOWN, PAUSE, FIRST = 0, 1, 2, 3
"""No word here; a word outside the vocabulary; a comma or the like; the vocabulary's first word."""
LONGEST = 32  # letters of a word that are looked at
PIECES = range(3, 6)  # letters of a piece
PAUSES = frozenset(",.;:!?…،、。，；：！？")
GLUE = frozenset(
    re.findall(
        r"\w+",
        """a an the and or but then with of in on at to from by for as is are be being been was it its this that he she they him
        her his hers their them i you me my your who while now still again please make show let do does go goes get gets keep
        keeps stay stays become becomes give gives have has having person man woman face expression""",
    )
)
"""Words that ask for nothing by themselves: known to everybody."""
ENDINGS = frozenset(
    re.findall(
        r"\w*",
        """s es d ed ing ings ingly edly ly ily y r er ers ier iest st est e ie ies ied ness iness ish en ens ened ening ful
        fully able ably ible ment ement ments ion ions ation ous ously ious ity ety ance ence ant ent ive ively al ally or""",
    )
)
"""How forms of English words end; the empty one is among them."""
SHORTEST = 5  # letters of a word in which a misspelling is forgiven


@dataclass(frozen=True)
class Token:
    """A word, a pause or a run of signs: as it was written, and as it is looked up (empty for a pause)."""

    written: str
    plain: str
    sign: bool = False  # no letters: an emoji or the like


def tokens(text: str) -> list[Token]:
    """The words, pauses and signs of a text; case, accents, quotes, hyphens and brackets are dropped."""
    found: list[Token] = []
    for kind, run in groupby(text, _kind):
        written = "".join(run).strip("'’")
        if kind == "pause" and found and found[-1].plain:
            found.append(Token(written, ""))
        if kind == "sign":
            found.append(Token(written, written, sign=True))
        if kind == "word" and any(character.isalnum() for character in written):
            found.append(Token(written, _plain(written)))
    while found and not found[-1].plain:
        found.pop()
    return found


@lru_cache(20_000)
def pieces(word: str, buckets: int) -> tuple[int, ...]:
    """The buckets of a word's pieces of three to five letters, its two ends marked."""
    marked = f"<{word[:LONGEST]}>"
    cut = (marked[k : k + size] for size in PIECES for k in range(max(len(marked) - size + 1, 1)))
    return tuple(zlib.crc32(piece.encode()) % buckets for piece in dict.fromkeys(cut))


@dataclass(frozen=True)
class Vocabulary:
    """The words that were met in training, and how a text looks to a network that knows them.

    A word that was not met counts as the one it is a form or a misspelling of.
    """

    words: tuple[str, ...]
    buckets: int

    @cached_property
    def places(self) -> dict[str, int]:
        return {word: FIRST + k for k, word in enumerate(self.words)}

    def numbers(self, texts: Sequence[str]) -> tuple[Int[Tensor, "t l"], Int[Tensor, "t l g"]]:
        """For each text its words' places and their pieces, filled up with EMPTY and with the bucket after the last.

        Each begins with a pause, so that no text is empty.
        """
        rows = [[Token("", ""), *tokens(text)] for text in texts]
        spelled = [[self._pieces(token) for token in row] for row in rows]
        longest, most = max(map(len, rows)), max([1, *(len(x) for row in spelled for x in row)])
        words = np.full((len(rows), longest), EMPTY)
        grams = np.full((len(rows), longest, most), self.buckets)
        for i, row in enumerate(rows):
            words[i, : len(row)] = [self._place(token) for token in row]
            for k, found in enumerate(spelled[i]):
                grams[i, k, : len(found)] = found
        return torch.from_numpy(words), torch.from_numpy(grams)

    def unknown(self, text: str) -> list[str]:
        """The words and signs of a text that are not in the vocabulary, nor forms or misspellings of what is; each once."""
        strange = (token.written for token in tokens(text) if token.plain and not self._known(token))
        return list(dict.fromkeys(strange))

    def nearest(self, word: str) -> str | None:
        """The word of the vocabulary that this is, or is a form of, or is one letter off; None if there is none."""
        if word in self.places:
            return word
        if word in GLUE:
            return None
        if word not in self.found:
            forms = [known for known in self.alike.get(word[:3], ()) if _form(word, known)]
            meant = forms or [known for known in self._misspelled(word) if edits(word, known) == 1]
            self.found[word] = max(meant, key=lambda known: (_shared(word, known), -len(known)), default=None)
        return self.found[word]

    @cached_property
    def found(self) -> dict[str, str | None]:
        """What was looked for before."""
        return {}

    @cached_property
    def alike(self) -> dict[str, list[str]]:
        """Words by their first three letters."""
        return _grouped((word[:3], word) for word in self.words)

    @cached_property
    def shortened(self) -> dict[str, list[str]]:
        """Longer words by what is left of them without one letter, or with all."""
        return _grouped((short, word) for word in self.words if len(word) >= SHORTEST for short in _shortened(word))

    def _misspelled(self, word: str) -> list[str]:
        near = (known for short in _shortened(word[:LONGEST]) for known in self.shortened.get(short, ()))
        return [known for known in near if known[0] == word[0]]  # the first letter is seldom the wrong one

    def _known(self, token: Token) -> bool:
        return not token.sign and (token.plain in GLUE or self.nearest(token.plain) is not None)

    def _pieces(self, token: Token) -> tuple[int, ...]:
        return () if token.sign or not token.plain else pieces(token.plain, self.buckets)

    def _place(self, token: Token) -> int:
        if not token.plain:
            return PAUSE
        return self.places.get(self.nearest(token.plain) or "", UNKNOWN)


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for key, word in pairs:
        groups.setdefault(key, []).append(word)
    return groups


def _shortened(word: str) -> set[str]:
    return {word, *(word[:k] + word[k + 1 :] for k in range(len(word)))}


@cache
def _kind(character: str) -> str:
    if character in PAUSES:
        return "pause"
    if character in "'’":
        return "word"
    category = unicodedata.category(character)
    if category[0] in "LNM" or category == "Cf":  # marks and joiners belong to the letters before them
        return "word"
    return "sign" if category[0] == "S" else "gap"


def _plain(word: str) -> str:
    """Small letters without accents or apostrophes."""
    apart = unicodedata.normalize("NFKD", word).casefold()
    return "".join(c for c in apart if unicodedata.category(c)[0] in "LN")


def _shared(word: str, known: str) -> int:
    """How many letters two words begin with alike."""
    return next((k for k, (a, b) in enumerate(zip(word, known, strict=False)) if a != b), min(len(word), len(known)))


def _form(word: str, known: str) -> bool:
    """Whether two words differ in their endings only: smile, smiling; grin, grinning; rotating, rotation."""
    same = _shared(word, known)
    least = max(3, (min(len(word), len(known)) + 1) // 2)
    return any(_ends(word, cut) and _ends(known, cut) for cut in range(least, same + 1))


def _ends(word: str, cut: int) -> bool:
    """Whether what follows is an ending, perhaps after a letter doubled for it."""
    rest = word[cut:]
    return rest in ENDINGS or (rest[:1] == word[cut - 1] and rest[1:] in ENDINGS)


def edits(one: str, other: str) -> int:
    """How many letters must be dropped, added, changed or swapped to make one word of the other."""
    above: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        before, above, row = above, row, [i]
        for k, b in enumerate(other, start=1):
            cost = min(above[k] + 1, row[-1] + 1, above[k - 1] + (a != b))
            if i > 1 and k > 1 and a == other[k - 2] and b == one[i - 2]:
                cost = min(cost, before[k - 2] + 1)
            row.append(cost)
    return row[-1]
