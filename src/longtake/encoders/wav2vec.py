"""The published speech encoder: the 12 hidden layers of wav2vec2, one row for each frame of the video.

Three things in wav2vec2 look at the whole sound: the normalisation of the samples, the normalisation of the first
convolution's channels, and attention. The published program cuts the sound into minutes, so features jump at every minute.
Here both normalisations are those of the whole sound, exactly, by one pass that keeps a few numbers; attention sees windows
of four minutes that overlap and fade into each other: a sound of up to four minutes is one pass, and memory is constant
(about 220 MB of features, twice that where two windows meet) however long it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from longtake.encoders.speech import RATE_HZ, Read
from longtake.encoders.wav2vec_piece import Piece
from longtake.errors import WeightsMismatch, WeightsMissing, missing

if TYPE_CHECKING:
    from transformers import Wav2Vec2Model

WINDOW_S, OVERLAP_S, FADE_S = 240.0, 20.0, 10.0
"""Attention sees so much at once; neighbouring windows share so much; the middle of that is where they fade."""
PUBLISHED_PIECE_S = 60.0

Pieces = Literal["whole", "published"]


def load_wav2vec(folder: Path | str) -> Wav2Vec2Model:
    """The network in a folder with `config.json` and `model.safetensors` (or the published `pytorch_model.bin`), float32."""
    try:
        from transformers import Wav2Vec2Model
    except ImportError as error:
        raise missing("transformers", "hallo2", "The published speech encoder") from error
    folder = Path(folder)
    if not (folder / "config.json").is_file():
        raise WeightsMissing(
            f"There is no wav2vec2 in {folder}",
            expected="config.json and model.safetensors of wav2vec2-base-960h",
            do="longtake weights fetch hallo2",
        )
    try:
        with _quietly():
            model, told = Wav2Vec2Model.from_pretrained(
                str(folder), local_files_only=True, output_loading_info=True, dtype=torch.float32
            )
    except Exception as error:  # a cut file, another network, no weights: each fails in its own way
        raise _mismatch(folder, str(error).splitlines()[0] if str(error) else type(error).__name__) from error
    lacking = [name for name in told["missing_keys"] if "masked_spec_embed" not in name]  # that one is for training
    if lacking or told["mismatched_keys"]:
        raise _mismatch(folder, f"{len(lacking) or 'some'} tensors are missing or have another shape")
    return model.eval().requires_grad_(False)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without transformers' bar, and its report on the letters' head, which the file has and nobody here wants."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        logging.enable_progress_bar()


def frame_count(samples: int, fps: float) -> int:
    """How many frames a sound fills, the last perhaps in part. Exact: the published arithmetic is one too many at times."""
    return max(math.ceil(samples * Fraction(fps).limit_denominator(1001) / RATE_HZ), 1)


class Wav2VecFeatures:
    """Features of any stretch of a sound of any length, computed by windows as they are asked for.

    `fps` is the features' own rate, 25 for the published weights whatever the rate of the video.
    `pieces="published"` cuts the sound into minutes that know nothing of each other, as the published program does.
    `silence_frames` are added after the end, as zeros after the normalisation: how it fills its last clip.
    """

    def __init__(
        self,
        model: nn.Module,
        read: Read,
        seconds: float,
        fps: float = 25,
        pieces: Pieces = "whole",
        silence_frames: int = 0,
        window_s: float = WINDOW_S,
        overlap_s: float = OVERLAP_S,
        fade_s: float = FADE_S,
    ):
        assert window_s >= 2 * overlap_s >= 2 * fade_s
        self.fps = fps
        samples = round(seconds * RATE_HZ)
        length = samples if pieces == "whole" else round(PUBLISHED_PIECE_S * RATE_HZ)
        starts = range(0, max(samples, 1), max(length, 1))
        self.pieces = []
        for start in starts:
            own, after = min(length, samples - start), silence_frames if start == starts[-1] else 0
            frames = frame_count(own, fps) + after
            self.pieces.append(Piece(model, read, start, own, frames, silence=after * int(RATE_HZ / fps)))
        self.places = _windows(
            [piece.frames for piece in self.pieces], *(round(s * fps) for s in (window_s, overlap_s))
        )
        self.fade = max(round(fade_s * fps), 1)
        self.frames = sum(piece.frames for piece in self.pieces)
        self.done: dict[int, Float[Tensor, "t layers d"]] = {}

    def windows(self, first_frame: int, frames: int, fps: float, window: int) -> Float[Tensor, "f window layers d"]:
        """For each frame its feature in the middle of `window` neighbouring ones; the ends of the sound repeat.

        Video at another rate than the features' has the same features, each frame between two of them.
        """
        times = (first_frame + torch.arange(frames, dtype=torch.float64)) * self.fps / fps
        low = times.floor().long()
        share = (times - low).float()[:, None, None, None]
        rows = low[:, None] + torch.arange(window) - window // 2
        first, last = (int(rows[k, k].clamp(0, self.frames - 1)) for k in (0, -1))
        features = self.between(first, min(last + 2 if share.any() else last + 1, self.frames))

        def at(rows: Tensor) -> Tensor:
            return features[rows.clamp(0, self.frames - 1) - first]

        return torch.lerp(at(rows), at(rows + 1), share) if share.any() else at(rows)

    def between(self, first: int, stop: int) -> Float[Tensor, "f layers d"]:
        """Features of frames first..stop-1 of the sound."""
        touched, parts = {}, []
        for k, place in enumerate(self.places):
            low, high = max(first, place.shown(self.fade)[0]), min(stop, place.shown(self.fade)[1])
            if low < high:
                touched[k] = self.done[k] if k in self.done else self._compute(place)
                parts.append(
                    (low - first, high - first, place.weights(low, high, self.fade), touched[k], low - place.first)
                )
        self.done = touched  # what the next stretch may need as well
        out = torch.zeros(stop - first, *parts[0][3].shape[1:])
        for low, high, weights, features, start in parts:
            out[low:high] += weights[:, None, None] * features[start : start + high - low]
        return out

    def _compute(self, place: Place) -> Float[Tensor, "t layers d"]:
        piece = self.pieces[place.piece]
        return piece.features(place.first - place.offset, place.stop - place.offset)


@dataclass(frozen=True)
class Place:
    """Where one window of attention lies, in frames of the sound; it fades in about `rise` and out about `fall`."""

    piece: int
    offset: int  # first frame of its piece
    first: int
    stop: int
    rise: float | None  # None: nothing to fade from
    fall: float | None

    def shown(self, fade: int) -> tuple[int, int]:
        """The frames in which this window has a say."""
        first = self.first if self.rise is None else max(self.first, math.floor(self.rise - fade / 2))
        stop = self.stop if self.fall is None else min(self.stop, math.ceil(self.fall + fade / 2) + 1)
        return first, stop

    def weights(self, first: int, stop: int, fade: int) -> Float[Tensor, " f"]:
        """How much this window counts in frames first..stop-1; with its neighbours it adds up to one."""
        frames = torch.arange(first, stop, dtype=torch.float64)
        weights = torch.ones_like(frames)
        if self.rise is not None:
            weights *= ((frames - self.rise) / fade + 0.5).clamp(0, 1)
        if self.fall is not None:
            weights *= ((self.fall - frames) / fade + 0.5).clamp(0, 1)
        return weights.float()


def _windows(pieces: list[int], window: int, overlap: int) -> list[Place]:
    """The windows of all pieces in order; the last one of a piece ends with it and is as long as the others."""
    places, offset = [], 0
    for k, frames in enumerate(pieces):
        length = min(window, frames)
        starts = [min(start, frames - length) for start in range(0, max(frames - overlap, 1), window - overlap)]
        middles = [offset + (end + length + start) / 2 for end, start in pairwise(starts)]
        for start, rise, fall in zip(starts, [None, *middles], [*middles, None], strict=True):
            places.append(Place(k, offset, offset + start, offset + start + length, rise, fall))
        offset += frames
    return places


def _mismatch(folder: Path, reason: str) -> WeightsMismatch:
    return WeightsMismatch(
        f"The wav2vec2 in {folder} can't be used: {reason}",
        expected="config.json and model.safetensors of wav2vec2-base-960h",
        do="longtake weights check tells what is wrong; longtake weights fetch hallo2 fetches it again",
    )
