"""What longtake sees in a portrait: the square it animates, with landmarks and the lip and face regions drawn in."""

import sys

import numpy as np
from PIL import Image

from longtake.prepare import prepare_portrait

source, out = sys.argv[1:3] if len(sys.argv) > 2 else ("portrait.png", "seen.png")
portrait = prepare_portrait(source)
for warning in portrait.warnings:
    print(warning)
picture = portrait.picture.astype(np.float32)
side = len(picture)
for channel, region in ((0, portrait.regions.lip[0]), (1, portrait.regions.face[0])):
    mask = Image.fromarray((np.clip(region, 0, 1) * 255).astype(np.uint8)).resize((side, side))
    picture[..., channel] += 0.25 * np.asarray(mask, np.float32)
for x, y, _ in portrait.landmarks:
    picture[int(np.clip(y, 0, side - 1)), int(np.clip(x, 0, side - 1))] = 255
Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(out)
print(f"{out}: square of half {portrait.square[2]:.0f} px round ({portrait.square[0]:.0f}, {portrait.square[1]:.0f})")
