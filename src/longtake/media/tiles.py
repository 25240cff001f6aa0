"""A picture worked on in tiles that overlap and pass into each other: a large one takes the memory of a small one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

Act = Callable[[Float[Tensor, "*b h w"]], Float[Tensor, "*b H W"]]


def in_tiles(
    picture: Float[Tensor, "*b h w"], act: Act, tile: int, overlap: int, scale: int = 1
) -> Float[Tensor, "*b H W"]:
    """What `act` makes of the picture, `scale` times as large, from tiles of `tile` pixels a side that share `overlap`.

    A picture with a side shorter than a tile is one tile there. Where tiles overlap, the one passes into the other.
    """
    assert 0 <= 2 * overlap <= tile, f"an overlap of {overlap} in tiles of {tile}"
    height, width = picture.shape[-2:]
    if height <= tile and width <= tile:
        return act(picture)
    made = picture.new_zeros(*picture.shape[:-2], height * scale, width * scale)
    for y0, y1, down in _places(height, tile, overlap):
        for x0, x1, across in _places(width, tile, overlap):
            found = act(picture[..., y0:y1, x0:x1])
            share = _grown(down, scale)[:, None] * _grown(across, scale)[None, :]
            made[..., y0 * scale : y1 * scale, x0 * scale : x1 * scale] += share.to(found) * found
    return made


def _places(length: int, tile: int, overlap: int) -> Iterator[tuple[int, int, Float[np.ndarray, " n"]]]:
    """Where tiles begin and end along a side, and how much each counts at each place: together 1 everywhere."""
    tile = min(tile, length)
    count = 1 if tile == length else -(-(length - overlap) // (tile - overlap))
    # Even places: some networks fold 2 x 2 pixels.
    starts = [round(k * (length - tile) / max(count - 1, 1)) // 2 * 2 for k in range(count)]
    stops = [start + tile for start in starts]
    stops[-1] = length
    before, after = [None, *stops[:-1]], [*starts[1:], None]
    ramps = [_ramp(*ends) for ends in zip(starts, stops, before, after, strict=True)]
    total = np.zeros(length)
    for start, stop, ramp in zip(starts, stops, ramps, strict=True):
        total[start:stop] += ramp
    for start, stop, ramp in zip(starts, stops, ramps, strict=True):
        yield start, stop, ramp / total[start:stop]


def _ramp(start: int, stop: int, before: int | None, after: int | None) -> Float[np.ndarray, " n"]:
    """Rises where the tile before still reaches, falls where the one after has begun."""
    places = np.arange(start, stop) + 0.5
    rises = 1.0 if before is None else np.clip((places - start) / max(before - start, 1), 0, 1)
    falls = 1.0 if after is None else np.clip((stop - places) / max(stop - after, 1), 0, 1)
    return np.minimum(rises, falls) * np.ones(stop - start)


def _grown(weights: Float[np.ndarray, " n"], scale: int) -> Float[Tensor, " m"]:
    return torch.from_numpy(np.repeat(weights, scale).astype(np.float32))
