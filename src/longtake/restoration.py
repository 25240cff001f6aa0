"""A whole picture enhanced: its faces restored by the network, the rest enlarged, the faces put back (step 6 of the flow)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from longtake.enhance import Restore, WindowStream
from longtake.face.align import cut_square
from longtake.face.follow import Moment, follow, steady
from longtake.face.paste import paste
from longtake.media.enlarge import enlarge
from longtake.media.pixels import as_frames, as_pictures
from longtake.models.enhancer import Enhancer
from longtake.settings import EnhanceSettings

Picture = UInt8[np.ndarray, "H W 3"]


def restore_with(network: Enhancer, settings: EnhanceSettings) -> Restore:
    """What restores a window of aligned faces with this network; crops stay on the CPU, windows go to its device."""
    weight = network.codebook.weight

    @torch.inference_mode()
    def restore(window: Float[Tensor, "f 3 H W"]) -> Float[Tensor, "f 3 H W"]:
        given = window.to(weight.device, weight.dtype)[None]
        return network(given, settings.fidelity, settings.align, settings.at_once)[0].float().clamp(-1, 1).cpu()

    return restore


def enhance_frames(
    pictures: Iterable[Picture], size: tuple[int, int], restore: Restore | None, settings: EnhanceSettings
) -> Iterator[Picture]:
    """Each picture at `size` (height, width), in order; without `restore` there is nothing but the size."""
    if restore is None:
        yield from (enlarge(picture, *size, settings.steeper) for picture in pictures)
        return
    steeper = 0.0 if settings.what == "face" else settings.steeper
    moments = steady(follow(pictures, settings.search_every, settings.faces), settings.steady)
    for moment, faces in with_faces(moments, restore, settings):
        large = enlarge(moment.picture, *size, steeper)
        large = large.copy() if large is moment.picture else large
        for number, face in faces.items():
            paste(large, face, moment.faces[number], moment.picture.shape[:2])
        yield large


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
                streams[number] = WindowStream(restore, settings.window, settings.overlap)
                owed[number] = deque()
            owed[number].append(waiting)
            crop = cut_square(moment.picture, placed.square)
            give(number, streams[number].tell(as_pictures(crop[None])[0]))
        yield from ready()
    end(streams.keys())
    yield from ready()
