"""Ways to spoil a picture as cameras, networks and codecs do: blurred, made smaller, grainy, compressed (paper 3.2).

What is done to a clip is drawn once and the same for all its frames; the published code draws it for each frame anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8
from pydantic import Field

from longtake.train.recipe import Part

Picture = UInt8[np.ndarray, "H W 3"]
KERNEL_SIGMAS = 3


class Ranges(Part):
    """From where to where the chain is drawn; pixels are those of a face's square of 512."""

    blur: tuple[float, float] = Field(default=(0.2, 3.0), description="sigma of the blur, pixels")
    down: tuple[float, float] = Field(default=(1.0, 4.0), description="how many times smaller")
    noise: tuple[float, float] = Field(default=(0.0, 8.0), description="standard deviation of the noise, of 255")
    jpeg: tuple[float, float] = Field(default=(50.0, 95.0), description="quality of the compression")
    grain: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="share of the clips whose noise is a new pattern in each frame, as a sensor's",
    )


@dataclass(frozen=True)
class Degradation:
    """What is done to every frame of one clip."""

    blur: tuple[float, float]  # sigma along and across
    angle: float
    down: float
    enlarge: int  # how it is made smaller and large again, an OpenCV number
    noise: float
    jpeg: int
    seed: int  # of the noise
    grain: bool  # whether the noise is new in each frame


ENLARGING = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)


def draw(rng: np.random.Generator, ranges: Ranges) -> Degradation:
    """One degradation: a blur that is round half the time, sizes evenly over factors, the rest evenly."""
    along = rng.uniform(*ranges.blur)
    across = along if rng.random() < 0.5 else rng.uniform(*ranges.blur)
    return Degradation(
        blur=(float(along), float(across)),
        angle=float(rng.uniform(0, np.pi)),
        down=float(np.exp(rng.uniform(*np.log(ranges.down)))),
        enlarge=int(rng.choice(ENLARGING)),
        noise=float(rng.uniform(*ranges.noise)),
        jpeg=round(rng.uniform(*ranges.jpeg)),
        seed=int(rng.integers(2**31)),
        grain=bool(rng.random() < ranges.grain),
    )


def degrade(picture: Picture, how: Degradation, frame: int = 0) -> Picture:
    """The picture spoiled and brought back to its size; `frame` matters for noise that is new in each frame alone."""
    small = worsen(picture, how, frame)
    return cv2.resize(small, (picture.shape[1], picture.shape[0]), interpolation=how.enlarge)


def worsen(picture: Picture, how: Degradation, frame: int = 0) -> UInt8[np.ndarray, "h w 3"]:
    """The picture spoiled, as small as the chain makes it."""
    height, width = picture.shape[:2]
    blurred = cv2.filter2D(picture, -1, blur_kernel(how), borderType=cv2.BORDER_REPLICATE)
    size = (max(8, round(width / how.down)), max(8, round(height / how.down)))
    small = cv2.resize(blurred, size, interpolation=cv2.INTER_AREA)
    return compress(add_noise(small, how, frame), how.jpeg)


def touch(picture: Picture, how: Degradation, frame: int = 0) -> Picture:
    """The end of the chain alone, for pictures that are bad already: noise, half as much, and compression."""
    return compress(add_noise(picture, how, frame, 0.5), how.jpeg)


def blur_kernel(how: Degradation) -> Float32[np.ndarray, "k k"]:
    """The blur as a kernel with the sum 1."""
    half = int(np.ceil(KERNEL_SIGMAS * max(how.blur)))
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    along = (x * np.cos(how.angle) + y * np.sin(how.angle)) / max(how.blur[0], 0.05)
    across = (y * np.cos(how.angle) - x * np.sin(how.angle)) / max(how.blur[1], 0.05)
    kernel = np.exp(-(along**2 + across**2) / 2)
    return (kernel / kernel.sum()).astype(np.float32)


def add_noise(picture: Picture, how: Degradation, frame: int, share: float = 1.0) -> Picture:
    """The picture with noise; frames of one clip have the same pattern unless it is grain."""
    rng = np.random.default_rng([how.seed, frame if how.grain else 0])
    noise = rng.standard_normal(picture.shape, dtype=np.float32) * np.float32(share * how.noise)
    return np.clip(picture + noise + 0.5, 0, 255).astype(np.uint8)


def compress(picture: Picture, quality: int) -> Picture:
    """The picture through JPEG."""
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality])
    back = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert back is not None
    return np.ascontiguousarray(back[..., ::-1])
