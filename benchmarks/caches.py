"""CPU seconds of the same segments with every exact saving, with none, and without each one in turn; equal outputs asserted.

    python benchmarks/caches.py                        # a table, and a page beside this file with --page
    python benchmarks/caches.py --json --segments 2 --steps 6 --rounds 5

The published networks at small width on random weights, one process, variants interleaved, so that a
busy machine slows all alike.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch
from machine import machine
from plain import Savings, saving

from longtake.models.animation import Animation, hallo2_sizes
from longtake.models.pairing import context_rows, frame_reads
from longtake.models.told import Conditions, PreparedVideo

FRAMES, MOTION = 16, 2
TOLERANCE = 1e-4  # of the answer's spread, after all steps


def main() -> None:
    """Measures and prints."""
    options = parse()
    result = measure(options)
    if options.page:
        path = Path(__file__).parent / f"caches-{result['machine']['date']}.md"
        path.write_text(page(result))
    print(json.dumps(result, indent=2) if options.json else page(result))


def parse() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--width", type=int, default=32, help="width of the finest level; the others are 2, 4 and 4 times"
    )
    parser.add_argument("--latent", type=int, default=16, help="side of the latents")
    parser.add_argument("--segments", type=int, default=2)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--page", action="store_true", help="write a dated page")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """The least CPU seconds of every variant."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    width = options.width
    animation = Animation(hallo2_sizes((width, 2 * width, 4 * width, 4 * width)), spare=True).eval()
    variants = {"all": Savings(), "none": Savings.none()}
    variants |= {f"without {name}": Savings().without(name) for name in Savings.names()}
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    want = video(animation, Savings(), options)  # also warms up
    worst = 0.0
    for turn in range(options.rounds):
        for name, savings in list(variants.items())[:: 1 if turn % 2 == 0 else -1]:
            started = time.process_time()
            have = video(animation, savings, options)
            seconds[name].append(time.process_time() - started)
            worst = max(worst, ((have - want).abs().max() / want.std()).item())
            assert worst <= TOLERANCE, f"{name}: outputs differ by {worst:.2g} of their spread"
    least = {name: min(times) for name, times in seconds.items()}  # a busy machine only ever adds seconds
    ratios = {name: value / least["all"] for name, value in least.items()}
    return {
        "ratio": round(ratios["none"], 3),
        "cpu_seconds": {name: round(value, 3) for name, value in least.items()},
        "ratios": {name: round(value, 3) for name, value in ratios.items()},
        "largest_difference": worst,
        "options": {name: value for name, value in vars(options).items() if name not in ("page", "json")},
        "machine": machine(),
    }


@torch.inference_mode()
def video(animation: Animation, savings: Savings, options: argparse.Namespace) -> torch.Tensor:
    """The latents of a few segments, conditions included, without the autoencoder."""
    draw = torch.Generator().manual_seed(1)
    side = options.latent

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=draw)

    face, rectangle, picture = noise(1, 512), (noise(1, 3, 8 * side, 8 * side) > 0).float(), noise(1, 4, side, side)
    regions = tuple(noise(1, 3, side >> level, side >> level).sigmoid().expand(2, -1, -1, -1) for level in range(4))
    flags = torch.tensor([False, True])
    latents, kept = noise(1, 4, FRAMES, side, side), None
    with saving(savings):
        for _ in range(options.segments):
            lead, windows = noise(MOTION, 4, side, side), noise(1, FRAMES, 5, 12, 768)
            if kept is None or not savings.once_per_video:
                identity = animation.identity_projection(torch.cat([torch.zeros_like(face), face]))
                contexts = context_rows(identity, 1 + MOTION, "published").unflatten(0, (2, -1))
                reference = animation.reference_net(picture.expand(2, -1, -1, -1), contexts[:, 0])
                times = 1 if savings.once_per_video else FRAMES
                located = animation.locator(rectangle.expand(times, -1, -1, -1))[:1]
                kept = None
            motion = animation.reference_net(lead.repeat(2, 1, 1, 1), contexts[:, 1:].flatten(0, 1))
            told = Conditions(
                identity=identity,
                regions=regions,
                reference=reference,
                reads=frame_reads(2, FRAMES, "published"),
                has_reference=flags,
                motion={name: x.unflatten(0, (2, MOTION)) for name, x in motion.items()},
                speech=animation.speech_projection(windows).expand(2, -1, -1, -1),
                has_speech=flags,
                locator=torch.cat([torch.zeros_like(located), located])[:, None],
            )
            kept = kept or animation.denoiser.prepare_video(told)
            latents = denoised(animation, told, kept, latents, options.steps)
    return latents


def denoised(
    animation: Animation, told: Conditions, kept: PreparedVideo, latents: torch.Tensor, steps: int
) -> torch.Tensor:
    """The latents after so many guided steps (a plain sum instead of a scheduler, which costs nothing either way)."""
    prepared = animation.denoiser.prepare(told, FRAMES, kept)
    for step in range(steps):
        told_nothing, told_all = animation.denoiser(
            latents.expand(2, -1, -1, -1, -1), torch.full((2,), 999 - step), prepared
        ).split(1)
        latents = latents - 0.1 * (told_nothing + 3.5 * (told_all - told_nothing))
    return latents


def page(result: dict[str, Any]) -> str:
    """The result as a page."""
    options, where = result["options"], result["machine"]
    rows = "\n".join(
        f"| {name} | {seconds:.2f} | {result['ratios'][name]:.3f} |" for name, seconds in result["cpu_seconds"].items()
    )
    widths = ", ".join(str(times * options["width"]) for times in (1, 2, 4, 4))
    return f"""# What each exact saving brings on a CPU, {where["date"]}

`benchmarks/caches.py`: the published networks at widths {widths}, float32, latents {options["latent"]} x {options["latent"]},
{FRAMES} frames, {MOTION} motion frames, guidance, {options["segments"]} segments of {options["steps"]} steps; no autoencoder.
{where["devices"]["cpu"]}; torch {where["torch"]}; commit {where["commit"]}; load {where["load"]}.
The least of {options["rounds"]} interleaved rounds; outputs differ by at most {result["largest_difference"]:.1e} of their spread.
**All against none: {result["ratio"]:.2f}x** (bar 1.15x). On a busy machine differences of a few hundredths are noise.

| savings | CPU seconds | times the seconds of all |
| --- | ---: | ---: |
{rows}
"""


if __name__ == "__main__":
    main()
