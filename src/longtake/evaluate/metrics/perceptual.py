"""How pictures look: LPIPS against the true pictures, MUSIQ by themselves, and a stand-in for the first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import UInt8

from longtake.errors import WeightsMismatch, missing
from longtake.evaluate.metrics.curves import mean
from longtake.evaluate.metrics.extractors.places import FILES, weight_file
from longtake.evaluate.metrics.pairs import EVERY, PairMetric
from longtake.evaluate.metrics.protocol import FPS, About, Clip, Quantity
from longtake.evaluate.metrics.view import View
from longtake.evaluate.pictures import perceptual_distance

ALEXNET, CHANNELS, MUSIQ = "alexnet-owt-7be5be79.pth", "lpips_alex.pth", "musiq_koniq_ckpt-e95806b9.pth"
LOOKED_AT_EVERY = FPS
"""MUSIQ is dear: one frame a second."""
LPIPS_EVERY = 5


def lpips_metric() -> PairMetric:
    """LPIPS (AlexNet, version 0.1), the mean over frames."""
    about = About(
        "lpips",
        "LPIPS of each frame and the true one: AlexNet, version 0.1, mean over frames; 0 = equal.",
        {"lpips": Quantity("", "lower")},
        frozenset({"real clip", "extractor"}),
        {
            "network": "alex 0.1",
            "sha256": [FILES[ALEXNET].sha256, FILES[CHANNELS].sha256],
            "every": LPIPS_EVERY,
            "fps": FPS,
            "size": "of the generated video",
        },
    )
    return PairMetric(about, lpips_distance, LPIPS_EVERY, prepare=lpips_network)


def lpips_distance(a: UInt8[np.ndarray, "H W 3"], b: UInt8[np.ndarray, "H W 3"]) -> float:
    """The distance of two pictures."""
    import torch

    shown = [torch.from_numpy(np.ascontiguousarray(x)).permute(2, 0, 1)[None].float() / 127.5 - 1 for x in (a, b)]
    with torch.inference_mode():
        return float(lpips_network()(*shown))


@cache
def lpips_network() -> Any:
    """The library's network with the published weights of its two parts."""
    import torch

    network, channels = (
        torch.load(weight_file(name), map_location="cpu", weights_only=True) for name in (ALEXNET, CHANNELS)
    )
    try:
        import lpips
    except ImportError as error:
        raise missing("lpips", "evaluate", "LPIPS") from error
    made = lpips.LPIPS(net="alex", pretrained=False, pnet_rand=True, verbose=False)
    return with_weights(made, network, channels)


def with_weights(made: Any, network: dict, channels: dict) -> Any:
    """The library's LPIPS with AlexNet's layers and the weights of their channels laid in, every one of them."""
    # The library's slice2.3.weight is AlexNet's features.3.weight.
    state = {f"net.{name}": network[f"features.{name.split('.', 1)[1]}"] for name in made.net.state_dict()} | channels
    lacking, unknown = made.load_state_dict(state, strict=False)
    lacking = [name for name in lacking if not name.startswith(("scaling_layer", "lins."))]
    if lacking or unknown:
        raise WeightsMismatch(f"The weights of LPIPS do not fit its library: {lacking[:2]} {unknown[:2]}.")
    return made.eval()


def perceptual_faceapi() -> PairMetric:
    """A stand-in for LPIPS."""
    about = About(
        "perceptual_faceapi",
        "Distance of early features of the face-api network, built like LPIPS, unweighted; not comparable with LPIPS.",
        {"perceptual_faceapi": Quantity("", "lower")},
        frozenset({"real clip"}),
        {"network": "face-api, three stages", "every": 2 * EVERY, "fps": FPS, "size": "of the generated video"},
        comparable=False,
    )
    return PairMetric(about, lambda a, b: perceptual_distance(a[None], b[None]), 2 * EVERY)


@dataclass(frozen=True, eq=False)
class LookMetric:
    """The mean over some frames of a number that needs no true picture."""

    about: About
    look: Callable[[UInt8[np.ndarray, "H W 3"]], dict[str, float]]
    every: int
    prepare: Callable[[], object]
    kind = "clip"

    def ready(self) -> None:
        self.prepare()

    def begin(self, clip: Clip) -> _Looks:
        return _Looks(self, [])


@dataclass(eq=False)
class _Looks:
    metric: LookMetric
    found: list[dict[str, float]]

    def see(self, view: View) -> None:
        metric = self.metric
        self.found += view.shared(
            ("looks", metric.about.name),
            lambda: [metric.look(view.pictures[row]) for row in view.every(metric.every)],
        )

    def numbers(self) -> dict[str, float]:
        return {name: mean(np.array([row[name] for row in self.found])) for name in self.metric.about.quantities}


def musiq_metric() -> LookMetric:
    """MUSIQ on both scales."""
    about = About(
        "musiq",
        "MUSIQ (KonIQ-10k) of a frame each second, 0 to 100; papers also tell it as 0 to 1.",
        {"musiq": Quantity("0 to 100", "higher"), "of_one": Quantity("0 to 1", "higher", "the same over 100")},
        frozenset({"extractor"}),
        {"network": "musiq koniq10k by pyiqa", "sha256": FILES[MUSIQ].sha256, "every": LOOKED_AT_EVERY, "fps": FPS},
    )
    return LookMetric(about, musiq_score, LOOKED_AT_EVERY, musiq_network)


def musiq_score(picture: UInt8[np.ndarray, "H W 3"]) -> dict[str, float]:
    """The score of a picture on both scales."""
    import torch

    with torch.inference_mode():
        shown = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float() / 255
        score = float(musiq_network()(shown))
    return {"musiq": score, "of_one": score / 100}


@cache
def musiq_network() -> Any:
    """The library's network with the published weights."""
    path = weight_file(MUSIQ)
    try:
        import pyiqa
    except ImportError as error:
        raise missing("pyiqa", "musiq", "MUSIQ") from error
    return pyiqa.create_metric("musiq", device="cpu", pretrained_model_path=str(path))
