"""The networks on their device: whole, compiled layer by layer, or in main memory with one block at a time on the device."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from longtake.errors import SettingsError
from longtake.models import code_predictor
from longtake.models.animation import Animation
from longtake.models.blocks import Grow, Resnet, Shrink
from longtake.models.denoiser_layer import Layer
from longtake.models.enhancer import Enhancer, Fusion, PictureFusion
from longtake.models.projectors import IdentityProjection, Locator, SpeechProjection
from longtake.models.reference_net import ReferenceLayer
from longtake.models.vqgan import GridAttention, Halve, Residual
from longtake.settings import RunSettings

BLOCKS = (Layer, ReferenceLayer, Resnet, Shrink, Grow, Locator, IdentityProjection, SpeechProjection)
ENHANCER_BLOCKS = (Residual, GridAttention, Halve, Grow, Fusion, PictureFusion, code_predictor.Layer)
ENTRANCES = ("forward", "prepare", "prepare_video", "finish")
"""The methods by which a block is used from outside; its weights are read nowhere else."""

Module = TypeVar("Module", bound=nn.Module)


def placed(module: Module, device: torch.device, dtype: torch.dtype) -> Module:
    """The network on its device, frozen. Convolutions there get the order of axes that their fast kernels want."""
    module = module.to(device, dtype).eval().requires_grad_(False)
    if device.type == "cuda":
        module.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    return module


def placed_animation(animation: Animation, device: torch.device, dtype: torch.dtype, run: RunSettings) -> Animation:
    """The animation networks on their device, compiled or offloaded as the settings say."""
    if run.offload:
        animation = animation.to(dtype).eval().requires_grad_(False)
        offload(animation, device)
    else:
        animation = placed(animation, device, dtype)
    if run.compile:
        compile_blocks(animation)
    return animation


def blocks(module: nn.Module, kinds: tuple[type[nn.Module], ...] = BLOCKS) -> Iterator[nn.Module]:
    """The largest blocks inside, in order; a block's own parts are not listed."""
    for child in module.children():
        if isinstance(child, kinds):
            yield child
        else:
            yield from blocks(child, kinds)


def compile_blocks(animation: Animation, backend: str = "inductor") -> None:
    """Compiles the repeated layers, each on its own: minutes where the whole U-Net would take most of an hour.

    Layers of the same widths share their code, but each width and each grid is a variant of its own.
    """
    repeated = (Layer, ReferenceLayer, Resnet)
    _compile([block for block in blocks(animation) if isinstance(block, repeated)], backend)


def placed_enhancer(enhancer: Enhancer, device: torch.device, dtype: torch.dtype, run: RunSettings) -> Enhancer:
    """The enhancer on its device, compiled if the settings say so."""
    enhancer = placed(enhancer, device, dtype)
    if run.compile:
        compile_enhancer(enhancer)
    return enhancer


def compile_enhancer(enhancer: Enhancer, backend: str = "inductor") -> None:
    """Compiles block by block, and the mean of alike frames: for `mini` under a minute, seconds once PyTorch has it cached.

    Each length of a window is a variant of its own; faces that are seen for less than a window bring others.
    """
    _compile(list(blocks(enhancer, ENHANCER_BLOCKS)), backend)
    if enhancer.sizes.steady:
        enhancer.steadied = torch.compile(enhancer.steadied, backend=backend, dynamic=False)


def _compile(chosen: list[nn.Module], backend: str) -> None:
    """Compiles these. Widths and grids are variants of one block: more of them than usual are allowed."""
    import torch._dynamo
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler

    if backend == "inductor" and any(x.device.type == "cpu" for block in chosen for x in block.parameters()):
        try:
            get_cpp_compiler()
        except InvalidCxxCompiler as error:
            raise SettingsError("--compile finds no C++ compiler.", do="install g++ or leave --compile out") from error
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, 128)
    for block in chosen:
        block.compile(backend=backend, dynamic=False)


class Offloaded:
    """A block whose weights live in main memory and are on the device only while one of its entrances runs."""

    def __init__(self, block: nn.Module, device: torch.device):
        self.device, self.inside = device, 0
        pin = device.type == "cuda"
        self.homes: list[tuple[dict[str, Any], str, Tensor]] = []
        for part in block.modules():
            for table in (part._parameters, part._buffers):
                for name, value in table.items():
                    if value is not None:
                        home = value.data.cpu()
                        self.homes.append((table, name, home.pin_memory() if pin else home))
        self._leave()
        for name in ENTRANCES:
            if hasattr(block, name):
                setattr(block, name, self._entering(getattr(block, name)))

    @property
    def bytes(self) -> int:
        """What the block takes on the device."""
        return sum(home.nbytes for _, _, home in self.homes)

    @contextmanager
    def here(self) -> Iterator[None]:
        """Inside, the weights are on the device."""
        if self.inside == 0:
            for table, name, home in self.homes:
                table[name] = _like(table[name], home.to(self.device, non_blocking=True))
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1
            if self.inside == 0:
                self._leave()

    def _leave(self) -> None:
        for table, name, home in self.homes:
            # Nothing instead of the weights at home: whoever reads them outside an entrance is told so at once.
            table[name] = _like(table[name], home.new_empty(0))

    def _entering(self, method):
        @functools.wraps(method)
        def entered(*args, **kwargs):
            with self.here():
                return method(*args, **kwargs)

        return entered


def offload(animation: Animation, device: torch.device) -> list[Offloaded]:
    """Keeps every block in main memory and brings it to the device while it runs; what is no block is small and goes there."""
    offloaded = [Offloaded(block, device) for block in blocks(animation)]
    animation.to(device)
    return offloaded


def weights_of(module: nn.Module) -> list[Tensor]:
    """Its parameters and buffers."""
    return [*module.parameters(), *module.buffers()]


def weight_bytes(module: nn.Module) -> int:
    """What they take."""
    return sum(x.nbytes for x in weights_of(module))


def largest(blocks: Iterable[nn.Module]) -> int:
    """Bytes of the largest block: what offloaded networks take on the device."""
    return max(map(weight_bytes, blocks))


def _like(old: Tensor | None, data: Tensor) -> Tensor:
    return nn.Parameter(data, requires_grad=False) if isinstance(old, nn.Parameter) else data
