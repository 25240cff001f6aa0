"""What the journal costs: its share of a run's time, and what it takes on the disk beside the video.

    python benchmarks/journal.py --seconds 60     →  {"share": 0.004, "grows_mb_per_minute": 0.03, "tails_mb": 1.5, ...}

The time is that spent in the journal's own calls (plan, tail, record, removal), in the run that is measured itself.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from machine import machine
from memory import EXAMPLES, repeat

from longtake.animator import Animator
from longtake.journal import journal as journals
from longtake.journal.records import RECORDS

MB = 1e6


class Watched(journals.Journal):
    """A journal that knows how long it was worked for, and how large its tails and records were at the end."""

    seconds, tails, records = 0.0, 0, 0

    def __init__(self, *given, **named) -> None:
        self._timed(lambda: super(Watched, self).__init__(*given, **named))

    def add(self, *given, **named):
        return self._timed(lambda: super(Watched, self).add(*given, **named))

    def finish(self, keep: bool = False) -> None:
        sizes = {path.name: path.stat().st_size for path in self.folder.iterdir() if path.is_file()}
        Watched.records = sizes[RECORDS]
        Watched.tails = sum(sizes.values()) - sizes[RECORDS] - sizes.get(self.video.name, 0)
        self._timed(lambda: super(Watched, self).finish(keep))

    def _timed(self, work: Callable):
        began = time.perf_counter()
        try:
            return work()
        finally:
            Watched.seconds += time.perf_counter() - began


def main() -> None:
    """Animates the example's speech, repeated, and prints what the journal took of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_args().seconds
    import longtake.animator

    longtake.animator.Journal = Watched
    with tempfile.TemporaryDirectory() as folder:
        speech = repeat(EXAMPLES / "speech.wav", seconds, Path(folder) / "speech.wav")
        animator = Animator("mini")
        began = time.perf_counter()
        animator.animate(EXAMPLES / "portrait.png", speech, Path(folder) / "talk.mp4")
        took = time.perf_counter() - began
    found = {
        "seconds": seconds,
        "work_s": round(took, 2),
        "journal_s": round(Watched.seconds, 3),
        "share": round(Watched.seconds / took, 5),
        "grows_mb_per_minute": round(Watched.records / MB / (seconds / 60), 4),
        "tails_mb": round(Watched.tails / MB, 2),
    }
    print(json.dumps({**found, "machine": machine()}))


if __name__ == "__main__":
    main()
