"""The files of the published models: where they are, how large, under which licence, and what each is for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from longtake.errors import SettingsError

Need = Literal["always", "separate", "enhance", "background", "never"]
NEEDS: dict[str, str] = {
    "always": "needed",
    "separate": "for --separate-voice",
    "enhance": "for enhancing",
    "background": "for --background",
    "never": "not needed",
}
INSIGHTFACE = "non-commercial research only (InsightFace)"


@dataclass(frozen=True)
class PublishedFile:
    """One file of a published model."""

    path: str  # in the hub's repository and in upstream's folder
    kind: str  # what is in it, as weights/kinds.py tells it
    mb: float
    need: Need
    licence: str
    purpose: str
    becomes: str = ""  # its name in our folder
    spellings: tuple[str, ...] = ()  # other paths under which the same file is accepted

    @property
    def non_commercial(self) -> bool:
        return "non-commercial" in self.licence


@dataclass(frozen=True)
class PublishedModel:
    """A model as its authors published it."""

    name: str
    repo: str
    files: tuple[PublishedFile, ...]

    def wanted(self, needs: tuple[str, ...] = ("always",)) -> tuple[PublishedFile, ...]:
        """The files with one of these needs."""
        return tuple(file for file in self.files if file.need in needs)

    def file(self, becomes: str) -> PublishedFile:
        """The file that becomes this one of ours."""
        return next(file for file in self.files if file.becomes == becomes)


def net(path: str) -> PublishedFile:
    """All five networks that animate, half precision."""
    spellings = tuple(other for other in ("hallo2/net.pth", "hallo/net.pth", "net.pth") if other != path)
    licence = "MIT; made from Stable Diffusion 1.5 (CreativeML OpenRAIL-M)"
    return PublishedFile(
        path, "net", 4850, "always", licence, "the five networks that animate", "animation.safetensors", spellings
    )


SHARED = (
    PublishedFile(
        "sd-vae-ft-mse/diffusion_pytorch_model.safetensors",
        "vae",
        335,
        "always",
        "MIT",
        "pictures to latents and back",
        "vae.safetensors",
        ("sd-vae-ft-mse/diffusion_pytorch_model.bin",),
    ),
    PublishedFile("sd-vae-ft-mse/config.json", "config", 0.001, "always", "MIT", "its sizes"),
    PublishedFile(
        "wav2vec/wav2vec2-base-960h/model.safetensors",
        "wav2vec2",
        378,
        "always",
        "Apache-2.0",
        "speech to features",
        "wav2vec2/model.safetensors",
        ("wav2vec/wav2vec2-base-960h/pytorch_model.bin",),
    ),
    PublishedFile(
        "wav2vec/wav2vec2-base-960h/config.json",
        "config",
        0.002,
        "always",
        "Apache-2.0",
        "its sizes",
        "wav2vec2/config.json",
    ),
    PublishedFile(
        "face_analysis/models/scrfd_10g_bnkps.onnx",
        "scrfd",
        16.9,
        "always",
        INSIGHTFACE,
        "finds the face",
        "scrfd_10g_bnkps.onnx",
    ),
    PublishedFile(
        "face_analysis/models/glintr100.onnx", "arcface", 260.7, "always", INSIGHTFACE, "who it is", "glintr100.onnx"
    ),
    PublishedFile(
        "audio_separator/Kim_Vocal_2.onnx",
        "mdx",
        66.8,
        "separate",
        "as its page says (not checked)",
        "parts the voice from music",
        "Kim_Vocal_2.onnx",
    ),
)
UNUSED = (
    PublishedFile(
        "stable-diffusion-v1-5/unet/diffusion_pytorch_model.safetensors",
        "unet",
        3440,
        "never",
        "CreativeML OpenRAIL-M",
        "overwritten by net.pth; a start for training",
        spellings=("stable-diffusion-v1-5/unet/diffusion_pytorch_model.bin",),
    ),
    PublishedFile(
        "motion_module/mm_sd_v15_v2.ckpt",
        "motion",
        1818,
        "never",
        "Apache-2.0",
        "overwritten by net.pth; a start for training",
    ),
    PublishedFile("face_analysis/models/1k3d68.onnx", "onnx", 143.6, "never", INSIGHTFACE, "read by nothing"),
    PublishedFile("face_analysis/models/2d106det.onnx", "onnx", 5.0, "never", INSIGHTFACE, "read by nothing"),
    PublishedFile("face_analysis/models/genderage.onnx", "onnx", 1.3, "never", INSIGHTFACE, "read by nothing"),
    PublishedFile(
        "face_analysis/models/face_landmarker_v2_with_blendshapes.task",
        "task",
        3.8,
        "never",
        "Apache-2.0",
        "landmarks; ours are in the package",
    ),
)
ENHANCING = (
    PublishedFile(
        "hallo2/net_g.pth",
        "net_g",
        905,
        "enhance",
        "S-Lab 1.0, non-commercial (made from CodeFormer)",
        "restores the face at 512 px",
        "enhancer.safetensors",
        ("net_g.pth",),
    ),
    PublishedFile(
        "realesrgan/RealESRGAN_x2plus.pth",
        "rrdb",
        67.1,
        "background",
        "BSD-3-Clause (Real-ESRGAN)",
        "makes the rest of a picture twice as large",
        "background.safetensors",
        ("RealESRGAN_x2plus.pth",),
    ),
)

MODELS: dict[str, PublishedModel] = {
    "hallo2": PublishedModel(
        "hallo2", "fudan-generative-ai/hallo2", (net("hallo2/net.pth"), *SHARED, *ENHANCING, *UNUSED)
    ),
    "hallo": PublishedModel("hallo", "fudan-generative-ai/hallo", (net("hallo/net.pth"), *SHARED, *UNUSED)),
}


def model(name: str) -> PublishedModel:
    """The published model called `name`."""
    if name not in MODELS:
        known = ", ".join(MODELS)
        raise SettingsError(
            f"There is no published model '{name}'.",
            expected=f"one of: {known}",
            do="the weights of mini are in the package",
        )
    return MODELS[name]


def find(folder: Path, file: PublishedFile) -> Path | None:
    """Where the file lies in a folder of published files, under any of its spellings."""
    paths = [folder / spelling for spelling in (file.path, *file.spellings)]
    return next((path for path in paths if path.is_file()), None)
