"""Seconds of compute per second of video, peak memory, and the time of each stage.

python benchmarks/speed.py                       # examples/, default settings
python benchmarks/speed.py --json --set sampling.steps=4
"""

from __future__ import annotations

import argparse
import functools
import json
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from machine import machine, peak_mb

EXAMPLES = Path(__file__).parents[1] / "examples"


def main() -> None:
    """Measures and prints."""
    options = parse()
    result = measure(options)
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{result['seconds_per_second']:.2f} s of compute per second of video, peak {result['peak_mb']:.0f} MB")
    for stage, seconds in result["stages_s"].items():
        print(f"  {stage:<10} {seconds:7.2f} s")
    print(f"{result['machine']}")


def parse() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portrait", default=EXAMPLES / "portrait.png")
    parser.add_argument("--speech", default=EXAMPLES / "speech.wav")
    parser.add_argument("--preset", default="mini")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.NAME=VALUE")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, object]:
    """One run from files to file; loading the networks counts as a stage, not as compute."""
    stages: dict[str, float] = defaultdict(float)
    started = time.perf_counter()
    from longtake import animator, segments
    from longtake.media.writer import VideoWriter
    from longtake.presets import preset

    stages["import"] = time.perf_counter() - started
    settings = preset(options.preset).settings.apply_set(*options.set)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        made = animator.Animator(options.preset, settings=settings)
        stages["load"] = time.perf_counter() - started
        clock(stages, "prepare", animator, "prepare")
        clock(stages, "portrait", animator, "read_portrait")
        clock(stages, "motion", segments.Segments, "_motion")
        clock(stages, "conditions", segments, "segment_conditions")
        clock(stages, "denoise", segments.Segments, "_denoise")
        clock(stages, "decode", segments, "decode_frames")
        clock(stages, "write", VideoWriter, "write")
        clock(stages, "finish", VideoWriter, "finish")
        started = time.perf_counter()
        ready = made.prepare(options.portrait, options.speech)
        made.animate(ready, out=Path(folder) / "talk.mp4")
        compute_s = time.perf_counter() - started
    video_s = ready.speech.frames(settings.video.fps) / settings.video.fps
    return {
        "preset": options.preset,
        "set": options.set,
        "video_s": video_s,
        "compute_s": round(compute_s, 3),
        "seconds_per_second": round(compute_s / video_s, 3),
        "peak_mb": round(peak_mb(), 1),
        "stages_s": {name: round(seconds, 3) for name, seconds in stages.items()},
        "machine": machine(),
    }


def clock(stages: dict[str, float], stage: str, place: object, name: str) -> None:
    """From now on the time spent in `place.name` is added to the stage."""
    original = getattr(place, name)

    @functools.wraps(original)
    def timed(*args, **kwargs):
        started = time.perf_counter()
        try:
            return original(*args, **kwargs)
        finally:
            stages[stage] += time.perf_counter() - started

    setattr(place, name, timed)


if __name__ == "__main__":
    main()
