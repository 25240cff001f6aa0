"""How far our numbers are from golden arrays of the published program: python benchmarks/parity.py FILE.npz

Takes any file whose `options` say what its numbers depend on: other seeds, sizes, frame counts and full width as well as
those in the tests. Weights are rebuilt from names, so no checkpoint is needed. Prints what is out of tolerance, then one
line of JSON about the array that uses up most of its tolerance; exits with 1 if any is out of it.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "tests" / "parity")]


class Row(NamedTuple):
    """One array compared: how far, and how far it may be (deviations of the array, unless the kind says otherwise)."""

    array: str
    error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        return self.error <= self.tolerance

    @property
    def used(self) -> float:
        """The share of the tolerance that is used up; not a number counts as all of it and more."""
        share = self.error / self.tolerance if self.tolerance else self.error * 1e9
        return math.inf if math.isnan(share) else share


def main(arguments: list[str] | None = None) -> int:
    """0 if everything that the file asks for agrees."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path, help="golden arrays (.npz)")
    path = parser.parse_args(arguments).file
    try:
        golden = dict(np.load(path))
        options = json.loads(str(golden.pop("options")))
    except (OSError, ValueError, KeyError) as error:
        return _end(path, why=f"not a file of golden arrays: {error}")
    rows, why = [], ""
    try:
        for row in compare(options, golden):
            rows.append(row)
            if not row.passed:
                print(f"out of tolerance: {row.array}: {row.error:.3g} > {row.tolerance:.3g}", flush=True)
    except NotImplementedError as error:
        why = str(error)
    print(f"{len(rows)} arrays compared, {sum(not row.passed for row in rows)} out of tolerance")
    return _end(path, max(rows, key=lambda row: row.used, default=None), all(row.passed for row in rows), why)


def compare(options: dict, golden: dict[str, np.ndarray]) -> Iterator[Row]:
    """A row for each array that the file has and we compute."""
    import parity_front_ends
    import parity_networks

    kinds = {
        "net": parity_networks.networks,
        "loop": parity_networks.loop,
        "schedule": parity_networks.schedule,
        "vae": parity_front_ends.autoencoder,
        "wav2vec": parity_front_ends.speech,
        "image": parity_front_ends.image,
        "codeformer": parity_front_ends.enhancer,
        "restoration": _not_yet("RealESRGAN, ParseNet and RetinaFace, which are not part of longtake"),
    }
    kind = options.get("kind")
    if kind not in kinds:
        raise NotImplementedError(f"arrays of an unknown kind: {kind}; known are {', '.join(kinds)}")
    for array, error, tolerance in kinds[kind](options, golden):
        yield Row(array, float(error), float(tolerance))


def _not_yet(what: str):
    def kind(options: dict, golden: dict) -> Iterator[Row]:
        raise NotImplementedError(f"these arrays come from {what}")

    return kind


def _end(path: Path, worst: Row | None = None, passed: bool = False, why: str = "") -> int:
    """Prints the line of JSON; the exit code."""
    passed = passed and worst is not None and not why
    finite = worst is not None and math.isfinite(worst.error)
    report = {
        "file": path.name,
        "worst": worst.error if worst and finite else None,
        "array": worst.array if worst else None,
        "tolerance": worst.tolerance if worst else None,
        "pass": passed,
    }
    print(json.dumps(report | ({"why": why} if why else {})))
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
