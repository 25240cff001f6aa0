"""Floating-point operations of one full-width segment of `hallo2`, ours and as published, term by term.

    python benchmarks/flops.py            # the table
    python benchmarks/flops.py --json     →  {"published": 2.2e15, "longtake": 1.8e15, "ratio": 0.83, ...}

Both are counted by torch's FlopCounterMode (2 x multiply-add) on networks without memory (the meta device): 512 px, 16 frames,
2 motion frames, guidance with one pair of branches. "Published" runs the same networks with every saving left out
(`plain.py`), reads portrait and locator anew for each segment, and encodes the portrait with the motion frames.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from plain import Savings, saving
from torch.utils.flop_counter import FlopCounterMode

from longtake.models.animation import Animation, hallo2_sizes
from longtake.models.pairing import Pairing
from longtake.models.vae import Vae
from longtake.presets import preset
from longtake.rehearsal import rehearse
from longtake.segments import SEGMENT_FRAMES

OF_THE_PORTRAIT = ("identity", "locator", "encode portrait", "reference net, portrait", "constants of the portrait")
KINDS = {"resnet": "resnets", "mid_resnet": "resnets", "transformer": "spatial transformers", "audio": "audio modules"}
KINDS |= {"motion": "motion modules", "shrink": "samplers", "grow": "samplers"}


@dataclass(frozen=True)
class Nets:
    """What a segment needs, without memory."""

    animation: Animation
    vae: Vae


def main() -> None:
    """Counts and prints."""
    options = parse()
    result = count(options.steps, options.pairing)
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        show(result, options.steps)


def parse() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--pairing", choices=("published", "correct"), default="published")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def count(steps: int = 40, pairing: Pairing = "published") -> dict[str, Any]:
    """Operations of a segment both ways, their ratio, and the terms of each."""
    with torch.device("meta"):
        nets = Nets(Animation(hallo2_sizes(), spare=True), Vae())
    ours, video = segment(nets, Savings(), steps, pairing)
    theirs, _ = segment(nets, Savings.none(), steps, pairing)
    longtake, published = sum(ours.values()), sum(theirs.values())
    return {
        "published": published,
        "longtake": longtake,
        "ratio": round(longtake / published, 4),
        "steps": steps,
        "terms": {name: {"published": theirs[name], "longtake": ours[name]} for name in {**theirs, **ours}},
        "once_per_video": dict(video),
        "modes": modes(ours, *other_steps(nets, pairing), steps, published),
    }


def other_steps(nets: Nets, pairing: Pairing) -> tuple[int, int]:
    """Operations of a step that runs the most told branch alone, and of a guided one that reuses the coarse levels."""
    alone = found_by(nets, pairing, {"guidance": {"portrait": 1.0, "speech": 1.0}})
    return alone["step"], found_by(nets, pairing, {"sampling": {"deep_every": 2}})["step that reuses"]


def found_by(nets: Nets, pairing: Pairing, changes: dict[str, Any]) -> Counter[str]:
    """Operations of each term under changed settings, one step."""
    settings = preset("hallo2").settings.overlay({"reference": {"pairing": pairing}, **changes})
    found: Counter[str] = Counter()

    def watch(term: str, work: Callable[[], Any]) -> Any:
        with FlopCounterMode(display=False) as counter:
            result = work()
        found[term] += counter.get_total_flops()
        return result

    rehearse(nets.animation, nets.vae, settings, watch)
    return found


def modes(ours: Counter[str], unguided: int, reused: int, steps: int, published: int) -> dict[str, float]:
    """Settings that change the numbers, apart from the exact ones: their operations against the published segment."""
    all_steps = sum(operations for term, operations in ours.items() if " steps: " in term)
    beside, step = sum(ours.values()) - all_steps, all_steps / steps
    half = steps // 2
    costs = {
        f"guidance.to_step={half}": half * step + (steps - half) * unguided,
        f"sampling.scheduler=dpm++ sampling.steps={half}": half * step,
        f"sampling.scheduler=dpm++ sampling.steps={half} guidance.to_step={half // 2}": half / 2 * (step + unguided),
        "sampling.deep_every=2": half * step + (steps - half) * reused,
        "sampling.deep_every=3": -(-steps // 3) * step + (steps - -(-steps // 3)) * reused,
        "sampling.scheduler=unipc sampling.steps=12": 12 * step,
    }
    return {name: round((cost + beside) / published, 4) for name, cost in costs.items()}


def segment(nets: Nets, savings: Savings, steps: int, pairing: Pairing) -> tuple[Counter[str], Counter[str]]:
    """Operations of one segment by term, and those that a whole video needs once."""
    once, each = Counter[str](), Counter[str]()
    settings = preset("hallo2").settings.overlay({"reference": {"pairing": pairing}})

    def watch(term: str, work: Callable[[], Any]) -> Any:
        if term == "step":
            for kind, operations in by_kind(work).items():
                each[f"{steps} steps: {kind}"] += steps * operations
            return None
        with FlopCounterMode(display=False) as counter:
            result = work()
        if term == "constants of the portrait" and not savings.once_per_video:
            return result  # the published program makes none; here the maps of the regions are made even so
        into = once if savings.once_per_video and term in OF_THE_PORTRAIT else each
        times = SEGMENT_FRAMES if term == "locator" and not savings.once_per_video else 1  # 16 identical rectangles
        into[term] += times * counter.get_total_flops()
        return result

    with saving(savings):
        rehearse(nets.animation, nets.vae, settings, watch)
    return each, once


def by_kind(work: Callable[[], Any]) -> Counter[str]:
    """Operations of a denoiser's forward by kind of part."""
    with FlopCounterMode(display=False, depth=None) as counter:
        work()
    kinds: Counter[str] = Counter()
    for module, operations in counter.get_flop_counts().items():
        kind = KINDS.get(module.rpartition(".")[2])
        if kind:
            kinds[kind] += sum(operations.values())
    kinds["other"] = counter.get_total_flops() - sum(kinds.values())
    return kinds


def show(result: dict[str, Any], steps: int) -> None:
    """The table."""
    print(
        f"TFLOP of one segment, {steps} steps\n\n| term | published | longtake | ratio |\n| --- | ---: | ---: | ---: |"
    )
    rows = {**result["terms"], "all": {"published": result["published"], "longtake": result["longtake"]}}
    for name, pair in rows.items():
        published, ours = pair["published"] / 1e12, pair["longtake"] / 1e12
        print(f"| {name} | {published:.2f} | {ours:.2f} | {ours / published if published else 1:.3f} |")
    print("\nonce per video, longtake: ", end="")
    print(", ".join(f"{name} {operations / 1e12:.2f}" for name, operations in result["once_per_video"].items()))
    print("\nModes that change the numbers, ratio:\n")
    for name, ratio in result["modes"].items():
        print(f"- `{name}`: {ratio:.3f}")


if __name__ == "__main__":
    main()
