"""Colours of the face's pixels in one pass, and the layers put together in another (numba)."""

from __future__ import annotations

import numpy as np

from longtake.corpus.raster import kernel, sample

NOTHING, SKIN, MOUTH, EYE = 0, 1, 2, 3
OPAQUE = 0.999
DEPTH_UNITS = 2.2
"""Model units behind the lips over which the mouth's inside grows dark."""


@kernel
def shade_face(
    depth, triangle, weights, drawn, counts, box, lookup, alpha, layer, lid_skin, lid_mask, lid_tone, blink,
    eye_picture, colours, normals, lip_depth, unit, colour, cover, kind,
):  # fmt: skip
    """Write colour, cover (opacity) and kind of every pixel of `box`."""
    x0, y0, x1, y1 = box
    one = np.empty(4, np.float32)
    lid = np.empty(3, np.float32)
    faces, mouths = counts
    lid_share = min(np.float32(1), np.float32(1.6) * blink)
    for y in range(y0, y1):
        for x in range(x0, x1):
            t = triangle[y, x]
            if t < 0:
                kind[y, x] = NOTHING
                cover[y, x] = 0
                for n in range(3):
                    colour[y, x, n] = 0
                continue
            a, b = weights[y, x, 0], weights[y, x, 1]
            c = 1 - a - b
            i, j, k = drawn[t, 0], drawn[t, 1], drawn[t, 2]
            if faces <= t < faces + mouths:
                kind[y, x] = MOUTH
                cover[y, x] = 1
                nz = a * normals[i, 2] + b * normals[j, 2] + c * normals[k, 2]
                deep = min(max((depth[y, x] - lip_depth) / (unit * DEPTH_UNITS), 0), 2.2)
                light = np.exp(-0.6 * deep) * (0.62 + 0.38 * abs(nz))
                for n in range(3):
                    colour[y, x, n] = min(1.0, light * (a * colours[i, n] + b * colours[j, n] + c * colours[k, n]))
                continue
            u = a * lookup[i, 0] + b * lookup[j, 0] + c * lookup[k, 0]
            v = a * lookup[i, 1] + b * lookup[j, 1] + c * lookup[k, 1]
            if t >= faces + mouths:
                kind[y, x] = EYE
                cover[y, x] = 1
                sample(eye_picture, u, v, one)
                for n in range(3):
                    colour[y, x, n] = one[n]
                continue
            kind[y, x] = SKIN
            sample(layer, u, v, one)
            cover[y, x] = (a * alpha[i] + b * alpha[j] + c * alpha[k]) * one[3]
            share = np.float32(0)
            tone = np.float32(1)
            if lid_share > 0:
                p, q = min(max(int(u), 0), lid_mask.shape[1] - 1), min(max(int(v), 0), lid_mask.shape[0] - 1)
                share = lid_share * lid_mask[q, p]
                if share > 0:
                    sample(lid_skin, u, v, lid)
                    tone += share * (a * lid_tone[i] + b * lid_tone[j] + c * lid_tone[k])
                else:
                    lid[0] = lid[1] = lid[2] = 0
            for n in range(3):
                value = one[n]
                if share > 0:
                    value += share * (lid[n] - value)
                colour[y, x, n] = value * tone


@kernel
def compose(triangle, weights, source, triangles, layer, background, colour, cover, box, out):
    """The face over the person over the background.

    The person's layer is carried by a grid already drawn into `triangle` and `weights`; `source` is where its nodes were.
    It is looked up only where the face does not hide it.
    """
    x0, y0, x1, y1 = box
    found = np.empty(4, np.float32)
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            over = cover[y, x] if x0 <= x < x1 and y0 <= y < y1 else np.float32(0)
            if over > OPAQUE:
                for n in range(3):
                    out[y, x, n] = colour[y, x, n]
                continue
            u, v = np.float32(x + 0.5), np.float32(y + 0.5)
            t = triangle[y, x]
            if t >= 0:
                a, b = weights[y, x, 0], weights[y, x, 1]
                c = 1 - a - b
                i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                u = a * source[i, 0] + b * source[j, 0] + c * source[k, 0]
                v = a * source[i, 1] + b * source[j, 1] + c * source[k, 1]
            sample(layer, u, v, found)
            for n in range(3):
                value = background[y, x, n] + found[3] * (found[n] - background[y, x, n])
                if over > 0:
                    value += over * (colour[y, x, n] - value)
                out[y, x, n] = value
