"""Loading: every tensor of the file finds its place and every place gets its tensor, or the report says which did not."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from longtake.errors import WeightsMismatch
from longtake.weights.names import NEVER_RUN, OURS_ONLY, ours


@dataclass(frozen=True)
class Report:
    """What loading did, by names."""

    loaded: tuple[str, ...]
    left_out: tuple[str, ...] = ()  # in the file, known to be unused
    kept: tuple[str, ...] = ()  # not in the file, known to be ours alone: they keep their start values, or zeros

    def __str__(self) -> str:
        return f"{len(self.loaded)} tensors loaded, {len(self.left_out)} never used, {len(self.kept)} not in the file"


def load(module: nn.Module, tensors: Mapping[str, Tensor], may_lack: re.Pattern[str] | None = None) -> Report:
    """Puts the tensors in by name; raises WeightsMismatch with every missing, unknown and misshapen name.

    A module on the meta device takes the tensors themselves (and their dtype); a real one takes copies.
    """
    own = module.state_dict()
    missing = [name for name in own if name not in tensors]
    kept = [name for name in missing if may_lack is not None and may_lack.match(name)]
    unknown = [name for name in tensors if name not in own]
    shapes = [
        f"{name}: {tuple(tensors[name].shape)} in the file, {tuple(own[name].shape)} in the network"
        for name in own
        if name in tensors and tensors[name].shape != own[name].shape
    ]
    wanted = [name for name in missing if name not in kept]
    if wanted or unknown or shapes:
        raise WeightsMismatch(
            "The weight file does not fit the network: " + "; ".join(troubles(wanted, unknown, shapes)),
            expected=f"{len(own)} tensors with the network's names and shapes",
            do="check that the file belongs to this preset and version",
        )
    empty = any(parameter.is_meta for parameter in module.parameters())
    blank = {name: torch.zeros_like(own[name], device="cpu") for name in kept if empty}  # all zero is a no-op, too
    module.load_state_dict({**tensors, **blank}, strict=False, assign=empty)
    return Report(tuple(tensors), kept=tuple(kept))


def load_published(module: nn.Module, tensors: Mapping[str, Tensor]) -> Report:
    """The same for tensors under their published names; parts that never run may lack a place."""
    own = module.state_dict()
    named = {ours(name): tensor for name, tensor in tensors.items()}
    left_out = tuple(name for name in tensors if ours(name) not in own and NEVER_RUN.match(name))
    for name in left_out:
        del named[ours(name)]
    report = load(module, named, may_lack=OURS_ONLY)
    return Report(report.loaded, left_out, report.kept)


def troubles(missing: list[str], unknown: list[str], shapes: list[str]) -> list[str]:
    """One phrase for each kind of trouble, with at most five names."""
    kinds = (("missing", missing), ("unknown", unknown), ("other shape", shapes))
    return [
        f"{len(names)} {kind} ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''})"
        for kind, names in kinds
        if names
    ]
