"""The networks of a preset, loaded: what the flow runs on. Nothing else in the flow knows weight files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from longtake.encoders.speech import SpeechEncoder, SpeechFeatures
from longtake.encoders.speech import SpeechSizes as EncoderSizes
from longtake.errors import SettingsError
from longtake.models.animation import Animation, AnimationSizes
from longtake.models.autoencoder import Autoencoder, AutoencoderSizes
from longtake.models.enhancer import Enhancer, EnhancerSizes
from longtake.models.rrdb import Rrdb, RrdbSizes
from longtake.placing import placed, placed_animation, placed_enhancer
from longtake.settings import RunSettings
from longtake.weights import files
from longtake.weights.files import short_hash
from longtake.weights.load import load
from longtake.weights.words import MODEL, with_norms

if TYPE_CHECKING:
    from transformers import Wav2Vec2Model

    from longtake.clips import Speech
    from longtake.encoders.wav2vec import Wav2VecFeatures
    from longtake.encoders.words import Words
    from longtake.models.vae import Vae
    from longtake.presets import Preset


@dataclass(frozen=True)
class Networks:
    """Everything that was trained, on its device; `hashes` say which weights these are."""

    animation: Animation
    autoencoder: Autoencoder | Vae
    speech: SpeechEncoder | Wav2Vec2Model
    anchor_std: float | None  # latents are differences from the portrait's, in this unit; None: they are latents
    trained: dict[str, Any]  # the settings that the animation was trained with
    hashes: dict[str, str]
    device: torch.device
    dtype: torch.dtype
    words: Words | None = None  # None: the animation was not trained to follow prompts

    def listen(self, speech: Speech) -> SpeechFeatures | Wav2VecFeatures:
        """The features of a sound, computed by windows as they are asked for."""
        if isinstance(self.speech, SpeechEncoder):
            return SpeechFeatures(self.speech, speech.read)
        from longtake.encoders.wav2vec import Wav2VecFeatures

        return Wav2VecFeatures(self.speech, speech.read, speech.seconds)


def load_networks(preset: Preset, run: RunSettings | None = None) -> Networks:
    """The preset's networks from its weight folder, ready to run."""
    run = run or RunSettings()
    device = choose_device(run.device)
    dtype = choose_dtype(run.dtype, device)
    folder = preset.weights
    animation, header = _load_animation(preset, dtype)
    trained = header.get("settings", {})
    return Networks(
        animation=placed_animation(animation, device, dtype, run),
        autoencoder=placed(_load(*codec_of(preset))[0], device, dtype),
        speech=placed(_load_listener(folder, preset.published), device, torch.float32),
        anchor_std=trained.get("anchor_std"),
        trained=trained,
        hashes={path.stem: short_hash(path) for path in own_files(preset)},
        device=device,
        dtype=dtype,
        words=words_of(preset),
    )


def own_files(preset: Preset) -> list[Path]:
    """The files of tensors that the preset is loaded from, by name; whatever else lies in its folder is not among them."""
    found: set[Path] = set()
    spare = [preset.word_norms, preset.word_encoder] if preset.word_norms.exists() else []
    for path in (*(preset.weights / name for name in preset.files), *filter(Path.exists, spare)):
        if path.is_dir():
            found |= set(path.rglob("*.safetensors"))
        elif path.suffix == ".safetensors":
            found |= {path, *(path.with_name(part) for part in files.about(path).get("parts", []))}
    return sorted(found)


def _load_animation(preset: Preset, dtype: torch.dtype) -> tuple[Animation, dict[str, Any]]:
    """The preset's animation networks, with the word norms if there are any, and their header."""
    path = preset.weights / "animation.safetensors"
    tensors, header = files.read(path)
    sizes = files.sizes(path, header, AnimationSizes)
    tensors, norms = with_norms(tensors, path, preset.word_encoder)
    if norms is not None:
        told = files.sizes(preset.word_norms, norms, AnimationSizes).denoiser
        sizes = replace(sizes, denoiser=replace(sizes.denoiser, words=told.words, filter=told.filter))
    return _filled(Animation, sizes, tensors).to(dtype), header


def words_of(preset: Preset) -> Words | None:
    """The preset's word encoder, if its animation learned to follow prompts; a published one is read when it is asked."""
    if not preset.word_norms.exists():
        return None
    trained_with = files.about(preset.word_norms).get("encoder", {})
    if MODEL in trained_with:
        from longtake.encoders.published_words import SentenceWords

        return SentenceWords(trained_with[MODEL])
    if preset.published:
        from longtake.encoders.published_words import ClipWords

        return ClipWords(preset.word_encoder)
    from longtake.encoders.words import load_words

    return load_words(preset.word_encoder)


def load_animation(path: Path, kind: type[Animation] = Animation) -> tuple[Animation, dict[str, Any]]:
    """The animation networks in a weight file, float32, and its header."""
    return _load(path, AnimationSizes, kind)


def codec_of(preset: Preset) -> tuple[Path, type, Callable[..., Autoencoder | Vae]]:
    """The file of the preset's autoencoder, the kind of its sizes and what is built of them."""
    if not preset.published:
        return preset.weights / "autoencoder.safetensors", AutoencoderSizes, Autoencoder
    from longtake.models.vae import Vae, VaeSizes

    return preset.weights / "vae.safetensors", VaeSizes, Vae


def _load_listener(folder: Path, published: bool) -> SpeechEncoder | Wav2Vec2Model:
    if not published:
        return load_speech(folder / "speech.safetensors")
    from longtake.encoders.wav2vec import load_wav2vec

    return load_wav2vec(folder / "wav2vec2")


def load_autoencoder(path: Path) -> Autoencoder:
    """The autoencoder in a weight file, float32."""
    return _load(path, AutoencoderSizes, Autoencoder)[0].eval().requires_grad_(False)


def load_speech(path: Path) -> SpeechEncoder:
    """The speech encoder in a weight file, float32."""
    return _load(path, EncoderSizes, SpeechEncoder)[0].eval().requires_grad_(False)


def load_enhancer(path: Path, run: RunSettings | None = None) -> Enhancer:
    """The enhancer in a weight file, ready to run."""
    run = run or RunSettings()
    device = choose_device(run.device)
    dtype = choose_dtype(run.dtype, device)
    return placed_enhancer(_load(path, EnhancerSizes, Enhancer, dtype)[0].eval(), device, dtype, run)


def load_background(path: Path, run: RunSettings | None = None) -> Rrdb:
    """What makes pictures twice as large, from its weight file, ready to run."""
    run = run or RunSettings()
    device = choose_device(run.device)
    dtype = choose_dtype(run.dtype, device)
    return placed(_load(path, RrdbSizes, Rrdb, dtype)[0].eval(), device, dtype)


def choose_device(name: str) -> torch.device:
    """The device by name; `auto` is CUDA where there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise SettingsError(
            f"There is no kind of device called '{name}'.", expected="auto, cpu, cuda, cuda:1"
        ) from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise SettingsError(
            f"The device '{name}' was asked for, but PyTorch sees {torch.cuda.device_count()} CUDA devices here.",
            do="use --device cpu, or install PyTorch for your GPU",
        )
    return device


def devices(run: RunSettings) -> list[RunSettings]:
    """The same settings for each device that segments made together can use: several GPUs, else the one there is."""
    count = torch.cuda.device_count() if choose_device(run.device) == torch.device("cuda") else 1
    if run.together == 1 or count == 1:
        return [run]
    return [run.overlay({"device": f"cuda:{k}"}) for k in range(min(count, run.together))]


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    """The number type by name; `auto` is bfloat16 where the hardware multiplies it, else float32."""
    if name != "auto":
        return getattr(torch, name)
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    fast = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if fast else torch.float32


def _load(
    path: Path, sizes_of: type, build: Callable[..., Any], dtype: torch.dtype = torch.float32
) -> tuple[Any, dict[str, Any]]:
    """The network that a weight file's header describes, holding the file's tensors: never two copies of it in memory."""
    tensors, header = files.read(path)
    return _filled(build, files.sizes(path, header, sizes_of), tensors).to(dtype), header


def _filled(build: Callable[..., Any], sizes: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """The network of these sizes, holding the tensors themselves; `tensors` is emptied."""
    with torch.device("meta"):
        module = build(sizes)
    load(module, tensors)
    tensors.clear()
    return module
