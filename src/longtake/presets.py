"""The models there are: each a function that returns everything a run needs to know about one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from longtake.errors import SettingsError, WeightsMissing
from longtake.settings import Settings, did_you_mean

Identify = Callable[[UInt8[np.ndarray, "H W 3"], Float[np.ndarray, "468 3"]], Float[np.ndarray, " d"]]
"""Picture and landmarks of the chosen face in it -> identity embedding."""


@dataclass(frozen=True)
class Preset:
    """A model by name: the settings it was made for and the folder that holds its weights."""

    name: str
    settings: Settings
    weights: Path
    about: str
    factor: int = 16  # pixels of the picture to one latent
    levels: int = 2  # of the networks, fine to coarse
    published: bool = False  # weights made from the published files; their own readers of voice and face go with them

    def sides(self, size_px: int) -> tuple[int, ...]:
        """The latent sides of a picture at each level, fine to coarse."""
        return tuple((size_px // self.factor) >> level for level in range(self.levels))

    @property
    def files(self) -> tuple[str, ...]:
        """What the folder of weights must hold."""
        if self.published:
            return ("animation.safetensors", "vae.safetensors", "wav2vec2", "scrfd_10g_bnkps.onnx", "glintr100.onnx")
        return ("animation.safetensors", "autoencoder.safetensors", "speech.safetensors")

    @property
    def word_encoder(self) -> Path:
        """What turns prompts into embeddings: a file, or a folder of others' making; it need not be there."""
        return self.weights / ("words" if self.published else "words_encoder.safetensors")

    @property
    def word_norms(self) -> Path:
        """What makes the animation follow prompts; it need not be there."""
        return self.weights / "words.safetensors"

    def expect_weights(self) -> None:
        """Raises WeightsMissing, saying what to run, if a file of the weights is not there."""
        missing = [name for name in self.files if not (self.weights / name).exists()]
        if missing:
            do = f"longtake weights fetch {self.name}" if self.published else "install longtake again"
            raise WeightsMissing(
                f"The weights of {self.name} are not in {self.weights}: {', '.join(missing)} missing.",
                expected="a folder with " + ", ".join(self.files),
                do=f"run: {do}; or give the folder that holds them with --weights",
            )

    @property
    def knows_words(self) -> bool:
        """Whether word norms, which make the animation follow prompts, lie beside its weights."""
        return self.word_norms.exists()

    @property
    def enhancer(self) -> Path:
        """The network that makes frames sharp."""
        return self.weights / "enhancer.safetensors"

    @property
    def background(self) -> Path:
        """The network that makes all but faces larger; it is among the published files, whatever the preset."""
        own = self.weights / "background.safetensors"
        return own if self.published or own.exists() else hallo2().weights / "background.safetensors"

    def expect_background(self) -> None:
        """Raises WeightsMissing, saying what to do, if that network is not there."""
        if not self.background.exists():
            raise WeightsMissing(
                f"What enlarges the rest of pictures is not there: {self.background}.",
                expected="RealESRGAN_x2plus.pth, fetched and converted (BSD-3-Clause, 67 MB)",
                do="longtake weights convert RealESRGAN_x2plus.pth, or longtake weights fetch hallo2 --background; or "
                "--set enhance.background=plain, which needs no network",
            )

    def expect_enhancer(self) -> None:
        """Raises WeightsMissing, saying what to do, if there is no enhancer of this preset."""
        if self.enhancer.exists():
            return
        if self.published:
            raise WeightsMissing(
                f"The enhancer of {self.name} is not there: {self.enhancer}.",
                expected="net_g.pth, fetched and converted (S-Lab 1.0: not for commercial use)",
                do=f"longtake weights fetch {self.name} --enhance; or --background-only, which needs no network",
            )
        raise WeightsMissing(
            f"There is no enhancer in {self.weights}.",
            expected=f"{self.enhancer.name}, as {self.name} ships it",
            do="--background-only enlarges without a network; --preset hallo2 takes the published one "
            "(longtake weights fetch hallo2 --enhance; not for commercial use)",
        )

    @property
    def separator(self) -> Path:
        """The network that takes a voice out of music; it is among the published files, whatever the preset."""
        return (self.weights if self.published else hallo2().weights) / "Kim_Vocal_2.onnx"

    def identify(self) -> Identify | None:
        """What makes the identity embedding; None: the network inside the package."""
        if not self.published:
            return None
        from longtake.face.insight import InsightFace

        insight = InsightFace(self.weights)
        return lambda picture, landmarks: insight.embed(picture, near=tuple(landmarks[:, :2].mean(axis=0))).identity


def mini() -> Preset:
    """The small model that ships inside the package: 256 px, trained by our own recipes on our own corpus."""
    return Preset(
        name="mini",
        settings=Settings().overlay(
            {
                # As in recipes/mini: what the weights were trained with; the rest by measurement (dev/LOG.md).
                "sampling": {"steps": 4, "beta_schedule": "linear", "shared_noise": 0.5, "noise_segments": 16},
                "motion": {"frames": 4, "patch_px": 8, "noise_std": 0.4},
                "guidance": {"portrait": 1.0, "speech": 2.0, "words": 1.0},
            }
        ),
        weights=Path(__file__).parent / "weights" / "mini",
        about="256 px, runs anywhere, offline; weights are in the package",
    )


def hallo2() -> Preset:
    """The published model: 512 px, weights as released, fetched by the user; reproduces the released code by default."""
    settings = Settings().overlay(
        {
            "portrait": {"size_px": 512, "framing": "whole"},
            "sampling": {"scheduler": "ddim", "steps": 40, "seed": 42, "beta_schedule": "linear"},
            # Released code: single pixels, one mask for all frames, face spared; noise in training only (docs/paper.md).
            "motion": {"frames": 2, "patch_px": 1, "share_mask": True, "keep_face": True, "noise_std": 0.0},
            "reference": {"pairing": "published", "bank": "float16"},
        }
    )
    return Preset(
        name="hallo2",
        settings=settings,
        weights=Path.home() / ".cache" / "longtake" / "hallo2",
        about="512 px, the officially published weights (parts are non-commercial), wants a GPU",
        factor=8,
        levels=4,
        published=True,
    )


def hallo() -> Preset:
    """The model published before it: the same networks, trained on motion frames that nothing was dropped from."""
    later = hallo2()
    return replace(
        later,
        name="hallo",
        settings=later.settings.overlay({"motion": {"drop_rate": 0.0}}),
        weights=later.weights.with_name("hallo"),
        about="512 px, the weights published before hallo2 (parts are non-commercial), wants a GPU",
    )


PRESETS: dict[str, Callable[[], Preset]] = {"mini": mini, "hallo2": hallo2, "hallo": hallo}


def preset(name: str) -> Preset:
    """The preset called `name`."""
    if name not in PRESETS:
        raise SettingsError(
            f"There is no preset '{name}'{did_you_mean(name, PRESETS)}",
            expected=f"one of: {', '.join(PRESETS)}",
        )
    return PRESETS[name]()
