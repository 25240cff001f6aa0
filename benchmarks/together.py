"""Segments made together (`run.together`) against one after another, and against processes that share nothing.

    python benchmarks/together.py --segments 8 --json    →  {"segments_per_s": {"1 x 2 threads": 0.4, ...}, ...}

Each way is a process of its own with the weights loaded and a few segments made before the clock starts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

from machine import machine

EXAMPLES = Path(__file__).parents[1] / "examples"
WARM = 2


def main() -> None:
    """Measures and prints."""
    options = parse()
    if options.child:
        run_one(options)
        return
    cores = len(os.sched_getaffinity(0))
    ways = {
        f"1 x {cores} threads": [(1, cores)],
        f"{cores} together x 1 thread": [(cores, cores)],
        f"{cores} processes x 1 thread": [(1, 1)] * cores,
    }
    speeds = {name: round(measure(children, options), 4) for name, children in ways.items()}
    if options.json:
        print(json.dumps({"segments_per_s": speeds, "segments": options.segments, "machine": machine()}, indent=2))
        return
    for name, speed in speeds.items():
        print(f"{name:28} {speed:.3f} segments a second")


def parse() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--segments", type=int, default=8, help="timed in each process")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", nargs=2, type=int, metavar=("TOGETHER", "THREADS"), help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(children: list[tuple[int, int]], options: argparse.Namespace) -> float:
    """Segments a second of all children at the same time; they begin when all are warm."""
    running = []
    for together, threads in children:
        command = [sys.executable, __file__, "--child", str(together), str(threads)]
        command += ["--segments", str(options.segments), "--steps", str(options.steps)]
        environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        running.append(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        )
    for child in running:
        assert child.stdout and child.stdout.readline() == "warm\n", "a child did not start"
    for child in running:
        assert child.stdin
        child.stdin.write("go\n")
        child.stdin.flush()
    return sum(options.segments / float(child.communicate()[0]) for child in running)


def run_one(options: argparse.Namespace) -> None:
    """Says when it is warm, waits for the word, makes the segments and prints how many seconds they took."""
    import torch

    from longtake.animator import Animator
    from longtake.presets import preset

    together, threads = options.child
    torch.set_num_threads(threads)
    told = ("sampling.strategy=parallel", f"run.together={together}", f"sampling.steps={options.steps}")
    animator = Animator("mini", settings=preset("mini").settings.apply_set(*told))
    # The speech is silent beyond its end, so the portrait can go on for as long as the clock runs.
    chunks = animator._segments(animator.prepare(EXAMPLES / "portrait.png", EXAMPLES / "speech.wav")).until(10**6)
    for _ in islice(chunks, WARM):
        pass
    print("warm", flush=True)
    sys.stdin.readline()
    for _ in islice(chunks, together):  # some of these were made before the word
        pass
    began = time.perf_counter()
    for _ in islice(chunks, options.segments):
        pass
    print(time.perf_counter() - began, flush=True)
    os._exit(0)  # what was begun ahead is not waited for


if __name__ == "__main__":
    main()
