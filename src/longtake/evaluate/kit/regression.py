"""The gate: a new evaluation may not be worse than an old one by more than the old one's interval."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from longtake.errors import InputError
from longtake.evaluate.kit.results import Result, Score, System


@dataclass(frozen=True)
class Verdict:
    """What became of one score."""

    system: str
    name: str
    fell: bool
    said: str


def compare_results(base: Result, new: Result) -> list[Verdict]:
    """One verdict for each score that the base has and that has a better side."""
    systems = {system.name: system for system in new.systems}
    if not base.systems or not systems.keys() & {system.name for system in base.systems}:
        raise InputError(
            "The two evaluations have no system in common.",
            expected=f"one of {', '.join(system.name for system in base.systems) or 'none'}",
            do="evaluate the same systems",
        )
    return [verdict for old in base.systems for verdict in _system(old, systems.get(old.name))]


def _system(old: System, new: System | None) -> Iterator[Verdict]:
    for score in old.scores:
        if score.better == "none" or score.value is None:
            continue
        if new is None:
            yield Verdict(old.name, score.name, True, "the system is not in the new evaluation")
        else:
            yield judge(old.name, score, new.score(score.name))


def judge(system: str, old: Score, new: Score | None) -> Verdict:
    """Whether a score fell by more than its interval; one that is gone, or has no value any more, fell too."""

    def verdict(fell: bool, said: str) -> Verdict:
        return Verdict(system, old.name, fell, said)

    assert old.value is not None
    if new is None or new.value is None:
        return verdict(True, f"was {old.value:.4g}, now there is no value")
    if new.protocol != old.protocol:
        return verdict(True, f"measured by another protocol ({old.protocol}, now {new.protocol}): make the base anew")
    change = new.value - old.value
    slack = slack_of(old)
    worse = -change if old.better == "higher" else change
    moved = f"{old.value:.4g} to {new.value:.4g}, interval {slack:.4g} on the worse side"
    if slack_unknown(old):
        moved += " (none is known: one identity)"
    return verdict(worse > slack, moved)


def slack_of(score: Score) -> float:
    """How far a score may fall: from its value to the worse end of its interval."""
    end = score.low if score.better == "higher" else score.high
    return abs(score.value - end) if end is not None and score.value is not None else 0.0


def slack_unknown(score: Score) -> bool:
    """Whether the score has no interval, so that any fall counts."""
    return score.low is None or score.high is None
