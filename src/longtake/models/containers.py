"""Containers of modules that tell a type checker what they hold; at run time they are PyTorch's own."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar, overload

from torch import nn

from longtake.models.blocks import Grow, Shrink

Kind = TypeVar("Kind", bound=nn.Module)


class Several(nn.ModuleList, Generic[Kind]):
    """Modules of one kind, in order."""

    if TYPE_CHECKING:

        def __iter__(self) -> Iterator[Kind]: ...
        @overload
        def __getitem__(self, idx: int) -> Kind: ...
        @overload
        def __getitem__(self, idx: slice) -> "Several[Kind]": ...
        def __getitem__(self, idx: int | slice) -> "Kind | Several[Kind]": ...


class Named(nn.ModuleDict, Generic[Kind]):
    """Modules of one kind, by name."""

    if TYPE_CHECKING:

        def __getitem__(self, key: str) -> Kind: ...


class Level(nn.Module, Generic[Kind]):
    """The layers of one level of a U-Net, and the sampler that leads on to the next, if there is one."""

    shrink: Shrink | None
    grow: Grow | None

    def __init__(self, layers: Iterable[Kind]):
        super().__init__()
        self.layers: Several[Kind] = Several(layers)
        self.shrink = self.grow = None
