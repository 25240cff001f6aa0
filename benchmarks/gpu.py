"""Seconds of a full-width segment of `hallo2`, and peak memory, with random weights: for each number format, eager and compiled.

    python benchmarks/gpu.py --page                                # on the first CUDA device; writes a dated page
    python benchmarks/gpu.py --dtypes bfloat16 --compile no --offload yes
    python benchmarks/gpu.py --device cpu --width 32 --dtypes float32 --compile no --steps 1     # does the script work?

One denoising step is timed and taken times the steps. "Floor" is the operations at the rate of a large multiplication here.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from machine import machine

from longtake.apps.predict import matmul_rate
from longtake.models.animation import Animation, hallo2_sizes
from longtake.models.vae import Vae
from longtake.placing import placed, placed_animation
from longtake.presets import preset
from longtake.rehearsal import Need, measure, rehearse
from longtake.settings import RunSettings, Settings

ONCE = ("identity", "locator", "encode portrait", "reference net, portrait", "constants of the portrait")


def main() -> None:
    """Measures and prints."""
    options = parse()
    device = torch.device(options.device)
    rows = [
        timed(options, device, dtype, compiled == "yes") for dtype in options.dtypes for compiled in options.compile
    ]
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    result = {"card": card, "width": options.width, "steps": options.steps, "rows": rows, "machine": machine()}
    if options.page:
        name = card.replace(" ", "-").lower()
        (Path(__file__).parent / f"gpu-{name}-{result['machine']['date']}.md").write_text(page(result))
    print(json.dumps(result, indent=2) if options.json else page(result))


def parse() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument(
        "--width", type=int, default=320, help="width of the finest level; the others are 2, 4 and 4 times"
    )
    parser.add_argument("--size", type=int, default=512, help="side of the pictures")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--dtypes", nargs="+", default=["bfloat16", "float16"])
    parser.add_argument("--compile", nargs="+", choices=("no", "yes"), default=["no", "yes"])
    parser.add_argument("--offload", choices=("no", "yes"), default="no")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--page", action="store_true", help="write a dated page")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


@torch.inference_mode()
def timed(options: argparse.Namespace, device: torch.device, dtype_name: str, compiled: bool) -> dict[str, Any]:
    """Seconds by part and peak memory of one configuration, the best of a few rounds after one that warms up."""
    dtype, run = getattr(torch, dtype_name), RunSettings(compile=compiled, offload=options.offload == "yes")
    settings = preset("hallo2").settings.overlay(
        {"portrait": {"size_px": options.size}, "sampling": {"steps": options.steps}}
    )
    width = options.width
    sizes = hallo2_sizes((width, 2 * width, 4 * width, 4 * width))
    torch.manual_seed(0)
    animation, vae = placed_animation(Animation(sizes), device, dtype, run), placed(Vae(), device, dtype)
    need = foreseen(sizes, settings, dtype)
    rounds = []
    started = time.perf_counter()
    for again in range(options.rounds + 1):
        seconds: dict[str, float] = {}
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        rehearse(animation, vae, settings, watch(seconds, device))
        rounds += [seconds] if again else []
        warm_up = time.perf_counter() - started if again == 0 else warm_up
    parts = {name: min(row[name] for row in rounds) for name in rounds[0]}
    segment = sum(value * (options.steps if name == "step" else 1) for name, value in parts.items() if name not in ONCE)
    floor = need.operations / matmul_rate(device, dtype)
    peak = torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else None
    return {
        "dtype": dtype_name,
        "compiled": compiled,
        "offloaded": run.offload,
        "segment_s": round(segment, 3),
        "floor_s": round(floor, 3),
        "share_of_floor": round(floor / segment, 3),
        "peak_gib": peak and round(peak, 2),
        "predicted_gib": round(need.memory(run.offload), 2),
        "warm_up_s": round(warm_up, 1),
        "parts_s": {name: round(value, 4) for name, value in parts.items()},
    }


def watch(seconds: dict[str, float], device: torch.device) -> Callable[[str, Callable[[], Any]], Any]:
    """Times each part, waiting for the device before and after."""

    def timing(part: str, work: Callable[[], Any]) -> Any:
        wait(device)
        started = time.perf_counter()
        result = work()
        wait(device)
        seconds[part] = time.perf_counter() - started
        return result

    return timing


def wait(device: torch.device) -> None:
    """Until the device has done what was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def foreseen(sizes: Any, settings: Settings, dtype: torch.dtype) -> Need:
    """What was predicted, without the speech encoder, which is not loaded here."""
    with torch.device("meta"):
        networks = Animation(sizes).to(dtype), Vae().to(dtype)
    return measure(*networks, settings)


def page(result: dict[str, Any]) -> str:
    """The result as a page."""
    lines = "\n".join(
        f"| {row['dtype']} | {'compiled' if row['compiled'] else 'eager'}{', offloaded' if row['offloaded'] else ''} | "
        f"{row['segment_s']:.2f} | {row['share_of_floor']:.0%} | {row['peak_gib']} | {row['predicted_gib']} | "
        f"{row['warm_up_s']:.0f} |"
        for row in result["rows"]
    )
    where = result["machine"]
    return f"""# A segment of hallo2 on {result["card"]}, {where["date"]}

`benchmarks/gpu.py`: random weights, finest width {result["width"]}, {result["steps"]} steps, 16 frames; torch {where["torch"]},
commit {where["commit"]}.

| numbers | run | seconds a segment | of the matmul rate | peak GiB | predicted GiB | warm-up s |
| --- | --- | ---: | ---: | ---: | ---: | ---: |
{lines}
"""


if __name__ == "__main__":
    main()
