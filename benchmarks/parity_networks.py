"""Golden arrays of the animation networks, the loop and the noise schedule, and ours beside them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import numpy as np
import published
import torch
import weight_rule as rule
from torch import Tensor, nn

Rows = Iterator[tuple[str, float, float]]
WIDTHS = {"tiny": published.TINY, "full": (320, 640, 1280, 1280)}
DRAWN = 1e-6
"""Random draws are the same to the bit; pictures go through a tanh that may round otherwise elsewhere."""
VAE_WIDTHS = {"tiny": ((32, 32, 64, 64), 1), "full": ((128, 256, 512, 512), 2)}
# Places whose inside we compute in another order: their outputs are compared instead.
INSIDE = re.compile(r"\.transformer_blocks\.0\.(attn\d(_\d)?|ff|attention_blocks\.\d)$")


def far(ours: Tensor | None, golden: np.ndarray) -> float:
    """Largest difference over the golden array's deviation; infinite for what we lack or have in another shape."""
    if ours is None or ours.numel() != golden.size:
        return math.inf
    return rule.error(ours, torch.from_numpy(golden))


def networks(options: dict, golden: dict[str, np.ndarray]) -> Rows:
    """One forward of all five networks."""
    with torch.inference_mode():
        taps = published.run(animation(options), options)
    for name, array in golden.items():
        if INSIDE.search(name):
            continue
        ours = taps.get(name)
        if ours is not None and name != "out":
            ours = rule.thinned(ours, options["thin"])
        yield name, far(ours, array), options["tolerance"]


def loop(options: dict, golden: dict[str, np.ndarray]) -> Rows:
    """The video as `Segments` makes it: each clip from the stored start, then all in a row."""
    nets = _loop_networks(options)
    if "clip.0.ref_image" in golden:
        starts = [(golden[f"clip.{k}.ref_image"][0], golden[f"clip.{k}.noise"]) for k in range(options["clips"])]
        for k, clip in enumerate(_clips(options, nets, len(starts), starts)):
            for name, latents in _named(k, clip["latents"], golden):
                yield f"{name} (from the stored start)", far(latents, golden[name]), options["tolerance_strict"]
    whole = "tolerance_segment" in options
    clips = _clips(options, nets, options["clips"] if whole else len(options["tolerance_free"]))
    for k, (clip, tolerance) in enumerate(zip(clips, options["tolerance_free"], strict=False)):
        if f"clip.{k}.noise" in golden:
            yield f"clip.{k}.noise", far(clip["noise"], golden[f"clip.{k}.noise"]), DRAWN
        if k == 0 and "clip.0.ref_image" in golden:
            yield "clip.0.ref_image", far(clip["ref_image"], golden["clip.0.ref_image"]), DRAWN
        for name, latents in _named(k, clip["latents"], golden):
            yield f"{name} (in a row)", far(latents, golden[name]), tolerance
    yield from _video(options, golden, nets, clips if whole else None)


def _named(k: int, latents: list[Tensor], golden: dict[str, np.ndarray]) -> Iterator[tuple[str, Tensor]]:
    """The latents of a clip's steps under the names that the file has: every step's, or the last one's alone."""
    names = [f"clip.{k}.latents.{step}" for step in range(len(latents))]
    for name, value in [*zip(names, latents, strict=True), (f"clip.{k}.latents", latents[-1])]:
        if name in golden:
            yield name, value


def _video(options: dict, golden: dict[str, np.ndarray], nets: Any, clips: list[dict] | None) -> Rows:
    """Where the published pieces of the video begin and end in ours, and their pixels where they are worth comparing."""
    total, start, k = options["clips"] * options["frames"] - options["padding_frames"], 0, 0
    pictures = None
    if clips:
        with torch.inference_mode():
            decoded = torch.cat([nets.autoencoder.decode(clip["latents"][-1][0].transpose(0, 1)) for clip in clips])
        pictures = (decoded / 2 + 0.5).clamp(0, 1).transpose(0, 1)
    while f"segment.{k}.start" in golden:
        length = int(golden[f"segment.{k}.length"])
        yield f"segment.{k}.start", abs(int(golden[f"segment.{k}.start"]) - start), 0
        if pictures is not None:
            ours = rule.thinned(pictures[:, start : start + length], options["thin_segment"])
            yield (
                f"segment.{k}",
                far(ours, golden[f"segment.{k}"]),
                options["tolerance_segment"],
            )
        start, k = start + length, k + 1
    yield f"segment.{k - 1}.length", abs(start - total), 0


def _clips(options: dict, nets: Any, count: int, starts: list | None = None) -> list[dict]:
    """What `Segments` drew and made in each of `count` clips; `starts` are pictures and noise to start each from."""
    from longtake import segments as module

    made: list[dict] = []

    def dropped(frames: Tensor, *given: Any) -> Tensor:
        pictures = torch.from_numpy(starts[len(made)][0])[1:] if starts else drop_patches(frames, *given)
        made.append({"latents": [], "ref_image": torch.cat([portrait.picture[None], pictures])[None]})
        return pictures

    def noise(*given: Any) -> Tensor:
        made[-1]["noise"] = torch.from_numpy(starts[len(made) - 1][1]) if starts else mixed_noise(*given)
        return made[-1]["noise"]

    def sampled(*given: Any) -> Tensor:
        return sample(*given, watch=lambda _done, latents: made[-1]["latents"].append(latents))

    drop_patches, mixed_noise, sample = module.drop_patches, module.mixed_noise, module.sample
    segments = _segments(options, nets)
    portrait = segments.portrait
    with ExitStack() as stack:
        for name, other in (("drop_patches", dropped), ("mixed_noise", noise), ("sample", sampled)):
            stack.enter_context(patch.object(module, name, other))
        stack.enter_context(patch.object(module, "SEGMENT_FRAMES", options["frames"]))
        for _ in range(count):
            segments.next()
    return made


def _segments(options: dict, nets: Any) -> Any:
    from longtake.clips import Regions
    from longtake.conditions import read_picture
    from longtake.diffusion.guidance import branches
    from longtake.presets import hallo2
    from longtake.segments import Segments

    size, seed = options["size"], options["seed"]
    settings = hallo2().settings.overlay(
        {
            "portrait": {"size_px": size},
            "sampling": {"steps": options["steps"], "seed": options["draw_seed"], "generator": "running"},
            "motion": {"frames": options["motion"], "drop_rate": options["drop_rate"]},
            "regions": dict(zip(("pose", "face", "lip"), options["weights"], strict=True)),
            "reference": {"bank": "float16" if options["bank"] == "fp16" else "as made"},
        }
    )
    smooth = torch.nn.functional.avg_pool2d(rule.normal("source_image", (3, size, size), seed), 5, 1, 2)[0]
    face = np.zeros((size, size), bool)
    face[size // 4 : size - size // 4, size // 4 : size - size // 4] = True
    pose, of_face, lip = zip(*(level[0].numpy() for level in rule.masks(size // 8, seed)), strict=True)
    embedding = 1.5 * rule.normal("face_emb", (512,), seed)[0].numpy()
    told = branches(options["guidance"], options["guidance"])
    portrait = read_picture(torch.tanh(5 * smooth), embedding, Regions(lip, of_face, pose, face), nets, told, settings)
    return Segments(portrait, Heard(options), torch.as_tensor(face), nets, settings)


class Heard:
    """The speech features of the golden loop; the ends repeat."""

    def __init__(self, options: dict):
        self.features = rule.normal("wav2vec", (options["clips"] * options["frames"], 12, 768), options["seed"])[0]

    def windows(self, first_frame: int, frames: int, fps: float, window: int) -> Tensor:
        wanted = torch.arange(first_frame, first_frame + frames)[:, None] + torch.arange(window) - window // 2
        return self.features[wanted.clamp(0, len(self.features) - 1)]


def _loop_networks(options: dict) -> Any:
    from longtake.models.vae import Vae, VaeSizes
    from longtake.networks import Networks

    widths, layers = VAE_WIDTHS["tiny"]
    autoencoder = filled(lambda: Vae(VaeSizes(widths, layers=layers)), "vae.", options["seed"])
    return Networks(animation(options), autoencoder, None, None, {}, {}, torch.device("cpu"), torch.float32)  # type: ignore[arg-type]


def animation(options: dict) -> nn.Module:
    """The five networks at the file's width, with its weights."""
    from longtake.models.animation import Animation, hallo2_sizes
    from longtake.weights.load import load_published
    from longtake.weights.names import published as published_name

    width = options["width"]
    with torch.device("meta"):
        made = Animation(hallo2_sizes(WIDTHS[width] if isinstance(width, str) else tuple(width)))
    shapes = {published_name(name): tuple(x.shape) for name, x in made.state_dict().items()}
    load_published(made, rule.weights(shapes, seed=options["seed"]))
    return made.eval().requires_grad_(False)


def filled(build: Any, prefix: str, seed: int, spelling: Any = str) -> nn.Module:
    """A network with the weights that belong to its names; `spelling` turns our names into those of the rule."""
    with torch.device("meta"):
        made = build()
    shapes = {spelling(name): tuple(x.shape) for name, x in made.state_dict().items()}
    drawn = rule.weights(shapes, prefix, seed)
    made.load_state_dict({name: drawn[spelling(name)] for name in made.state_dict()}, assign=True)
    return made.eval().requires_grad_(False)


def schedule(options: dict, golden: dict[str, np.ndarray]) -> Rows:
    """Tables, timesteps, single steps, and the noise and targets of training."""
    from longtake.diffusion.schedule import alphas_cumprod, scheduler
    from longtake.train.objective import noise_latents

    seed = options.get("seed", 0)
    x, v, noise = (rule.normal(f"schedule.{name}", (4, 2, 8, 8), seed) for name in ("x", "v", "noise"))
    training = alphas_cumprod("scaled_linear")
    for name, array in golden.items():
        wanted, tolerance = torch.from_numpy(np.asarray(array)), options["tolerance"]
        kind, _, last = name.rpartition(".")
        if name.endswith("alphas_cumprod"):
            ours = alphas_cumprod("linear" if kind == "inference" else "scaled_linear")
            yield name, (ours - wanted).abs().max(), options["tolerance_alphas"]
        elif name == "inference.final_alpha":
            yield (
                name,
                (scheduler("ddim", 40, "linear").final_alpha_cumprod - wanted).abs(),
                options["tolerance_alphas"],
            )
        elif kind == "timesteps":
            yield name, (scheduler("ddim", int(last), "linear").timesteps - wanted).abs().max(), 0
        elif name == "training.snr":
            # as the share of the picture: in float32 one rounding of an alpha near 1 moves its ratio by 1e-4
            yield name, (training - wanted / (1 + wanted)).abs().max(), options["tolerance_alphas"]
        elif kind.startswith("step"):
            ddim = scheduler("ddim", int(kind.removeprefix("step")), "linear")
            yield name, far(ddim.step(v, int(last), x, return_dict=False)[0], array), tolerance
        else:
            noised = noise_latents(x, torch.tensor([[int(last)] * x.shape[2]]), training, noise)
            yield name, far(noised.latents if kind.startswith("add_noise") else noised.target, array), tolerance
