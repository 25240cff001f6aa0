"""What the video shows of an animated frame: the square alone at another size, or the whole picture with the square in its place.

Every frame is shown by itself and alike, so a video that was stopped goes on with the same pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, UInt8

from longtake.clips import Portrait
from longtake.face.align import SIDE, aligned_square, cut_square, outline
from longtake.face.follow import Placed
from longtake.face.paste import mask_at, paste
from longtake.media.enlarge import enlarge
from longtake.settings import Settings

LARGEST = 4096
"""Pixels of the longer side of a video."""
BAND = 0.14
"""Share of the square's side over which it passes into the picture round it."""
ROOM = 1.12
"""The face moves within its outline in the portrait grown by this: chin and brows included."""
TINT_PX = 12.0
"""Colours are brought into line with the picture's over areas of this size (standard deviation), pixels of 256."""

Picture = UInt8[np.ndarray, "H W 3"]
Frame = UInt8[np.ndarray, "s s 3"]  # as animated
Enlarge = Callable[[Picture, int, int], Picture]
"""Picture, height, width -> the picture at that size."""


@dataclass(frozen=True)
class Place:
    """Where the animated square lies in the video, pixels: it may reach beyond the picture's borders."""

    x: int
    y: int
    side: int

    def inside(self, height: int, width: int) -> tuple[slice, slice, slice, slice]:
        """Rows and columns of the video that it covers, and the same as its own rows and columns."""
        y0, y1, x0, x1 = max(self.y, 0), min(self.y + self.side, height), max(self.x, 0), min(self.x + self.side, width)
        own = slice(y0 - self.y, y1 - self.y), slice(x0 - self.x, x1 - self.x)
        return slice(y0, y1), slice(x0, x1), *own


class Canvas:
    """The picture that the video shows. `show` puts an animated frame on it, `seen` reads one back."""

    def __init__(
        self,
        portrait: Portrait,
        picture: Picture | None,
        settings: Settings,
        shown: Frame | None = None,
        larger: Enlarge | None = None,
    ) -> None:
        """`picture` is the one that the portrait was cut from, `shown` the portrait as the model shows it unmoved."""
        video, side = settings.video, settings.portrait.size_px
        self.side, self.steeper = side, 0.0 if settings.enhance.what == "face" else settings.enhance.steeper
        self.face = placed_face(portrait)
        self.size = canvas_size(settings, None if picture is None else picture.shape[:2])
        self.under, self.tint = None, None
        self.place, self.share = Place(0, 0, self.size[0]), None
        if picture is None:
            return
        own = picture[: self.size[0], : self.size[1]]
        as_it_is = all(0 <= given - kept <= 1 for given, kept in zip(picture.shape, self.size, strict=False))
        self.place = place_of(portrait.square, 1.0 if as_it_is else max(self.size) / max(picture.shape[:2]))
        larger = larger or (lambda picture, height, width: enlarge(picture, height, width, self.steeper))
        self.under = own if as_it_is else larger(picture, *self.size)
        self.share = share_of(self.place, self.size, self.face if video.around == "still" else None, side)
        self.tint = None if shown is None else tint_between(shown, portrait.picture)

    @property
    def changes(self) -> bool:
        """Whether anything is shown otherwise than it was animated."""
        return self.under is not None or self.size != (self.side, self.side)

    def show(self, frame: Frame, face: UInt8[np.ndarray, "t t 3"] | None = None) -> Picture:
        """The frame as the video shows it, with its restored face if there is one."""
        if not self.changes:
            return frame
        frame = self._tinted(frame)
        large = enlarge(frame, self.place.side, self.place.side, self.steeper)
        if face is not None:
            large = large.copy() if large is frame else large
            paste(large, face, self.face, frame.shape[:2])
        return large if self.under is None else self._put_back(large)

    def face_of(self, frame: Frame) -> UInt8[np.ndarray, "t t 3"]:
        """What a network that restores faces is to see of a frame."""
        return cut_square(self._tinted(frame), self.face.square, SIDE)

    def seen(self, picture: Picture) -> Frame:
        """The animated square of a picture of the video, at the size at which it was animated."""
        import cv2

        if not self.changes:
            return picture
        if self.under is not None:
            rows, columns, own_rows, own_columns = self.place.inside(*self.size)
            cut = picture[rows, columns]
            low, high = (own_rows.start, own_columns.start), (own_rows.stop, own_columns.stop)
            beyond = (low[0], self.place.side - high[0], low[1], self.place.side - high[1])
            picture = cv2.copyMakeBorder(cut, *beyond, cv2.BORDER_REPLICATE)
        small = enlarge(picture, self.side, self.side)
        return small if self.tint is None else np.rint(small - self.tint).clip(0, 255).astype(np.uint8)

    def _tinted(self, frame: Frame) -> Frame:
        if self.tint is None:
            return frame
        return np.rint(frame + self.tint).clip(0, 255).astype(np.uint8)

    def _put_back(self, large: UInt8[np.ndarray, "n n 3"]) -> Picture:
        import cv2

        assert self.under is not None and self.share is not None
        rows, columns, own_rows, own_columns = self.place.inside(*self.size)
        whole = self.under.copy()
        there, under = np.ascontiguousarray(large[own_rows, own_columns]), np.ascontiguousarray(whole[rows, columns])
        whole[rows, columns] = cv2.blendLinear(there, under, self.share, 1 - self.share)
        return whole


def canvas_size(settings: Settings, picture: tuple[int, ...] | None) -> tuple[int, int]:
    """Height and width of the video, even: of a square, or with the aspect of `picture` (height, width)."""
    wanted = settings.video.size_px
    if picture is None:
        side = settings.portrait.size_px if wanted is None else wanted
        return side - side % 2, side - side % 2
    height, width = picture
    scale = min(wanted or LARGEST, LARGEST if wanted else max(picture)) / max(picture)
    if scale == 1:
        return max(2, height - height % 2), max(2, width - width % 2)
    return max(2, 2 * round(height * scale / 2)), max(2, 2 * round(width * scale / 2))


def placed_face(portrait: Portrait) -> Placed:
    """Where the face is in every animated frame. It is the portrait's place: one that followed the head would tremble."""
    square = aligned_square(portrait.landmarks)
    found = outline(portrait.landmarks, square)
    middle = found.mean(axis=0)
    return Placed(square, middle + ROOM * (found - middle))


def place_of(square: tuple[float, float, float], scale: float) -> Place:
    """The square of a picture, that is shown `scale` times as large, in whole pixels."""
    x, y, half = (value * scale for value in square)
    return Place(round(x - half), round(y - half), max(2, round(2 * half)))


def share_of(place: Place, size: tuple[int, int], face: Placed | None, side: int) -> Float32[np.ndarray, "h w"]:
    """How much of the square is shown at each place where it covers the picture: all of it but a soft border.

    With `face`, as it lies in a square of `side`, only that, softly. Where the picture ends there is nothing to pass into.
    """
    _, _, own_rows, own_columns = place.inside(*size)
    if face is None:
        down = _rise(place.side, place.y > 0, place.y + place.side < size[0])[own_rows]
        across = _rise(place.side, place.x > 0, place.x + place.side < size[1])[own_columns]
        return np.ascontiguousarray(np.minimum(down[:, None], across[None, :]), np.float32)
    return np.ascontiguousarray(mask_at(face, side, place.side)[own_rows, own_columns])


def tint_between(shown: Frame, wanted: Frame) -> Float[np.ndarray, "s s 3"]:
    """What has to be added to animated frames so that their colours, in large areas, are those of the picture they lie in."""
    import cv2

    sigma = TINT_PX * len(shown) / 256
    return cv2.GaussianBlur(wanted.astype(np.float32) - shown.astype(np.float32), (0, 0), sigma)


def _rise(side: int, begins: bool, ends: bool) -> Float[np.ndarray, " side"]:
    """0 to 1 and to 0 again along a side, smoothly; at an end that lies on the picture's border it stays 1."""
    places = (np.arange(side) + 0.5) / side
    near = np.minimum(places if begins else 1.0, 1 - places if ends else 1.0)
    t = np.clip(near / BAND, 0, 1) * np.ones(side)
    return t * t * (3 - 2 * t)
