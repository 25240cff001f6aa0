"""What an evaluation says, as values: systems, their scores, and what each rests on; to JSON and back."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from longtake.errors import InputError
from longtake.evaluate.metrics.protocol import About

FORMAT = 1
ARROWS = {"higher": "↑", "lower": "↓", "none": ""}
STAND_IN = "not comparable"


@dataclass(frozen=True)
class Score:
    """One number of one system."""

    name: str
    metric: str
    value: float | None  # None: nothing could be measured
    low: float | None
    high: float | None
    unit: str
    better: str
    comparable: bool
    protocol: str  # its hash
    clips: int
    identities: int
    says: str = ""
    remarks: list[str] = field(default_factory=list)
    each: dict[str, float | None] = field(default_factory=dict)  # by clip

    @property
    def title(self) -> str:
        """The name with the arrow that says which way is better."""
        return f"{self.name} {ARROWS[self.better]}".strip()


@dataclass(frozen=True)
class System:
    """One method, or one folder of videos."""

    name: str
    clips: int
    identities: int
    seconds: float
    scores: list[Score]
    curves: dict[str, list[float | None]] = field(default_factory=dict)  # by score, window after window
    remarks: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)  # by clip: why there is no video, or why it can't be read
    about: str = ""

    def score(self, name: str) -> Score | None:
        """A score by its name; None if there is none."""
        return next((score for score in self.scores if score.name == name), None)


@dataclass(frozen=True)
class Result:
    """A whole evaluation."""

    title: str
    made: dict[str, Any]  # date, commit, hardware, version
    data: dict[str, Any]  # what was judged on: kind, clips, identities, split hash
    systems: list[System]
    protocols: dict[str, dict[str, Any]]  # by hash: metric, what it is, every pinned parameter
    missing: dict[str, str]  # by metric: why it is not here, and how to get it
    window_s: float | None = None
    columns: list[str] = field(default_factory=list)  # of the table in the paper's form; empty: all headlines
    paper: dict[str, Any] = field(default_factory=dict)  # see paper.py
    ordered: list[dict[str, Any]] = field(default_factory=list)  # see ordering.py
    notes: list[str] = field(default_factory=list)
    format: int = FORMAT

    def names(self) -> list[str]:
        """Every score that some system has, in order."""
        return list(dict.fromkeys(score.name for system in self.systems for score in system.scores))

    def example(self, name: str) -> Score:
        """Some system's score of a name, for what does not depend on the system."""
        return next(score for system in self.systems if (score := system.score(name)))


def score_names(about: About) -> dict[str, str]:
    """By quantity, the name of its score: the metric's own for the one that stands for it, METRIC.QUANTITY for others."""
    return {
        quantity: about.name if quantity == about.headline else f"{about.name}.{quantity}"
        for quantity in about.quantities
    }


def protocol_of(about: About) -> dict[str, Any]:
    """Everything that must be known to repeat a metric."""
    return {
        "metric": about.name,
        "says": about.says,
        "needs": sorted(about.needs),
        "comparable": about.comparable,
        "protocol": dict(about.protocol),
    }


def write_result(result: Result, path: Path) -> Path:
    """The path of the JSON file, written."""
    path.write_text(json.dumps(_plain(asdict(result)), indent=1, ensure_ascii=False, default=str) + "\n")
    return path


def read_result(path: Path) -> Result:
    """The evaluation in a JSON file."""
    try:
        stored = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise InputError(f"There is no file '{path}'.", expected="the metrics.json of an evaluation") from error
    except (OSError, ValueError) as error:
        raise InputError(f"'{path}' is no JSON: {error}.", expected="the metrics.json of an evaluation") from error
    if not isinstance(stored, dict) or stored.get("format") != FORMAT or "systems" not in stored:
        raise InputError(
            f"'{path}' is no evaluation of this version.",
            expected=f"the metrics.json of an evaluation, format {FORMAT}",
            do="make it anew by longtake evaluate",
        )
    try:
        known = {f.name for f in fields(Result)}
        values: dict[str, Any] = {name: value for name, value in stored.items() if name in known}
        values["systems"] = [_system(row) for row in stored["systems"]]
        return Result(**values)
    except (TypeError, KeyError) as error:
        raise InputError(f"'{path}' is no evaluation: {error}.", do="make it anew by longtake evaluate") from error


def _system(row: dict[str, Any]) -> System:
    return System(**{**row, "scores": [Score(**score) for score in row["scores"]]})


def number(value: float) -> float | None:
    """The value for JSON, which knows no NaN."""
    return round(float(value), 6) if math.isfinite(value) else None


def _plain(thing: Any) -> Any:
    if isinstance(thing, float):
        return number(thing)
    if isinstance(thing, Mapping):
        return {str(key): _plain(value) for key, value in thing.items()}
    if isinstance(thing, Iterable) and not isinstance(thing, str | bytes):
        return [_plain(value) for value in thing]
    return thing
