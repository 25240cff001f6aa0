"""What judging a long video costs: `longtake evaluate` with every metric that needs no one else's weights, against its true clip
or a set of real ones.

    python benchmarks/long_evaluation.py [--minutes 5 60] [--side 512] [--alone] [--work FOLDER]

The held-out clips one after the other, at the side asked for, again and again; "made" is the same, blurred and compressed.
With --alone there is no true clip of the same length, as of an hour that a model made: the held-out clips are the real set.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from machine import machine

ROOT = Path(__file__).parents[1]
CLIPS = ROOT / "tests/fixtures/gates"
FPS, RATE_HZ = 25, 16000


def frames_of(side: int, blur: float) -> Iterator[np.ndarray]:
    """The held-out clips at a side."""
    from longtake.media.video import read_frames

    for path in sorted(CLIPS.glob("*.mp4")):
        for picture in read_frames(path):
            large = cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC)
            yield cv2.GaussianBlur(large, (0, 0), blur) if blur else large


def voices() -> np.ndarray:
    """Their voices, cut or filled up to their pictures."""
    from longtake.media.sound import open_speech
    from longtake.media.video import video_facts

    parts = []
    for path in sorted(CLIPS.glob("*.mp4")):
        parts.append(open_speech(path.with_suffix(".flac")).read(0.0, video_facts(path).frames / FPS))
    return np.concatenate(parts)


def write_once(path: Path, side: int, blur: float, crf: int) -> None:
    """All clips as one video with sound."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": str(crf), "preset": "veryfast", "bf": "0"})
        stream.width = stream.height = side
        sound = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        for picture in frames_of(side, blur):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
        frame = av.AudioFrame.from_ndarray(voices().astype(np.float32)[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, 0, Fraction(1, RATE_HZ)
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))


def repeat(source: Path, path: Path, seconds: float) -> None:
    """The video again and again, without being coded anew."""
    with av.open(str(source)) as given, av.open(str(path), "w") as container:
        streams = [container.add_stream_from_template(stream) for stream in given.streams]
        length = given.streams.video[0].frames / FPS
        for turn in range(-(-round(seconds) // round(length))):
            given.seek(0)
            for packet in given.demux():
                if packet.dts is None or turn * length + float(packet.pts * packet.time_base) >= seconds:
                    continue
                if float(packet.pts * packet.time_base) >= length:  # the codec's sound is a little longer
                    continue
                shift = round(turn * length / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = streams[packet.stream_index]
                container.mux(packet)


def real_set(work: Path) -> Path:
    """A folder of the held-out videos alone. The first bears the name of what is judged: four seconds of it have a true clip."""
    folder = work / "real"
    folder.mkdir(exist_ok=True)
    for place, path in enumerate(sorted(CLIPS.glob("*.mp4"))):
        link = folder / ("a.mp4" if place == 0 else path.name)
        if not link.exists():
            link.symlink_to(path)
    return folder


def judge(made: Path, real: Path, out: Path) -> tuple[float, float, float]:
    """Seconds of the clock, seconds of CPU, most memory in GB."""
    command = [sys.executable, "-m", "longtake", "evaluate", "--generated", str(made), "--real", str(real)]
    began = time.perf_counter()
    process = subprocess.Popen([*command, "--metrics", "all", "-o", str(out), "--set", "metrics.window_s=60"])
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"longtake evaluate ended with {status}.")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6


def main() -> None:
    """Prints a row for each length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, nargs="+", default=[5.0, 60.0])
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--alone", action="store_true", help="against a set of real clips, not frame by frame")
    parser.add_argument("--work", type=Path, help="where videos and reports are left; default: nowhere")
    args = parser.parse_args()
    print(
        "| video | clock, s | per second of video | CPU, s per second of video | most memory, GB |\n| --- | "
        + "---: | " * 4
    )
    with tempfile.TemporaryDirectory() as temporary:
        work = args.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        for name, blur, crf in (("made", 1.5, 30), ("true", 0.0, 20)):
            if not (work / f"{name}.mp4").exists():
                write_once(work / f"{name}.mp4", args.side, blur, crf)
        for minutes in args.minutes:
            folders = [work / f"{minutes:g}" / name for name in (("made",) if args.alone else ("made", "true"))]
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
                repeat(work / f"{folder.name}.mp4", folder / "a.mp4", 60 * minutes)
            clock, cpu, memory = judge(
                folders[0], real_set(work) if args.alone else folders[1], work / f"{minutes:g}" / "report"
            )
            seconds = 60 * minutes
            print(
                f"| {minutes:g} min | {clock:.0f} | {clock / seconds:.2f} | {cpu / seconds:.2f} | {memory:.2f} |",
                flush=True,
            )
    for name, value in machine().items():
        print(f"- {name}: {value}")


if __name__ == "__main__":
    main()
