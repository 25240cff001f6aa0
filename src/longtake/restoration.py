"""A whole picture enhanced: its faces restored by the network, the rest enlarged, the faces put back (step 6 of the flow)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from longtake.enhance import Restore, WindowStream
from longtake.face.align import SIDE, cut_square
from longtake.face.follow import Moment, follow, steady
from longtake.face.paste import finer, paste
from longtake.media.enlarge import enlarge
from longtake.media.pixels import as_frames, as_pictures
from longtake.media.tiles import in_tiles
from longtake.models.enhancer import Enhancer
from longtake.models.rrdb import SCALE, Rrdb
from longtake.settings import EnhanceSettings

FACE_OVERLAP = 128
"""Pixels that tiles of a face share."""
TILE_OVERLAP = 32
"""Pixels that tiles of the background's network share."""

Picture = UInt8[np.ndarray, "H W 3"]
Resized = UInt8[np.ndarray, "h w 3"]
Enlarge = Callable[[Picture, int, int], Picture]
"""Picture, height, width -> the picture at that size."""


def restore_with(network: Enhancer, settings: EnhanceSettings) -> Restore:
    """What restores a window of aligned faces with this network; crops stay on the CPU, windows go to its device."""
    weight = network.codebook.weight

    @torch.inference_mode()
    def restore(window: Float[Tensor, "f 3 H W"]) -> Float[Tensor, "f 3 H W"]:
        given = window.to(weight.device, weight.dtype)[None]
        return network(given, settings.fidelity, settings.align, settings.at_once)[0].float().clamp(-1, 1).cpu()

    return restore


def enlarge_with(network: Rrdb | None, settings: EnhanceSettings) -> Enlarge:
    """What enlarges a picture: twice by this network and the rest of the way plainly; without one plainly."""
    steeper = 0.0 if settings.what == "face" else settings.steeper

    @torch.inference_mode()
    def doubled(picture: Picture, network: Rrdb) -> Resized:
        weight = network.conv_first.weight
        height, width = picture.shape[:2]
        even = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")

        def act(tile: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 H W"]:
            return network(tile.to(weight.device, weight.dtype)).float().cpu()

        given = (as_pictures(even[None]) + 1) / 2  # it counts from 0 to 1
        found = in_tiles(given, act, settings.tile_px, TILE_OVERLAP, SCALE)
        return as_frames(2 * found - 1)[0][: SCALE * height, : SCALE * width]

    def larger(picture: Picture, height: int, width: int) -> Resized:
        if network is None or max(height, width) <= max(picture.shape[:2]):
            return enlarge(picture, height, width, steeper)
        return enlarge(doubled(picture, network), height, width, 0.0)

    return larger


def enhance_frames(
    pictures: Iterable[Picture],
    size: tuple[int, int],
    restore: Restore | None,
    settings: EnhanceSettings,
    larger: Enlarge | None = None,
) -> Iterator[Picture]:
    """Each picture at `size` (height, width), in order; without `restore` there is nothing but the size."""
    larger = larger or enlarge_with(None, settings)
    if restore is None:
        yield from (larger(picture, *size) for picture in pictures)
        return
    moments = steady(follow(pictures, settings.search_every, settings.faces), settings.steady)
    for moment, faces in with_faces(moments, restore, settings):
        large = larger(moment.picture, *size)
        large = large.copy() if large is moment.picture else large
        for number, face in faces.items():
            placed = moment.faces[number]
            seen = cut_square(moment.picture, placed.square, len(face)) if finer(placed, len(face)) else None
            paste(large, face, placed, moment.picture.shape[:2], seen)
        yield large


def in_face_tiles(restore: Restore) -> Restore:
    """The same for windows of faces larger than the network's own size: in tiles of that size that pass into each other."""
    return lambda window: in_tiles(window, restore, SIDE, FACE_OVERLAP)


def side_for(shown: float, largest: int) -> int:
    """The side at which a face that covers `shown` pixels is cut out: the network's own, or more if that is allowed."""
    return int(np.clip(np.ceil(shown / 64) * 64, SIDE, largest))


@dataclass(eq=False)
class _Waiting:
    """A frame whose faces are not all restored yet."""

    moment: Moment
    faces: dict[int, Picture] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        return len(self.faces) == len(self.moment.faces)


def with_faces(
    moments: Iterable[Moment], restore: Restore, settings: EnhanceSettings
) -> Iterator[tuple[Moment, dict[int, Picture]]]:
    """Each frame with its restored faces, in order.

    Every face has windows of its own, which begin where it is first seen and end with it; at a cut all do. No frame waits
    longer than one window lasts.
    """
    streams: dict[int, WindowStream] = {}
    sides: dict[int, int] = {}
    owed: dict[int, deque[_Waiting]] = {}
    queue: deque[_Waiting] = deque()

    def give(number: int, restored: list[Tensor]) -> None:
        for picture in restored:
            owed[number].popleft().faces[number] = as_frames(picture[None])[0]

    def end(numbers: Iterable[int]) -> None:
        for number in list(numbers):
            give(number, streams.pop(number).end())
            del owed[number]

    def ready() -> Iterator[tuple[Moment, dict[int, Picture]]]:
        while queue and queue[0].complete:
            done = queue.popleft()
            yield done.moment, done.faces

    for moment in moments:
        end(streams.keys() - moment.faces.keys())
        waiting = _Waiting(moment)
        queue.append(waiting)
        for number, placed in moment.faces.items():
            if number not in streams:
                streams[number] = WindowStream(in_face_tiles(restore), settings.window, settings.overlap)
                sides[number] = side_for(placed.square.side, settings.face_px)
                owed[number] = deque()
            owed[number].append(waiting)
            crop = cut_square(moment.picture, placed.square, sides[number])
            give(number, streams[number].tell(as_pictures(crop[None])[0]))
        yield from ready()
    end(streams.keys())
    yield from ready()
