"""The two inputs of the enhancer side by side (figure 4): decoded frames, and latents that were never decoded."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8

from longtake.evaluate.faces_spoiled import decoded, wrong_latents
from longtake.evaluate.pictures import psnr_db
from longtake.evaluate.steadiness import flicker, still_places, warping_error
from longtake.settings import EnhanceSettings

if TYPE_CHECKING:
    from longtake.models.autoencoder import Autoencoder
    from longtake.models.enhancer import Enhancer

Video = UInt8[np.ndarray, "f H W 3"]
FPS = 25


@dataclass(frozen=True)
class Way:
    """One way from latents to large pictures."""

    name: str
    psnr_db: float
    flicker: float  # levels of 255 where the true video stands still
    warping: float
    decode_s: float  # seconds for a second of video, for frames that the enhancer reads
    enhance_s: float


def compare_inputs(
    frames_net: "Enhancer",
    latents_net: "Enhancer | None",
    autoencoder: "Autoencoder",
    settings: EnhanceSettings,
    faces: Sequence[tuple[str, Video, np.ndarray]],
) -> list[Way]:
    """Whole pictures of every face, from the same latents by each way; times on this machine, the first face apart."""
    found: dict[str, list[Way]] = {}
    for seed, (_, true, _) in enumerate(faces):
        true = true[: settings.window]
        latents = wrong_latents(true, autoencoder, seed)
        began = time.perf_counter()
        small = decoded(latents, autoencoder)
        decode_s = (time.perf_counter() - began) * FPS / len(true)
        grown = _grown(small, true.shape[1])
        found.setdefault("decoded, Lanczos", []).append(_way("decoded, Lanczos", grown, true, decode_s, 0.0))
        ways = [("decoded frames", frames_net, _pictures(_bilinear(small, true.shape[1])), decode_s)]
        if latents_net is not None:
            ways.append(("latents", latents_net, latents, 0.0))
        for name, network, given, before_s in ways:
            began = time.perf_counter()
            video = _enhanced(network, given, settings)
            enhance_s = (time.perf_counter() - began) * FPS / len(true)
            found.setdefault(name, []).append(_way(name, video, true, before_s, enhance_s))
    return [_mean(rows) for rows in found.values()]


def table(ways: Sequence[Way]) -> str:
    """The comparison as a Markdown table."""
    lines = [
        "| input | PSNR, dB | flicker | warping error | decoding, s/s | enhancing, s/s |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for way in ways:
        numbers = (
            f"{way.psnr_db:.2f} | {way.flicker:.2f} | {way.warping:.2f} | {way.decode_s:.2f} | {way.enhance_s:.2f}"
        )
        lines.append(f"| {way.name} | {numbers} |")
    return "\n".join(lines) + "\n"


def _way(name: str, video: Video, true: Video, decode_s: float, enhance_s: float) -> Way:
    quality = float(np.mean([psnr_db(a, b) for a, b in zip(video, true, strict=True)]))
    return Way(name, quality, flicker(video, still_places(true)), warping_error(video, true), decode_s, enhance_s)


def _mean(rows: list[Way]) -> Way:
    timed = rows[1:] or rows  # the first pass also warms up
    return Way(
        rows[0].name,
        *(
            float(np.nanmean([getattr(row, name) for row in rows] or [np.nan]))
            for name in ("psnr_db", "flicker", "warping")
        ),
        *(float(np.mean([getattr(row, name) for row in timed])) for name in ("decode_s", "enhance_s")),
    )


def _enhanced(network: "Enhancer", given: Float[np.ndarray, "f c h w"], settings: EnhanceSettings) -> Video:
    import torch

    from longtake.media.pixels import as_frames

    weight = network.codebook.weight
    with torch.inference_mode():
        window = torch.from_numpy(given).to(weight.device, weight.dtype)[None]
        return as_frames(network(window, settings.fidelity, settings.align, settings.at_once)[0])


def _pictures(video: Video) -> Float[np.ndarray, "f 3 H W"]:
    from longtake.media.pixels import as_pictures

    return as_pictures(video).contiguous().numpy()


def _bilinear(video: Video, side: int) -> UInt8[np.ndarray, "f side side 3"]:
    import cv2

    return np.stack([cv2.resize(frame, (side, side), interpolation=cv2.INTER_LINEAR) for frame in video])


def _grown(video: Video, side: int) -> UInt8[np.ndarray, "f side side 3"]:
    from PIL import Image

    return np.stack([np.asarray(Image.fromarray(x).resize((side, side), Image.Resampling.LANCZOS)) for x in video])
