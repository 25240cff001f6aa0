"""What `longtake enhance` takes: seconds of work for a second of video, stage by stage, and the peak of main memory.

    python benchmarks/enhance.py --size 2048 4096 --seconds 10 60 --page benchmarks/enhance-2026-11-23.md

Each size and length in a process of its own, on a drawn face that sways, 256 x 256 with grain. With `--background-only` there is
no network: faces are not looked for. Memory must be the same for every length.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from machine import machine, peak_mb

FPS, SIDE = 25, 256
STAGES = {
    "read": "decoding",
    "follow": "faces found and followed",
    "enlarge": "enlarged",
    "restore": "faces restored",
    "paste": "faces put back",
    "encode": "encoded",
}


def main() -> None:
    """Measures and prints, or writes the page."""
    options = parse()
    if options.child:
        print(json.dumps(run_one(options.size[0], options.seconds[0], options)))
        return
    rows = [in_child(size, seconds, options) for size in options.size for seconds in options.seconds]
    text = page(rows, machine())
    if options.page:
        options.page.write_text(text)
    print(json.dumps(rows, indent=2) if options.json else text)


def parse() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", nargs="+", type=int, default=[2048, 4096])
    parser.add_argument("--seconds", nargs="+", type=float, default=[10.0, 60.0])
    parser.add_argument("--codec", default="auto")
    parser.add_argument("--weights", type=Path, help="a folder with enhancer.safetensors; mini's by default")
    parser.add_argument(
        "--compile", action="store_true", help="the network compiled; the first two windows are not timed"
    )
    parser.add_argument("--background-only", action="store_true", help="no network")
    parser.add_argument("--page", type=Path, help="write the table there")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def in_child(size: int, seconds: float, options: argparse.Namespace) -> dict[str, Any]:
    """What a fresh process measured."""
    command = [sys.executable, __file__, "--child", "--size", str(size), "--seconds", str(seconds)]
    command += ["--codec", options.codec, *(["--weights", str(options.weights)] if options.weights else [])]
    command += ["--background-only"] if options.background_only else []
    command += ["--compile"] if options.compile else []
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])


def warm(restore: Callable[..., Any], frames: int) -> None:
    """Compiles the network on two windows of noise, and says how long that took."""
    import torch

    from longtake.face.align import SIDE as FACE_SIDE

    began = time.perf_counter()
    for _ in range(2):
        restore(torch.rand(frames, 3, FACE_SIDE, FACE_SIDE))
    print(f"compiled in {time.perf_counter() - began:.0f} s", file=sys.stderr)


def run_one(size: int, seconds: float, options: argparse.Namespace) -> dict[str, Any]:
    """One video enhanced, its stages timed."""
    from longtake import restoration
    from longtake.media.codecs import choose
    from longtake.media.footage import Footage
    from longtake.media.recode import Recoder
    from longtake.networks import load_enhancer
    from longtake.presets import preset
    from longtake.settings import Enhancing, RunSettings

    settings = Enhancing().overlay({"output": {"codec": options.codec}})
    clock = Clock()
    restore = None
    if not options.background_only:
        run = RunSettings(compile=options.compile)
        network = load_enhancer((options.weights or preset("mini").weights) / "enhancer.safetensors", run)
        if options.compile:
            warm(restoration.restore_with(network, settings.enhance), settings.enhance.window)
        restore = clock.timed("restore", restoration.restore_with(network, settings.enhance))
        restoration.follow = clock.each("follow", restoration.follow, less=("read",))  # type: ignore[assignment]
        restoration.paste = clock.timed("paste", restoration.paste)
    restoration.enlarge = clock.timed("enlarge", restoration.enlarge)
    with tempfile.TemporaryDirectory() as folder:
        footage = Footage(write_film(Path(folder) / "in.mp4", seconds))
        encoding = choose(settings.output, ".mp4", size, size)
        began, times = time.perf_counter(), []

        def pictures() -> Iterator[Any]:
            for shot in footage.shots():
                times.append(shot.time_s)
                yield shot.picture

        given = clock.each("read", pictures)()
        with Recoder(Path(folder) / "out.mp4", footage, (size, size), encoding) as recoder:
            write = clock.timed("encode", recoder.write)
            for picture in restoration.enhance_frames(given, (size, size), restore, settings.enhance):
                write(times.pop(0), picture)
            finish = time.perf_counter()
        took, end = time.perf_counter() - began, time.perf_counter() - finish
    clock.seconds["encode"] += end  # what the encoder still held
    return {
        "size": size,
        "seconds": seconds,
        "frames": recoder.frames,
        "codec": encoding.codec,
        "stages": {name: round(clock.seconds[name] / seconds, 3) for name in STAGES if name in clock.seconds},
        "work_per_second": round(took / seconds, 3),
        "peak_mb": round(peak_mb()),
    }


class Clock:
    """Seconds spent inside functions, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def timed(self, name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def run(*given: Any, **options: Any) -> Any:
            began = time.perf_counter()
            try:
                return act(*given, **options)
            finally:
                self.seconds[name] += time.perf_counter() - began

        return run

    def each(
        self, name: str, act: Callable[..., Iterable[Any]], less: tuple[str, ...] = ()
    ) -> Callable[..., Iterator[Any]]:
        """A function that gives one thing after another, timed without the time of what it reads (`less`)."""

        def run(*given: Any, **options: Any) -> Iterator[Any]:
            things, end = iter(act(*given, **options)), object()
            while True:
                began, before = time.perf_counter(), sum(self.seconds[other] for other in less)
                thing = next(things, end)
                inside = sum(self.seconds[other] for other in less) - before
                self.seconds[name] += time.perf_counter() - began - inside
                if thing is end:
                    return
                yield thing

        return run


def write_film(path: Path, seconds: float) -> Path:
    """A drawn face that sways, with the grain of a camera."""
    import av
    import cv2
    import numpy as np

    from longtake.face.drawn import drawn_face

    face = cv2.resize(drawn_face(), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "18", "preset": "veryfast", "bf": "0"})
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        for k in range(round(seconds * FPS)):
            shift = 6 * np.sin(k / 9)
            moved = cv2.warpAffine(
                face, np.array([[1, 0, shift], [0, 1, 0]]), (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE
            )
            grained = np.clip(moved + rng.normal(0, 2, moved.shape), 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(grained, format="rgb24")
            frame.pts, frame.time_base = k, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def page(rows: list[dict[str, Any]], where: dict[str, Any]) -> str:
    """The table as a page of Markdown."""
    stages = [name for name in STAGES if any(name in row["stages"] for row in rows)]
    head = ["size", "video", "codec", *(f"{STAGES[name]}, s/s" for name in stages), "all, s/s", "peak, MB"]
    lines = [f"| {' | '.join(head)} |", "| --- |" + " --- |" * (len(head) - 1)]
    for row in rows:
        spent = [f"{row['stages'].get(name, 0):.2f}" for name in stages]
        cells = [
            f"{row['size']}²",
            f"{row['seconds']:g} s",
            row["codec"],
            *spent,
            f"{row['work_per_second']:.2f}",
            str(row["peak_mb"]),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    told = "\n".join(f"- {name}: {value}" for name, value in where.items())
    return (
        f"# `longtake enhance`, {where['date']}\n\nSeconds of work for a second of video (s/s), by `benchmarks/enhance.py`: "
        f"256² to the size given, 25 frames a second.\n\n" + "\n".join(lines) + f"\n\n{told}\n"
    )


if __name__ == "__main__":
    main()
