"""One minute of speech: what the last five seconds have lost against the first five."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Float, UInt8

from longtake.clips import Portrait
from longtake.evaluate.cases import Case, read_speech
from longtake.evaluate.face import background_psnr_db, drift, measure_face
from longtake.evaluate.playing import Player, play_chunks
from longtake.evaluate.rows import BARS
from longtake.face.appearance import background_mask

MINUTE_S = 60.0
WINDOW_S = 5.0


@dataclass(frozen=True)
class Lost:
    """How a long video drifts: change of identity distance, ratio of sharpness, fall of the background's PSNR in dB."""

    identity: float
    sharpness: float
    background_psnr_drop_db: float
    faces_found: float

    @property
    def worst(self) -> float:
        """The largest of the three in shares of its bar; 1 is just allowed, less is better."""
        high = BARS["drift_sharpness"].high or 1.25
        shares = [
            abs(self.identity) / (BARS["drift_identity"].high or 1),
            abs(np.log(max(self.sharpness, 1e-6))) / np.log(high),
            max(self.background_psnr_drop_db, 0.0) / (BARS["background_psnr_drop_db"].high or 1),
        ]
        return float(np.nanmax(shares)) if np.isfinite(self.identity) else float("inf")

    def json(self) -> dict[str, float]:
        """The numbers, and the worst share, for a file."""
        return {name: round(float(value), 4) for name, value in {**asdict(self), "worst": self.worst}.items()}


def minute_of_speech(cases: Sequence[Case], seconds: float = MINUTE_S) -> Float[np.ndarray, " samples"]:
    """The speech of the clips joined, and begun again if need be, up to a length."""
    parts, samples, wanted = [], 0, round(seconds * 16_000)
    while samples < wanted:
        for case in cases:
            parts.append(read_speech(case.speech))
            samples += len(parts[-1])
    return np.concatenate(parts)[:wanted]


def play_minute(
    player: Player, portrait: Portrait, samples: Float[np.ndarray, " samples"], fps: int, window_s: float = WINDOW_S
) -> Lost:
    """What a long video loses; only its first and last seconds are ever in memory."""
    first, last = ends(play_chunks(player, portrait, samples), round(window_s * fps))
    return lost(first, last, portrait, fps)


def ends(
    chunks: Iterable[UInt8[np.ndarray, "f H W 3"]], count: int
) -> tuple[UInt8[np.ndarray, "n H W 3"], UInt8[np.ndarray, "n H W 3"]]:
    """The first and the last `count` frames of a stream."""
    first: list[np.ndarray] = []
    last: deque[np.ndarray] = deque(maxlen=count)
    for chunk in chunks:
        first += list(chunk[: max(count - len(first), 0)].copy())
        last.extend(frame.copy() for frame in chunk)
    return np.stack(first), np.stack(list(last))


def lost(
    first: UInt8[np.ndarray, "n H W 3"], last: UInt8[np.ndarray, "n H W 3"], portrait: Portrait, fps: float
) -> Lost:
    """The drift from the first frames to the last."""
    both = np.concatenate([first, last])
    curves = measure_face(both, fps, identity_every=5)
    behind = background_psnr_db(both, portrait.picture, background_mask(portrait.picture))
    change = drift(curves, behind, portrait.identity, window_s=len(first) / fps)
    return Lost(change.identity, change.sharpness, change.background_psnr_db, curves.found_share)
