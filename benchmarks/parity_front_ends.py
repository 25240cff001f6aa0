"""Golden arrays of the published front ends (autoencoder, speech, image) and of the enhancer, and ours beside them."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import numpy as np
import torch
import weight_rule as rule
from parity_networks import VAE_WIDTHS, far, filled

Rows = Iterator[tuple[str, float, float]]
ONE_LEVEL = 1
"""Image arrays are counted in grey levels; other builds of OpenCV and Pillow may round once differently."""


def autoencoder(options: dict, golden: dict[str, np.ndarray]) -> Rows:
    """The posterior of a picture and the picture of latents, at the widths that the file has."""
    from longtake.models.vae import Vae, VaeSizes

    for width, (widths, layers) in VAE_WIDTHS.items():
        arrays = {
            name.removeprefix(f"{width}."): value for name, value in golden.items() if name.startswith(f"{width}.")
        }
        if not arrays:
            continue
        vae = filled(lambda w=widths, n=layers: Vae(VaeSizes(w, layers=n), scale=1.0), "vae.", options["seed"])
        with torch.inference_mode():
            ours = {}
            if "encode.mean" in arrays:
                side = 8 * arrays["encode.mean"].shape[-1]
                picture = rule.smooth_picture("vae_picture", side, options["seed"]) * 2 - 1
                ours["encode.mean"], ours["encode.logvar"] = vae.posterior(picture)
            if "decode" in arrays:
                side = arrays["decode"].shape[-1] // 8
                ours["decode"] = vae.decode(rule.normal("vae_latent", (4, side, side), options["seed"]))
        for name, array in arrays.items():
            yield f"{width}.{name}", far(ours.get(name), array), options["tolerance"]


def enhancer(options: dict, golden: dict[str, np.ndarray]) -> Rows:
    """Frames through the published enhancer: codes to the bit; what is made of them counts as output, taps and all."""
    import restored

    network = restored.enhancer(options["seed"])
    frames = restored.frames(options["frames"], options["seed"])
    limits = {"logits_sample": 32768, "out_sample": 65536}
    for name, ours in restored.tap(network, frames, options["w"]):
        if name not in golden:
            continue
        if name.startswith("tap.") or name in limits:
            ours = rule.thinned(ours, limits.get(name, options["thin"]))
        if name == "codes":
            yield name, float((ours != torch.from_numpy(golden[name])).sum()), 0.5
            continue
        loose = name.startswith(("out", "tap.generator", "tap.fuse")) or name in ("logits_lse", "logits_margin")
        yield name, far(ours, golden[name]), options["tolerance_output" if loose else "tolerance"]


def speech(options: dict, golden: dict[str, np.ndarray]) -> Rows:
    """wav2vec2 at full width, as many frames as the file has (the published count is one too many at times)."""
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    from longtake.encoders.wav2vec import Wav2VecFeatures, frame_count

    model = filled(lambda: Wav2Vec2Model(Wav2Vec2Config()), "wav2vec.", options["seed"], _spelling)
    samples = rule.chirp(options["seconds"])
    real, frames = int(golden["real_frames"]), int(golden["frames"])

    def read(start_s: float, stop_s: float) -> np.ndarray:
        first, stop = round(start_s * 16000), round(stop_s * 16000)
        return np.pad(samples[max(first, 0) : stop], (max(-first, 0), max(stop - max(len(samples), first), 0)))

    with patch("longtake.encoders.wav2vec.frame_count", lambda samples, fps: real):
        heard = Wav2VecFeatures(model, read, len(samples) / 16000, 25, silence_frames=frames - real)
    (piece,) = heard.pieces
    if frame_count(len(samples), 25) != real:
        print(f"the sound fills {frame_count(len(samples), 25)} frames; computed at the published count, {real}")
    features = heard.between(0, frames)
    windows = heard.windows(0, frames, 25, 5)
    index = (torch.arange(frames)[:, None] + torch.arange(-2, 3)).clamp(0, frames - 1)
    ours = {
        "conv_sample": lambda: rule.thinned(piece.convolved(0, piece.convolved_frames).T, 16384),
        "emb_first": lambda: features[0],
        "emb_mid": lambda: features[frames // 2],
        "emb_last": lambda: features[-1],
        "emb_sample": lambda: rule.thinned(features, 65536),
        "emb_layer_std": lambda: features.std((0, 2)),
        "window_sample": lambda: rule.thinned(windows, 16384),
    }
    yield "conv_frames", abs(piece.convolved_frames - int(golden["conv_frames"])), 0
    if "window_index" in golden:
        yield "window_index", (index - torch.from_numpy(golden["window_index"])).abs().max(), 0
        yield "windows by index", (windows - features[index]).abs().max(), 0
    for name, array in golden.items():
        if name in ours:
            value = ours[name]()
            apart = np.abs(value.numpy() - array).max() if name == "emb_layer_std" else far(value, array)
            yield name, apart, options["tolerance"]


def image(options: dict, golden: dict[str, np.ndarray]) -> Rows:
    """Rectangles in pixels; the picture, the hard rectangle and the soft masks in grey levels."""
    from longtake.face.regions import face_picture, rectangle, regions_of_rectangles
    from longtake.media.images import squeeze

    size, skipped = options["size"], options.get("skip", ())
    for case, given in options["cases"].items():
        if case in skipped:
            print(f"{case} shows a bug of the published program, which is mended: not compared")
            continue
        height, width = given["height"], given["width"]
        face = rectangle(given["face_box"], options["face_expand"], height, width)
        lip = rectangle(given["lip_box"], options["lip_expand"], height, width)
        levels = [round(golden[f"{case}.full.{k}"].size ** 0.5) for k in range(4) if f"{case}.full.{k}" in golden]
        regions = regions_of_rectangles(face, lip, height, width, levels)
        ours = {
            "face_rect": np.array(face),
            "lip_rect": np.array(lip),
            "pixels8": squeeze(rule.ramps(width, height), size).transpose(2, 0, 1),
            "region8": face_picture(regions.face_box, size) * 255,
        }
        for name, masks in (("full", regions.pose), ("face", regions.face), ("lip", regions.lip)):
            ours |= {f"{name}.{k}": mask.reshape(1, -1) * 255 for k, mask in enumerate(masks)}
        for name, value in ours.items():
            if f"{case}.{name}" in golden:
                apart = np.abs(np.rint(value).astype(np.int64) - golden[f"{case}.{name}"].astype(np.int64)).max()
                yield f"{case}.{name}", apart, 0 if name.endswith("rect") else ONE_LEVEL


def _spelling(name: str) -> str:
    """The older name of a weight norm's two parts, which the rule goes by."""
    parts = {"original0": "weight_g", "original1": "weight_v"}
    start, _, last = name.rpartition(".parametrizations.weight.")
    return f"{start}.{parts[last]}" if start else name
