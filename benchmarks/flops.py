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
from longtake.models.denoiser import Conditions
from longtake.models.pairing import Pairing, context_rows, frame_reads
from longtake.models.vae import Vae

FRAMES, MOTION, SIDE = 16, 2, 64
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
        "terms": {name: {"published": theirs[name], "longtake": ours[name]} for name in theirs},
        "once_per_video": dict(video),
    }


def segment(nets: Nets, savings: Savings, steps: int, pairing: Pairing) -> tuple[Counter[str], Counter[str]]:
    """Operations of one segment by term, and those that a whole video needs once."""
    animation, vae, once, each = nets.animation, nets.vae, Counter[str](), Counter[str]()
    always = once if savings.once_per_video else each  # where the portrait's share goes
    with saving(savings), torch.no_grad():
        identity = counted(each, "projections", lambda: animation.identity_projection(empty(2, 512)))
        speech = counted(each, "projections", lambda: animation.speech_projection(empty(1, FRAMES, 5, 12, 768)))
        times = 1 if savings.once_per_video else FRAMES  # published: 16 identical rectangles
        locator = counted(always, "locator", lambda: animation.locator(empty(times, 3, 8 * SIDE, 8 * SIDE)))
        counted(always, "encode portrait", lambda: vae.encode(empty(1, 3, 8 * SIDE, 8 * SIDE)))
        counted(each, "encode motion frames", lambda: vae.encode(empty(MOTION, 3, 8 * SIDE, 8 * SIDE)))
        contexts = context_rows(identity, 1 + MOTION, pairing).unflatten(0, (2, -1))
        read = animation.reference_net
        portrait = counted(always, "reference net, portrait", lambda: read(latents(2), contexts[:, 0]))
        lead = contexts[:, 1:].flatten(0, 1)
        motion = counted(each, "reference net, motion frames", lambda: read(latents(2 * MOTION), lead))
        told = conditions(identity, speech, locator[:1].expand(2, -1, -1, -1), portrait, motion, pairing)
        denoiser = animation.denoiser
        kept = counted(always, "constants of the portrait", lambda: denoiser.prepare_portrait(told))
        prepared = counted(each, "constants of the segment", lambda: denoiser.prepare(told, FRAMES, kept))
        for name, operations in by_kind(lambda: denoiser(empty(2, 4, FRAMES, SIDE, SIDE), empty(2), prepared)).items():
            each[f"{steps} steps: {name}"] += steps * operations
        counted(each, "decode 16 frames", lambda: vae.decode(latents(FRAMES)))
    return each, once


def conditions(identity, speech, locator, portrait, motion, pairing: Pairing) -> Conditions:
    """What the denoiser is told under guidance: an unconditional row, then one that is told everything."""
    return Conditions(
        identity=identity,
        regions=tuple(empty(2, 3, SIDE >> level, SIDE >> level) for level in range(4)),
        reference=portrait,
        reads=frame_reads(2, FRAMES, pairing, "meta"),
        has_reference=torch.tensor([False, True]),
        motion={name: x.unflatten(0, (2, MOTION)) for name, x in motion.items()},
        speech=speech.expand(2, -1, -1, -1),
        has_speech=torch.tensor([False, True]),
        locator=locator,
    )


def empty(*shape: int) -> torch.Tensor:
    """A tensor without memory."""
    return torch.empty(shape, device="meta")


def latents(rows: int) -> torch.Tensor:
    """Latents of so many pictures."""
    return empty(rows, 4, SIDE, SIDE)


def counted(into: Counter[str], name: str, work: Callable[[], Any]) -> Any:
    """What the work gives; its operations are added under the name."""
    with FlopCounterMode(display=False) as counter:
        result = work()
    into[name] += counter.get_total_flops()
    return result


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


if __name__ == "__main__":
    main()
