"""The paper's ablation at mini scale (Tables 3, 4 and 5, Figure 5): short trainings, long videos, curves over time.

    python benchmarks/ablations.py work WORK --corpus CORPUS --windows WINDOWS [--until 08:55]   # any number of these
    python benchmarks/ablations.py page WORK

`work` goes on where earlier sittings stopped: a finished piece is a small JSON file in WORK/done. `runs/ablations.sh`
starts one process for each core and writes the page at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

from ablation.rows import PARALLEL, ROWS, Row
from pieces import Piece, clock, expect_same, plan_of, work

ROOT = Path(__file__).parents[1]
RECIPE = ROOT / "recipes" / "mini" / "ablation.toml"
PLAN = {
    "train_steps": 200,
    "train_clips": 32,
    "heldout_clips": 4,
    "seconds": 60,
    "clips": [0, 4, 8, 12],
    "sampling_steps": 4,
}
"""What all rows have in common; the first sitting writes it to WORK/plan.json, later ones read it there."""


def main() -> None:
    """Works, or writes the page."""
    options = parse()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if options.command == "page":
        from ablation.page import write_page

        print(write_page(options.folder, plan_of(options.folder), ROOT))
        return
    changes = dict(assigned(text) for text in options.set)
    plan = plan_of(options.folder, PLAN | {"start": start_hash()} | changes)
    until = None if options.until is None else clock(options.until)
    work(options.folder, pieces(options.folder, plan, options.corpus, options.windows), until)


def parse() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    working = commands.add_parser("work", help="do pieces until all are finished")
    working.add_argument("folder", type=Path)
    working.add_argument("--corpus", type=Path, required=True, help="the corpus that WINDOWS were prepared from")
    working.add_argument("--windows", type=Path, required=True, help="what `longtake corpus prepare` made of it")
    working.add_argument("--until", help="begin no piece after this time of the day, HH:MM in UTC")
    working.add_argument(
        "--set", action="append", default=[], metavar="NAME=JSON", help="another plan, first time only"
    )
    commands.add_parser("page", help="write the page from what is finished").add_argument("folder", type=Path)
    return parser.parse_args()


def assigned(text: str) -> tuple[str, Any]:
    """The name and value of an assignment like seconds=30."""
    name, _, value = text.partition("=")
    return name, json.loads(value)


def start_hash() -> str:
    """Which weights are shipped now."""
    from longtake.weights.files import short_hash

    return short_hash(start_path())


def start_path() -> Path:
    """Where all rows begin: the shipped weights, which read their motion frames."""
    from longtake.presets import mini

    return mini().weights / "animation.safetensors"


def pieces(folder: Path, plan: dict[str, Any], corpus: Path, windows: Path) -> list[Piece]:
    """Everything that is to be done: row after row with its first clip, then the other clips of all rows."""
    result: list[Piece] = []
    first, *others = plan["clips"]
    prepared = set()
    for name, row in ROWS.items():
        if row.windows not in prepared:
            prepared.add(row.windows)
            prepare = partial(make_windows, folder, plan, corpus, windows, row)
            result.append(Piece(f"windows-{row.windows}", (), prepare))
        result.append(Piece(f"train-{name}", (f"windows-{row.windows}",), partial(train, folder, plan, row)))
        result.append(speaking(folder, plan, name, first))
    rest = [(PARALLEL, first), *((name, clip) for clip in others for name in (*ROWS, PARALLEL))]
    return [*result, *(speaking(folder, plan, name, clip) for name, clip in rest)]


def speaking(folder: Path, plan: dict[str, Any], name: str, clip: int) -> Piece:
    """The piece in which a row speaks a clip."""
    needs = (f"train-{weights_of(name)}",)
    return Piece(f"speak-{clip:02}-{name}", needs, partial(speak_clip, folder, plan, name, clip))


def weights_of(name: str) -> str:
    """The row whose weights a row speaks with."""
    return "both" if name == PARALLEL else name


def make_windows(folder: Path, plan: dict[str, Any], corpus: Path, windows: Path, row: Row) -> None:
    """Prepares the windows of a row: the same clips for all."""
    from longtake.corpus.encode import encode_dropped
    from longtake.presets import mini
    from longtake.settings import MotionSettings

    motion = MotionSettings(patch_px=row.patch_px, drop_rate=row.drop_rate)
    clips = {"train": plan["train_clips"], "heldout": plan["heldout_clips"]}
    codec = mini().weights / "autoencoder.safetensors"
    encode_dropped([corpus], windows, folder / "windows" / row.windows, codec, motion, clips)


def train(folder: Path, plan: dict[str, Any], row: Row) -> dict[str, Any]:
    """Trains a row; stopped on the way, the next sitting goes on from its checkpoint."""
    from longtake.weights.files import read

    out = folder / "rows" / row.name
    expect_same(folder, plan["start"], start_hash(), "shipped weights")
    header = read(start_path())[1]
    told = [
        f"run.folder={out}",
        f"run.start={start_path()}",
        f"run.steps={plan['train_steps']}",
        f'data.windows=["{folder / "windows" / row.windows}"]',
        f"task.anchor_std={header['settings']['anchor_std']}",
        *row.task,
    ]
    command = [sys.executable, "-m", "longtake", "train", str(RECIPE)]
    with open(folder / f"train-{row.name}.log", "a") as log:
        subprocess.run(
            [*command, *(part for one in told for part in ("--set", one))], stdout=log, stderr=log, check=True
        )
    last = json.loads((out / "log.jsonl").read_text().splitlines()[-1])
    return {name: last[name] for name in ("step", "frames", "hours", "sheet_distance") if name in last}


def speak_clip(folder: Path, plan: dict[str, Any], name: str, clip: int) -> dict[str, Any]:
    """Lets a row speak one clip."""
    import torch
    from ablation.speak import Scene, speak

    from longtake.evaluate.cases import read_cases

    torch.set_num_threads(1)
    scene = Scene(read_cases(ROOT / "tests" / "fixtures" / "gates"), clip, plan["seconds"])
    row = ROWS[weights_of(name)]
    weights = folder / "rows" / row.name / "ema.safetensors"
    shots = folder / "shots" / f"{clip:02}-{name}.png"
    return speak(weights, row, scene, plan["sampling_steps"], shots, "parallel" if name == PARALLEL else "incremental")


if __name__ == "__main__":
    main()
