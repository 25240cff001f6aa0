"""Faces nobody has: three people mixed in the model's frame, none with more than 0.4, and far from each of them.

The head gives hair, ears, neck, clothes and framing; the donor, whose mouth is closed, the mouth; the third the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from longtake.corpus.people import People, Person
from longtake.errors import CorpusError
from longtake.face.identity import SAME_PERSON

WEIGHTS = (0.34, 0.28, 0.38)
"""Of head, donor and third. Head and donor have hair and mouth already, so on the face they weigh less."""
MAX_YAW_DEG, MAX_YAW_GAP_DEG = 10.0, 9.0
CLOSED = 0.012
SKIN_GAP, BEARD_GAP = 11.0, 7.0
LIP_GAP = np.array([14.0, 8.0, 8.0])
APART = 0.80
"""Sources at least this far from each other; of closer ones hardly a mix is 0.6 from all three."""
GUESS = ((0.62, 0.26), (0.99, -0.01), (0.80, 0.09))
"""Distance of a finished puppet to head, donor and third from that of its preview: slope and offset, measured on 86 mixes."""
HOPE = 0.59
SLACK = {"train": 1.0, "heldout": 1.6}
"""How much the rules give way: few people are held out."""
DRAWS, DRAWS_A_HEAD = 20000, 400


@dataclass(frozen=True)
class Recipe:
    """Who is mixed, and how much of each."""

    files: tuple[str, str, str]
    weights: tuple[float, float, float] = WEIGHTS

    def __post_init__(self) -> None:
        assert abs(sum(self.weights) - 1) < 1e-9 and max(self.weights) <= 0.4 and len(set(self.files)) == 3


def choose(people: People, rng: np.random.Generator, split: str, head: str = "") -> Recipe:
    """Three people who go together, drawn at random; with this head, if somebody goes with it."""
    usable = [p for p in people.rows if p.split == split and p.usable and abs(p.yaw) < MAX_YAW_DEG]
    slack = SLACK[split]
    donors = [p for p in usable if p.mouth_open < CLOSED * slack]
    wanted = [p for p in usable if p.file == head]
    for draw in range(DRAWS):
        first = wanted[0] if wanted and draw < DRAWS_A_HEAD else usable[rng.integers(len(usable))]
        donor, third = donors[rng.integers(len(donors))], usable[rng.integers(len(usable))]
        if _go_together(first, donor, third, slack) and _lips_agree(people, first, donor, min(slack, 1.2)):
            return Recipe((first.file, donor.file, third.file))
    raise CorpusError(f"No three {split} portraits go together.", expected="portraits as in docs/corpus.md")


def _go_together(head: Person, donor: Person, third: Person, slack: float) -> bool:
    trio = (head, donor, third)
    if len({p.file for p in trio}) < 3 or len({p.facial_hair for p in trio}) > 1:
        return False
    for other in (donor, third):
        if (
            abs(head.yaw - other.yaw) > MAX_YAW_GAP_DEG * min(slack, 1.3)
            or np.linalg.norm(head.skin - other.skin) > SKIN_GAP * slack
        ):
            return False
        if max(abs(head.beard - other.beard), abs(head.moustache - other.moustache)) > BEARD_GAP * slack:
            return False
    pairs = ((head, donor), (head, third), (donor, third))
    return min(np.linalg.norm(a.identity - b.identity) for a, b in pairs) > APART / slack**0.15


def _lips_agree(people: People, head: Person, donor: Person, slack: float) -> bool:
    """Lipstick must not cross: the lips stand out from the cheeks alike."""
    gap = np.abs(people.lip_contrast(head.file) - people.lip_contrast(donor.file))
    return bool((gap < LIP_GAP * slack).all())


def promising(preview_distances: Sequence[float]) -> bool:
    """Whether it is worth making the puppet, judged by the distances of its preview."""
    return all(a * d + b >= HOPE for d, (a, b) in zip(preview_distances, GUESS, strict=True))


def far_enough(distances: Sequence[float]) -> bool:
    """Whether a face is nobody of its sources, by the identity network's own threshold."""
    return min(distances) >= SAME_PERSON
