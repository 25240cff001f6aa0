"""A run that is killed again and again ends with the same video as one that never was.

    python benchmarks/crash.py --kills 20 --json     →  {"kills": 20, "identical": true, "frames": 500, ...}

Kills come at random moments of a segment; the last of them while the finished file is being written.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
from machine import machine
from memory import EXAMPLES, repeat

from longtake.journal.journal import journal_folder
from longtake.journal.records import RECORDS


def main() -> None:
    """Kills, compares and prints."""
    options = parse()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        options.speech = repeat(EXAMPLES / "speech.wav", options.seconds, place / "speech.wav")
        whole, killed = place / "whole.mp4", place / "killed.mp4"
        started = time.monotonic()
        start(options, whole).wait()
        took = time.monotonic() - started
        done = kill_often(options, killed, took / (options.seconds * 25 / 16))
        frames, others = pictures(whole), pictures(killed)
        result = {
            "kills": len(done),
            "identical": frames == others and sounds(whole) == sounds(killed),
            "frames": len(others),
            "same_bytes": whole.read_bytes() == killed.read_bytes(),
            "killed_after_segments": done,
            "machine": machine(),
        }
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        print("\n".join(f"{name}: {value}" for name, value in result.items()))
    sys.exit(0 if result["identical"] else 1)


def parse() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--steps", type=int, default=1, help="of denoising: how good the video is does not matter here")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def start(options: argparse.Namespace, out: Path) -> subprocess.Popen[bytes]:
    """The run as a process."""
    command = [sys.executable, "-m", "longtake", "animate", str(EXAMPLES / "portrait.png"), str(options.speech), "-q"]
    return subprocess.Popen([*command, "-o", str(out), "--steps", str(options.steps)])


def kill_often(options: argparse.Namespace, out: Path, segment_s: float) -> list[int]:
    """Kills the run so many times, then lets it finish; how many segments were recorded at each kill."""
    draw, done = random.Random(options.seed), []
    in_all = -(-round(options.seconds * 25) // 16)
    for kill in range(options.kills):
        child = start(options, out)
        if kill == options.kills - 1:
            wait_for(lambda: next(journal_folder(out).glob("*.whole.mp4"), None) is not None, child)
        else:
            wanted = max(recorded(out), round(in_all * kill / options.kills))
            wait_for(lambda wanted=wanted: recorded(out) > wanted, child)
            time.sleep(draw.uniform(0, 2 * segment_s))
        child.kill()
        child.wait()
        done.append(recorded(out))
    if not out.exists():  # the last kill may have come when all was done but the tidying up
        start(options, out).wait()
    return done


def wait_for(happened, child: subprocess.Popen[bytes]) -> None:
    """Returns once it happened; a run that ended before is an error."""
    while not happened():
        if child.poll() is not None:
            raise SystemExit("The run ended before it could be killed; make it longer with --seconds.")
        time.sleep(0.001)


def recorded(out: Path) -> int:
    """Segments in the journal."""
    lines = journal_folder(out) / RECORDS
    return lines.read_bytes().count(b"\n") if lines.exists() else 0


def pictures(video: Path) -> list[str]:
    """A hash of each decoded frame."""
    with av.open(str(video)) as container:
        return [hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest() for frame in container.decode(video=0)]


def sounds(video: Path) -> list[str]:
    """A hash of each decoded frame of the sound."""
    with av.open(str(video)) as container:
        return [hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest() for frame in container.decode(audio=0)]


if __name__ == "__main__":
    main()
