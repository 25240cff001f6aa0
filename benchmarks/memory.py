"""Peak memory for speeches of different lengths, each in a process of its own: it must not grow.

    python benchmarks/memory.py --minutes 0.1667 10 --json     →  {"peak_mb": {"0.1667": 1234.5, "10": 1240.1}, ...}

One denoising step by default: it needs as much memory as many, and ten minutes of video are then made in minutes. For hours,
`--stand-in` puts cheap ones at 64 × 64 for denoiser and autoencoder; journal, encoder, sound, speech features and tail are real.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

from machine import machine, peak_mb

EXAMPLES = Path(__file__).parents[1] / "examples"


def main() -> None:
    """Measures and prints."""
    options = parse()
    if options.child:
        run_one(options)
        return
    peaks = {minutes: in_child(options, minutes) for minutes in options.minutes}
    growth = max(peaks.values()) / min(peaks.values()) - 1
    result = {"peak_mb": peaks, "growth": round(growth, 4), "steps": options.steps, "machine": machine()}
    if options.json:
        print(json.dumps(result, indent=2))
        return
    for minutes, peak in peaks.items():
        print(f"{minutes:>8} min  {peak:8.1f} MB")
    print(f"growth {growth:.1%}")


def parse() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", nargs="+", default=["0.1667", "10"], metavar="MINUTES")
    parser.add_argument("--portrait", default=EXAMPLES / "portrait.png")
    parser.add_argument("--speech", default=EXAMPLES / "speech.wav")
    parser.add_argument("--preset", default="mini")
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--stand-in", action="store_true")
    parser.add_argument("--fps", type=int, default=25, help="with --stand-in")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def in_child(options: argparse.Namespace, minutes: str) -> float:
    """The peak of a fresh process that animates so many minutes, MB."""
    command = [sys.executable, __file__, "--child", "--minutes", minutes, "--steps", str(options.steps)]
    command += ["--fps", str(options.fps), *(["--stand-in"] if options.stand_in else [])]
    command += ["--portrait", str(options.portrait), "--speech", str(options.speech), "--preset", options.preset]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.split()[-1])


def run_one(options: argparse.Namespace) -> None:
    """Animates for so many minutes and prints the peak."""
    from stand_in import stand_in

    from longtake.animator import Animator
    from longtake.presets import preset

    settings = preset(options.preset).settings.apply_set(f"sampling.steps={options.steps}")
    animator = stand_in(options.fps) if options.stand_in else Animator(options.preset, settings=settings)
    with tempfile.TemporaryDirectory() as folder:
        speech = repeat(Path(options.speech), float(options.minutes[0]) * 60, Path(folder) / "long.wav")
        out = animator.animate(options.portrait, speech, Path(folder) / "talk.mp4")
        peak = peak_mb()  # before a library reads the whole index of the file to see whether it is right
        expect_in_step(out, float(options.minutes[0]) * 60)
    print(round(peak, 1))


def expect_in_step(video: Path, seconds: float) -> None:
    """Says so on the error stream if picture and sound of the finished file don't end together, within a frame."""
    from longtake.media.video import video_facts

    facts = video_facts(video)
    frame = 1 / facts.fps
    ends = {"picture": facts.seconds, "sound": facts.sound_s or 0.0}
    print({name: round(end - seconds, 4) for name, end in ends.items()}, f"frame {frame}", file=sys.stderr, flush=True)
    if any(abs(end - seconds) > frame for end in ends.values()):
        print("picture and sound don't end together", file=sys.stderr)


def repeat(source: Path, seconds: float, out: Path) -> Path:
    """The speech again and again until it lasts so long."""
    from longtake.media.sound import read_sound

    once = (read_sound(source) * 32767).astype("<i2")
    left = round(seconds * 16_000)
    with wave.open(str(out), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        while left > 0:
            file.writeframes(once[:left].tobytes())
            left -= len(once)
    return out


if __name__ == "__main__":
    main()
