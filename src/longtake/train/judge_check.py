"""How well our own judges judge, on clips that they never saw; as lines, or as JSON.

python -m longtake.train.lips tests/fixtures/gates data/judged --held 1 --apart
python -m longtake.train.judge_check data/judged [--json FILE]
"""

from __future__ import annotations

import json
from pathlib import Path

import typer

from longtake.evaluate.command import run_command
from longtake.evaluate.metrics.extractors.mini import FACE, SYNC, face_network, sync_network
from longtake.train import facenet, sync_check
from longtake.train.lips import LipStore

BARS = {"sync_detector_accuracy": 0.85, "faults_ordered": 1.0}
"""What they have to reach."""


def judge(store: LipStore, sync: Path = SYNC, face: Path = FACE) -> dict[str, dict[str, float]]:
    """The tables of both judges; the first row of each is held against its bar."""
    heard = sync_check.check(sync_network(sync), store)
    seen = facenet.check(face_network(face), store)
    return {
        "syncnet": {"sync_detector_accuracy": heard.get("accuracy", float("nan")), **heard},
        "facenet": {"faults_ordered": seen.get("ordered", float("nan")), **seen},
    }


def main(
    folder: Path = typer.Argument(..., help="what longtake.train.lips packed with --held 1"),
    out: Path = typer.Option(None, "--json", help="file to write"),
) -> None:
    """Tells how well the shipped judges judge."""
    tables = judge(LipStore(folder))
    for name, table in tables.items():
        for row, value in table.items():
            bar = f"  (at least {BARS[row]:g})" if row in BARS else ""
            print(f"{name:8} {row:26} {value:.3f}{bar}")
    if out:
        out.write_text(json.dumps(tables, indent=1) + "\n")


if __name__ == "__main__":
    run_command(main)
