"""Triangles to pixels: a depth buffer, and the fused loops that colour what it holds (numba).

Screen frame: x right, y down, z away from the viewer (smaller is nearer), in pixels;
pixel (i, j) has its centre at (i + 0.5, j + 0.5).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from jaxtyping import Float32, Int32

FAR = np.float32(1e30)
INSIDE = -1e-6
"""Barycentric weights down to this count as inside, so that shared edges leave no gaps."""


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function compiled; what the shape checker of the test run has wrapped around it comes off first."""
    fast = {"nsz", "arcp", "contract", "reassoc"}  # no assumption about infinities or NaN
    return numba.njit(cache=True, fastmath=fast, nogil=True)(inspect.unwrap(function))


class Buffer:
    """What the rasteriser found at each pixel: depth, triangle (-1 = none) and its first two barycentric weights."""

    def __init__(self, height: int, width: int) -> None:
        self.depth = np.empty((height, width), np.float32)
        self.triangle = np.empty((height, width), np.int32)
        self.weights = np.empty((height, width, 2), np.float32)

    def draw(
        self,
        points: Float32[np.ndarray, "v 3"],
        triangles: Int32[np.ndarray, "m 3"],
        box: tuple[int, int, int, int] | None = None,
    ) -> Buffer:
        """This buffer with the nearest triangle at each pixel of `box` (x0, y0, x1, y1; all by default)."""
        height, width = self.depth.shape
        box = box or (0, 0, width, height)
        return self.clear(box).add(points, triangles, (0, len(triangles)), box)

    def clear(self, box: tuple[int, int, int, int]) -> Buffer:
        """This buffer with nothing in `box`."""
        x0, y0, x1, y1 = box
        self.depth[y0:y1, x0:x1] = FAR
        self.triangle[y0:y1, x0:x1] = -1
        return self

    def add(
        self,
        points: Float32[np.ndarray, "v 3"],
        triangles: Int32[np.ndarray, "m 3"],
        part: tuple[int, int],
        box: tuple[int, int, int, int],
    ) -> Buffer:
        """This buffer with the triangles of `part` (first, last + 1) drawn into `box` where they are nearer."""
        _draw(points, triangles, part, box, self.depth, self.triangle, self.weights)
        return self

    def gather(
        self, values: Float32[np.ndarray, "v k"], triangles: Int32[np.ndarray, "m 3"]
    ) -> Float32[np.ndarray, "H W k"]:
        """Vertex values interpolated at every pixel; zero where there is no triangle."""
        out = np.zeros((*self.triangle.shape, values.shape[1]), np.float32)
        _gather(np.ascontiguousarray(values, np.float32), triangles, self.triangle, self.weights, out)
        return out


@kernel
def _draw(points, triangles, part, box, depth, triangle, weights):
    x_min, y_min, x_max, y_max = box
    for t in range(part[0], part[1]):
        p, q, r = points[triangles[t, 0]], points[triangles[t, 1]], points[triangles[t, 2]]
        low_x, high_x = min(p[0], q[0], r[0]), max(p[0], q[0], r[0])
        low_y, high_y = min(p[1], q[1], r[1]), max(p[1], q[1], r[1])
        if high_x < x_min or high_y < y_min or low_x > x_max or low_y > y_max:
            continue
        left, right = max(x_min, int(np.ceil(low_x - 0.5))), min(x_max - 1, int(np.floor(high_x - 0.5)))
        top, bottom = max(y_min, int(np.ceil(low_y - 0.5))), min(y_max - 1, int(np.floor(high_y - 0.5)))
        if left > right or top > bottom:
            continue
        area = (q[1] - r[1]) * (p[0] - r[0]) + (r[0] - q[0]) * (p[1] - r[1])
        if area == 0.0:
            continue
        inverse = 1.0 / area
        ax, ay = (q[1] - r[1]) * inverse, (r[0] - q[0]) * inverse
        bx, by = (r[1] - p[1]) * inverse, (p[0] - r[0]) * inverse
        for y in range(top, bottom + 1):
            dy = y + 0.5 - r[1]
            for x in range(left, right + 1):
                dx = x + 0.5 - r[0]
                a = ax * dx + ay * dy
                b = bx * dx + by * dy
                c = 1.0 - a - b
                if a < INSIDE or b < INSIDE or c < INSIDE:
                    continue
                z = a * p[2] + b * q[2] + c * r[2]
                if z < depth[y, x]:
                    depth[y, x] = z
                    triangle[y, x] = t
                    weights[y, x, 0] = a
                    weights[y, x, 1] = b


@kernel
def _gather(values, triangles, triangle, weights, out):
    for y in range(triangle.shape[0]):
        for x in range(triangle.shape[1]):
            t = triangle[y, x]
            if t >= 0:
                a, b = weights[y, x, 0], weights[y, x, 1]
                i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                for n in range(values.shape[1]):
                    out[y, x, n] = a * values[i, n] + b * values[j, n] + (1 - a - b) * values[k, n]


@kernel
def sample(picture, x, y, out):
    """Colour of `picture` at a continuous position, bilinear, the border repeated, written to `out`."""
    height, width = picture.shape[0], picture.shape[1]
    u = min(max(x - np.float32(0.5), np.float32(0)), np.float32(width - 1.001))
    v = min(max(y - np.float32(0.5), np.float32(0)), np.float32(height - 1.001))
    i, j = int(u), int(v)
    s, t = u - i, v - j
    for n in range(picture.shape[2]):
        top = picture[j, i, n] * (1 - s) + picture[j, i + 1, n] * s
        low = picture[j + 1, i, n] * (1 - s) + picture[j + 1, i + 1, n] * s
        out[n] = top * (1 - t) + low * t


@kernel
def vertex_normals(points, triangles):
    """Unit normals of the vertices, weighted by the areas of their triangles."""
    normals = np.zeros_like(points)
    for t in range(triangles.shape[0]):
        p, q, r = points[triangles[t, 0]], points[triangles[t, 1]], points[triangles[t, 2]]
        ux, uy, uz = q[0] - p[0], q[1] - p[1], q[2] - p[2]
        vx, vy, vz = r[0] - p[0], r[1] - p[1], r[2] - p[2]
        x, y, z = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for n in range(3):
            i = triangles[t, n]
            normals[i, 0] += x
            normals[i, 1] += y
            normals[i, 2] += z
    for i in range(normals.shape[0]):
        length = np.sqrt(normals[i, 0] ** 2 + normals[i, 1] ** 2 + normals[i, 2] ** 2) + np.float32(1e-9)
        for n in range(3):
            normals[i, n] /= length
    return normals
