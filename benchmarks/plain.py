"""The same networks the plain way: each exact saving can be left out, to see what it brings and that it changes nothing.

All of them left out is what the published program computes. Not settings, because nobody needs the plain way: it lives here,
beside the measurements (`flops.py`, `caches.py`) and the law that both ways agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor

from longtake.models.attention import Attention, KeyValue, Reading, attend
from longtake.models.audio_attention import REGIONS, AudioModule, Hearing, RegionMaps
from longtake.models.blocks import Grow, grid, tokens
from longtake.models.denoiser_layer import Layer
from longtake.models.motion_module import Lead, MotionModule, over_space, over_time
from longtake.models.reference_net import Features, ReferenceLayer
from longtake.models.rows import Rows
from longtake.models.told import Conditions


@dataclass(frozen=True)
class Savings:
    """What is saved; each can be left out alone. These are no settings: the numbers are the same either way."""

    once_per_video: bool = True  # reference net, locator and the portrait's constants: not anew for every segment
    reference_keys: bool = True  # keys and values of the portrait's features: not for every frame at every step
    reference_end: bool = True  # the reference net stops at its last features
    identity: bool = True  # attention to the identity tokens as two matrices, made once
    rows: bool = True  # rows without portrait or speech skip what they would only throw away
    speech_keys: bool = True  # keys and values of the speech: not at every step
    regions: bool = True  # the three audio attentions as one, out-projections and zero convolutions as one matrix
    motion: bool = True  # motion frames projected once per segment; after the second attention only frames go on
    growing: bool = True  # growing and its convolution on the small grid

    @classmethod
    def none(cls) -> Savings:
        """All of them left out."""
        return cls(**dict.fromkeys(cls.names(), False))

    @classmethod
    def names(cls) -> list[str]:
        """The savings by name."""
        return [field.name for field in fields(cls)]

    def without(self, name: str) -> Savings:
        """These but for one."""
        return replace(self, **{name: False})


@contextmanager
def saving(savings: Savings) -> Iterator[None]:
    """Inside, all networks compute with these savings only. Prepare and run inside the same one."""
    changes: list[tuple[bool, type, str, Callable[..., Any]]] = [
        (savings.reference_keys and savings.rows, Layer, "_reading", _reading(savings)),
        (savings.reference_keys and savings.rows, Attention, "reading", read_plainly),
        (savings.reference_end, ReferenceLayer, "finish", finish_late),
        (savings.identity, Attention, "fold", lambda attention, told: PlainIdentity(attention, told)),
        (savings.rows, AudioModule, "maps", _maps),
        (savings.rows and savings.speech_keys, AudioModule, "hear", _hear(savings)),
        (savings.speech_keys and savings.regions, AudioModule, "_listen", _listen(savings)),
        (savings.motion, MotionModule, "prepare", lambda module, motion: Lead(motion, motion.shape[0])),
        (savings.motion, MotionModule, "forward", move_plainly),
        (savings.growing, Grow, "forward", grow_plainly),
    ]
    with ExitStack() as stack:
        for saved, owner, name, plain in changes:
            if not saved:
                stack.enter_context(patch.object(owner, name, plain))
        yield


def grow_plainly(module: Grow, x: Tensor) -> Tensor:
    """Nearest neighbour, then the convolution on the large grid."""
    return module.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


def finish_late(layer: ReferenceLayer, x: Tensor, step: Tensor, features: Features) -> None:
    """The whole last layer, though nobody reads what it gives; its weights are there only with `spare`."""
    identity = layer.transformer.identity
    told = x.new_zeros(x.shape[0], 4, identity.key.in_features)
    _, features[layer.name] = layer.transformer(layer.resnet(x, step), identity.fold(told))


class PlainIdentity:
    """Attention to the identity tokens with a query of the full width, and keys made anew for every frame."""

    def __init__(self, attention: Attention, told: Tensor):
        self.attention, self.told = attention, told

    def __call__(self, x: Tensor) -> Tensor:
        each = self.attention.keys(self.told.repeat_interleave(x.shape[0] // self.told.shape[0], 0))
        return self.attention.out(attend(self.attention.query(x), each.key, each.value, self.attention.heads))


@dataclass(frozen=True)
class PlainReading(Reading):
    """`rows` are computed with a reference, `readers` have one; if `raw`, `reference` holds features, not keys and values."""

    readers: Rows
    raw: bool


def _reading(savings: Savings) -> Callable[..., Any]:
    def reading(layer: Layer, told: Conditions, readers: Rows) -> PlainReading | None:
        if told.reference is None or readers.none:
            return None
        rows = readers if savings.rows else Rows(tuple(range(readers.batch)), readers.batch)
        reads = torch.arange(readers.batch) if told.reads is None else told.reads
        features = told.reference[layer.name]
        raw = not savings.reference_keys
        reference = KeyValue(features, features) if raw else layer.transformer.attention.keys(features)
        return PlainReading(reference, rows.take(reads.to(features.device)), rows, readers, raw)

    return reading


def read_plainly(attention: Attention, x: Tensor, reading: PlainReading) -> Tensor:
    """All `rows` read the reference; rows that have none are done again without it, and the first result thrown away."""
    rows, readers, each = reading.rows, reading.readers, x.unflatten(0, (reading.rows.batch, -1))
    own = rows.take(each).flatten(0, 1)
    if reading.raw:
        both = reading.beside(own, reading.reference.key)
        query, key, value = attention.query(own), attention.key(both), attention.value(both)
    else:
        query, key, value = attention.qkv(own)
        key, value = (reading.beside(o, r) for o, r in ((key, reading.reference.key), (value, reading.reference.value)))
    found = attention.out(attend(query, key, value, attention.heads)).unflatten(0, (-1, each.shape[1]))
    if readers.all:
        return found.flatten(0, 1)
    alone = attention.itself(readers.leave(each).flatten(0, 1)).unflatten(0, (-1, each.shape[1]))
    return readers.join(readers.take(found) if rows.all else found, alone).flatten(0, 1)


@dataclass(frozen=True)
class PlainMaps(RegionMaps):
    """As if all rows heard something; `hearers` are those that do."""

    hearers: Rows


_joined_maps = AudioModule.maps


def _maps(module: AudioModule, masks: Tensor, weights: tuple[float, float, float], rows: Rows) -> PlainMaps:
    every = _joined_maps(module, masks, weights, Rows(tuple(range(rows.batch)), rows.batch))
    return PlainMaps(every.masks, every.out, every.bias, every.rows, rows)


def _hear(savings: Savings) -> Callable[..., Any]:
    def hear(module: AudioModule, speech: Tensor, maps: RegionMaps) -> Hearing:
        """Rows that hear nothing hear zeros."""
        if maps.rows.none:
            return Hearing(None, maps)
        if isinstance(maps, PlainMaps):
            told = [float(row in maps.hearers.having) for row in range(maps.rows.batch)]
            speech = speech * torch.tensor(told, device=speech.device, dtype=speech.dtype)[:, None, None, None]
        heard = maps.rows.take(speech).flatten(0, 1)
        return Hearing(_speech_keys(module, heard) if savings.speech_keys else KeyValue(heard, heard), maps)

    return hear


def _speech_keys(module: AudioModule, heard: Tensor) -> KeyValue:
    told = [module.regions[region].keys(heard) for region in REGIONS]
    return KeyValue(torch.cat([x.key for x in told], dim=2), torch.cat([x.value for x in told], dim=2))


def _listen(savings: Savings) -> Callable[..., Any]:
    def listen(module: AudioModule, hidden: Tensor, hearing: Hearing) -> Tensor:
        maps, rows = hearing.maps, hearing.maps.rows
        quiet = hidden + maps.bias.to(hidden)
        if hearing.speech is None:
            return quiet
        told = hearing.speech if savings.speech_keys else _speech_keys(module, hearing.speech.key)
        normed = module.norm2(rows.take(hidden))
        if savings.regions:
            query = torch.cat([module.regions[region].query(normed) for region in REGIONS], dim=-1).flatten(0, 1)
            found = attend(query, told.key, told.value, 3 * module.attention.heads)
            found = found.view(*normed.shape[:3], 3, -1) * maps.masks.to(found)
            return rows.add(quiet, F.linear(found.flatten(3), maps.out))
        return rows.join(rows.take(quiet) + _region_by_region(module, normed, told, maps), rows.leave(quiet))

    return listen


def _region_by_region(module: AudioModule, normed: Tensor, told: KeyValue, maps: RegionMaps) -> Tensor:
    """What the regions add, each by an attention, an out-projection and a zero convolution of its own.

    `quiet` holds all biases already, so here they are left out of the sums: their cost is nothing.
    """
    total = torch.zeros_like(normed)
    for k, (region, key, value) in enumerate(zip(REGIONS, told.key.chunk(3, -1), told.value.chunk(3, -1), strict=True)):
        attention = module.regions[region]
        found = attend(attention.query(normed).flatten(0, 1), key, value, attention.heads).view(normed.shape)
        found = F.linear(found, attention.out.weight) * maps.masks[..., k, :].to(found)
        total = total + F.linear(found, module.zero_convs[region].matrix)
    return total


def move_plainly(module: MotionModule, x: Tensor, lead: Lead) -> Tensor:
    """Motion frames go through the whole module with the frames, and are dropped at its end."""
    b, n = lead.rows, lead.hidden.shape[1]
    both = torch.cat([lead.hidden.to(x), tokens(x).unflatten(0, (b, -1))], dim=1).flatten(0, 1)
    normed = module.norm(both.transpose(1, 2)).transpose(1, 2)
    hidden = over_time(module.proj_in(normed), b)
    for attention, norm in ((module.attention1, module.norm1), (module.attention2, module.norm2)):
        hidden = hidden + attention.itself(attention.placed(norm(hidden)))
    hidden = hidden + module.ff(module.norm3(hidden))
    moved = over_space(module.proj_out(hidden), b).unflatten(0, (b, -1))[:, n:].flatten(0, 1)
    return x + grid(moved, *x.shape[2:])
