"""One segment of a preset on networks without memory (the meta device): what it costs, before any weights are loaded."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from longtake.diffusion.guidance import Branch
from longtake.models.animation import Animation, AnimationSizes, hallo2_sizes
from longtake.models.denoiser import Deep
from longtake.models.pairing import context_rows, frame_reads
from longtake.models.told import Conditions, Prepared
from longtake.networks import codec_of
from longtake.placing import blocks, largest, weight_bytes, weights_of
from longtake.presets import Preset
from longtake.segments import SEGMENT_FRAMES
from longtake.settings import Settings
from longtake.telling import told_branches
from longtake.weights import files
from longtake.weights.files import Sizes

Watch = Callable[[str, Callable[[], Any]], Any]
WAV2VEC_BYTES = 94_371_712 * 4  # wav2vec2-base, always float32


@dataclass(frozen=True)
class Need:
    """What a preset takes. Memory in bytes, of weights and of everything that lives at the same time during a segment."""

    weights: int
    weights_offloaded: int  # with run.offload: the largest block, and what is never moved
    activations: int
    operations: int  # floating-point, of one segment

    def memory(self, offload: bool = False) -> float:
        """GiB of device memory at the peak: a tenth more than was counted, and what a driver takes for itself."""
        counted = self.activations + (self.weights_offloaded if offload else self.weights)
        return 1.1 * counted / 2**30 + 0.6


def foresee(preset: Preset, settings: Settings, dtype: torch.dtype, told: list[Branch] | None = None) -> Need:
    """What a segment of the preset will need; `told` are its guidance branches, by default those without prompts."""
    animation, codec = bare_networks(preset)
    return measure(animation.to(dtype), codec.to(dtype), settings, WAV2VEC_BYTES if preset.published else 0, told)


def measure(
    animation: Animation, codec: Any, settings: Settings, listener_bytes: int = 0, told: list[Branch] | None = None
) -> Need:
    """The same for networks at hand, wherever they are."""
    from torch.utils.flop_counter import FlopCounterMode

    own, other = weight_bytes(animation), weight_bytes(codec) + listener_bytes
    moved = sum(weight_bytes(block) for block in blocks(animation))
    steps, every = settings.sampling.steps, settings.sampling.deep_every
    whole = -(-steps // every)
    times = {"step": whole, "step that reuses": steps - whole}
    operations = 0

    def count(term: str, work: Callable[[], Any]) -> Any:
        nonlocal operations
        with FlopCounterMode(display=False) as counter:
            result = work()
        operations += times.get(term, 1) * counter.get_total_flops()
        return result

    rehearse(animation, codec, settings, count, told)
    with FusedAttention(), LiveBytes([animation, codec]) as live:
        rehearse(animation, codec, settings, lambda _term, work: work(), told)
    return Need(own + other, own - moved + largest(blocks(animation)) + other, live.peak, operations)


def bare_networks(preset: Preset) -> tuple[Animation, Any]:
    """Animation networks and autoencoder of a preset without memory: as its files say, or as published if they are not here."""
    file, kind, codec = codec_of(preset)
    sizes = _sizes(preset.weights / "animation.safetensors", AnimationSizes) or hallo2_sizes()
    with torch.device("meta"):
        return Animation(sizes).eval(), codec(_sizes(file, kind) or kind()).eval()


def _sizes(path: Path, kind: type[Sizes]) -> Sizes | None:
    return files.sizes(path, files.about(path), kind) if path.exists() else None


@torch.no_grad()
def rehearse(
    animation: Animation, codec: Any, settings: Settings, watch: Watch, told: list[Branch] | None = None
) -> None:
    """Every part of one segment, as the flow calls them, but one denoising step; `watch(term, work)` does the work."""
    sizes, speech_sizes = animation.sizes.denoiser.unet, animation.speech_projection.sizes
    weight = animation.denoiser.conv_in.weight
    told = told or told_branches(settings)
    b, n, f = len(told), settings.motion.frames, SEGMENT_FRAMES
    pixels = settings.portrait.size_px
    side = pixels // codec.sizes.factor

    def empty(*shape: int) -> Tensor:
        return torch.zeros(shape, device=weight.device, dtype=weight.dtype)

    face = empty(b, animation.sizes.identity.embedding)
    identity = watch("identity", lambda: animation.identity_projection(face))
    rectangle = empty(1, 3, *2 * [side * animation.locator.sizes.factor])
    locator = watch("locator", lambda: animation.locator(rectangle)).expand(b, 1, -1, -1, -1)
    picture = watch("encode portrait", lambda: codec.encode(empty(1, 3, pixels, pixels)))
    contexts = context_rows(identity, 1 + n, settings.reference.pairing).unflatten(0, (b, -1))
    read = animation.reference_net
    rows = picture.expand(b, -1, -1, -1)
    reference = watch("reference net, portrait", lambda: read(rows, contexts[:, 0]))
    lead = watch("encode motion frames", lambda: codec.encode(empty(n, 3, pixels, pixels))).repeat(b, 1, 1, 1)
    motion = watch("reference net, motion frames", lambda: read(lead, contexts[:, 1:].flatten(0, 1)))
    window = empty(1, f, speech_sizes.window, speech_sizes.layers, speech_sizes.features)
    speech = watch("speech", lambda: animation.speech_projection(window)).expand(b, -1, -1, -1)
    published = settings.reference.pairing == "published"
    conditions = Conditions(
        identity=identity,
        regions=tuple(empty(b, 3, side >> level, side >> level) for level in range(len(sizes.channels))),
        reference=reference,
        reads=frame_reads(b, f, "published", weight.device) if published else None,
        has_reference=torch.tensor([branch.portrait for branch in told], device="cpu"),
        motion={name: x.unflatten(0, (b, n)) for name, x in motion.items()},
        speech=speech,
        has_speech=torch.tensor([branch.speech for branch in told], device="cpu"),
        locator=locator,
    )
    denoiser = animation.denoiser
    kept = watch("constants of the portrait", lambda: denoiser.prepare_video(conditions))
    prepared: Prepared = watch("constants of the segment", lambda: denoiser.prepare(conditions, f, kept))
    latents = empty(1, sizes.latent, f, side, side)
    watch("step", lambda: denoiser(latents.expand(b, -1, -1, -1, -1), empty(b), prepared))
    if settings.sampling.deep_every > 1:
        deep = Deep(empty(b * f, sizes.channels[1], side, side))
        watch("step that reuses", lambda: denoiser(latents.expand(b, -1, -1, -1, -1), empty(b), prepared, deep))
    del prepared
    watch("decode", lambda: _decode(codec, latents[0].transpose(0, 1), settings.run.decode_frames))


def _decode(codec: Any, latents: Tensor, at_a_time: int) -> None:
    for part in latents.split(at_a_time):
        codec.decode(part)  # given away at once, as the flow does


class LiveBytes(TorchDispatchMode):
    """The most bytes of tensors that lived at the same time inside, weights of `modules` left out."""

    def __init__(self, modules: list[nn.Module]):
        super().__init__()
        self.known = {x.untyped_storage()._cdata for module in modules for x in weights_of(module)}
        self.now = self.peak = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for x in tree_leaves(result):
            if isinstance(x, Tensor):
                self._see(x.untyped_storage())
        return result

    def _see(self, storage: Any) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key not in self.known:
            self.known.add(key)
            self.now += size
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self.known.discard(key)
        self.now -= size


class FusedAttention(TorchFunctionMode):
    """Attention that holds no scores, as the fused kernels do; networks without memory would write them all out."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function is F.scaled_dot_product_attention and args[0].device.type == "meta":
            return torch.empty_like(args[0])
        return function(*args, **(kwargs or {}))
