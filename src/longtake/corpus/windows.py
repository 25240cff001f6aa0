"""Training windows: what one training step needs, computed once and read back from memory maps.

`prepare` turns the clips of a manifest into arrays (latents, latents of patch-dropped frames, speech features, regions,
identity); `Windows` draws examples from them. A frame costs about 20 KB instead of 200, and no step decodes a video.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int

from longtake.corpus.expressions import State
from longtake.corpus.states import Span, shares_of
from longtake.errors import CorpusError
from longtake.face.measure import eye_opening

INDEX = "windows.json"
PERIOD = 8
"""Segments begin at every eighth frame, so only the second half of each eight is ever corrupted as motion frames."""
CLOSED = 0.5
"""Eyes more closed than this blink."""
Corrupted = Literal["motion", "reference"]
"""What has dropped patches: the motion frames, as in the paper, or for comparison the portrait that is read."""
ARRAYS = ("latents", "dropped", "speech", "identity", "landmarks")


@dataclass(frozen=True)
class Encoders:
    """The frozen parts that `prepare` needs, as functions, so that this file knows no network."""

    encode: Callable[[np.ndarray], np.ndarray]  # uint8 (f H W 3) -> latents (f c h w)
    corrupt: (
        Callable[[np.ndarray, str], np.ndarray] | None
    )  # after patch drop, seeded by the clip's name; None: stage 1
    listen: Callable[[Path, int, float], np.ndarray]  # sound file, frames, fps -> features (f layers d)
    identify: Callable[[np.ndarray, np.ndarray], np.ndarray]  # frame (H W 3), landmarks (468 2) -> embedding (d)
    hashes: dict[str, str]  # of the weights behind these functions


@dataclass(frozen=True)
class Example:
    """One training example; `h w` is the latent grid and landmarks are in frame pixels."""

    reference: Float[np.ndarray, "c h w"]
    read: Float[np.ndarray, "c h w"]  # the same as the reference net sees it: with dropped patches if it is corrupted
    target: Float[np.ndarray, "f c h w"]
    motion: Float[
        np.ndarray, "n c h w"
    ]  # latents of frames, patch-dropped if they are corrupted; empty for single frames
    speech: Float[np.ndarray, "f window layers features"]
    identity: Float[np.ndarray, " embedding"]
    landmarks: Float[np.ndarray, "468 2"]  # of the reference frame: regions are made from these
    truth: Float[np.ndarray, "f 468 2"]  # landmarks of the targets: never a condition, only for measuring
    lids: Float[np.ndarray, " f"]  # how closed the eyes of the targets are: 0 as usual in this state, 1 shut
    states: tuple[tuple[State, Float[np.ndarray, " f"]], ...] = ()
    """States that the targets show, each with its share in each frame, which sum to 1; none: unknown, no words.

    An empty state is known: the face does what it does when no words are said.
    """
    texts: tuple[tuple[str, Float[np.ndarray, " f"]], ...] = ()  # the same in words, where somebody wrote them
    person: str = ""  # words for the person, where the corpus has some


def prepare(
    clips: Iterator[tuple[dict, np.ndarray, Path, np.ndarray]],
    frames: int,
    out: Path,
    encoders: Encoders,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write the arrays of `clips` (manifest row, frames, sound file, landmarks), `frames` frames in all, to folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    maps: dict[str, np.memmap] = {}
    rows, start = [], 0
    for row, pictures, sound, landmarks in clips:
        count = len(pictures)
        latents, leading = encoders.encode(pictures), leads(count)
        dropped = np.zeros_like(latents)
        if encoders.corrupt is not None:
            dropped[leading] = encoders.corrupt(pictures[leading], row["id"])
        values = {
            "latents": latents,
            "dropped": dropped,
            "speech": encoders.listen(sound, count, row["fps"]),
            "identity": np.repeat(encoders.identify(pictures[0], landmarks[0])[None], count, 0),
            "landmarks": landmarks,
        }
        for name, value in values.items():
            if name not in maps:
                maps[name] = np.lib.format.open_memmap(
                    out / f"{name}.npy", "w+", np.float16, (frames, *value.shape[1:])
                )
            maps[name][start : start + count] = value
        words = {name: row[name] for name in ("states", "texts", "ease", "person") if row.get(name)}
        rows.append({"id": row["id"], "split": row["split"], "start": start, "frames": count} | words)
        start += count
        progress(start, frames)
    for array in maps.values():
        array.flush()
    index = {"clips": rows, "frames": start, "fps": row["fps"], "hashes": encoders.hashes}
    (out / INDEX).write_text(json.dumps(index))


def leads(count: int) -> Int[np.ndarray, " leading"]:
    """The frames that may lead a segment, of a clip of `count` frames."""
    frames = np.arange(count)
    return frames[frames % PERIOD >= PERIOD // 2]


class Windows:
    """Examples drawn from prepared folders; which one depends on the generator alone."""

    def __init__(
        self, folders: Path | Sequence[Path], split: str = "train", speech_window: int = 5, calm: Sequence[Path] = ()
    ) -> None:
        """`calm` are folders with twins of clips (`make(calm=True)`), which show the same without an expression."""
        folders = [folders] if isinstance(folders, Path) else list(folders)
        ours, folders = len(folders), [*folders, *calm]
        indices = [json.loads((folder / INDEX).read_text()) for folder in folders]
        if any(index["hashes"] != indices[0]["hashes"] for index in indices):
            raise CorpusError(
                "The prepared folders come from different encoders.",
                expected="one autoencoder and one speech encoder behind all of them",
                do="run longtake corpus prepare again for all",
            )
        self.arrays = [{name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS} for folder in folders]
        rows = [{**row, "folder": k} for k, index in enumerate(indices) for row in index["clips"]]
        self.clips = [row for row in rows if row["split"] == split and row["folder"] < ours]
        self.calm = {row["id"]: row for row in rows if row["folder"] >= ours}
        self.speech_window = speech_window
        self._closed: dict[tuple[int, int], np.ndarray] = {}  # by folder and start of a clip, as clips are drawn
        self._blinks: dict[int, list[tuple[dict, int]]] = {}  # by length of a segment
        self._turns: dict[int, list[tuple[dict, int]]] = {}
        self.hashes = indices[0]["hashes"]

    def single(self, rng: np.random.Generator, frames: int) -> Example:
        """Stage 1: a reference and `frames` unrelated target frames of one clip, without motion frames."""
        clip = self._draw(rng)
        reference, *targets = rng.integers(0, clip["frames"], 1 + frames)
        return self.example(clip, clip, int(reference), np.array(targets), np.array([], int))

    def segment(
        self,
        rng: np.random.Generator,
        frames: int,
        motion: int,
        start_rate: float,
        blink_rate: float = 0.0,
        corrupted: Corrupted = "motion",
        turn_rate: float = 0.0,
        calm_rate: float = 0.0,
    ) -> Example:
        """Stage 2: `frames` consecutive targets after `motion` frames; at `start_rate` the video starts here instead.

        A video that starts has copies of its portrait as motion frames, and the portrait is its first frame. At `blink_rate`
        the segment is drawn among those in which somebody blinks, at `turn_rate` among those in which a new state begins.
        At `calm_rate` portrait and motion frames are those of the calm twin: all that moves from them is what is asked for.
        """
        assert motion <= PERIOD // 2, f"at most {PERIOD // 2} motion frames are prepared"
        clip = self._draw(rng)
        periods = (clip["frames"] - frames) // PERIOD
        first = PERIOD * int(rng.integers(1, periods + 1))
        blinking = self._blinking(frames) if blink_rate else []
        if blinking and rng.random() < blink_rate:
            clip, first = blinking[int(rng.integers(len(blinking)))]
        turning = self._turning(frames) if turn_rate else []
        if turning and rng.random() < turn_rate:
            clip, first = turning[int(rng.integers(len(turning)))]
        before = self.calm.get(clip["id"], clip) if calm_rate and rng.random() < calm_rate else clip
        if rng.random() < start_rate:
            first -= PERIOD // 2
            targets, motion_frames = np.arange(first, first + frames), np.full(motion, first)
            return self.example(clip, before, first, targets, motion_frames, corrupted)
        reference = int(rng.integers(0, clip["frames"]))
        if corrupted == "reference":  # only frames that may lead a segment are there with dropped patches
            leading = leads(clip["frames"])
            reference = int(leading[reference * len(leading) // clip["frames"]])
        targets, motion_frames = np.arange(first, first + frames), np.arange(first - motion, first)
        return self.example(clip, before, reference, targets, motion_frames, corrupted)

    def _blinking(self, frames: int) -> list[tuple[dict, int]]:
        """Clips and first frames of the segments with a blink in them, its closed frames at least two from the ends."""
        if frames not in self._blinks:
            found: list[tuple[dict, int]] = []
            for clip in self.clips:
                closed = self._lids(clip) > CLOSED
                starts = range(PERIOD, PERIOD * ((clip["frames"] - frames) // PERIOD) + 1, PERIOD)
                found += [(clip, first) for first in starts if closed[first + 2 : first + frames - 2].any()]
            self._blinks[frames] = found
        return self._blinks[frames]

    def _turning(self, frames: int) -> list[tuple[dict, int]]:
        """Clips and first frames of the segments in which a new state begins, in the first half or just before."""
        if frames not in self._turns:
            self._turns[frames] = [
                (clip, first)
                for clip in self.clips
                for first in range(PERIOD, PERIOD * ((clip["frames"] - frames) // PERIOD) + 1, PERIOD)
                if any(first - PERIOD < start < first + frames // 2 for start, *_ in clip.get("states", ())[1:])
            ]
        return self._turns[frames]

    def _lids(self, clip: dict) -> Float[np.ndarray, " f"]:
        """How closed the eyes are in each frame of a clip; a squint that a state asks for is not a blink."""
        key, start = (clip["folder"], clip["start"]), clip["start"]
        if key not in self._closed:
            landmarks = self.arrays[clip["folder"]]["landmarks"][start : start + clip["frames"]]
            opening = eye_opening(landmarks.astype(np.float32)).mean(-1)
            closed = 1 - opening / np.maximum(_usual(opening, _shares(clip)), 1e-6)
            self._closed[key] = np.clip(closed, 0, 1).astype(np.float32)
        return self._closed[key]

    def _draw(self, rng: np.random.Generator) -> dict:
        return self.clips[int(rng.integers(len(self.clips)))]

    def example(
        self,
        clip: dict,
        before: dict,
        reference: int,
        targets: np.ndarray,
        motion: np.ndarray,
        corrupted: Corrupted | None = None,
    ) -> Example:
        """Targets of `clip`; portrait and motion frames of `before`, which is it or its calm twin."""
        start, arrays = clip["start"], self.arrays[clip["folder"]]
        begun, theirs = before["start"], self.arrays[before["folder"]]
        read, led = ("dropped" if corrupted == name else "latents" for name in ("reference", "motion"))
        reach = np.arange(self.speech_window) - self.speech_window // 2
        heard = np.clip(targets[:, None] + reach, 0, clip["frames"] - 1)
        return Example(
            reference=theirs["latents"][begun + reference].astype(np.float32),
            read=theirs[read][begun + reference].astype(np.float32),
            target=arrays["latents"][start + targets].astype(np.float32),
            motion=theirs[led][begun + motion].astype(np.float32),
            speech=arrays["speech"][start + heard].astype(np.float32),
            identity=theirs["identity"][begun + reference].astype(np.float32),
            landmarks=theirs["landmarks"][begun + reference].astype(np.float32),
            truth=arrays["landmarks"][start + targets].astype(np.float32),
            lids=self._lids(clip)[targets],
            states=tuple((state, share[targets]) for state, share in _shares(clip) if share[targets].any()),
            texts=tuple((text, share[targets]) for text, share in _shares(clip, "texts") if share[targets].any()),
            person=clip.get("person", ""),
        )


def _shares(clip: dict, what: str = "states") -> list[tuple[Any, np.ndarray]]:
    """The states or texts of a clip, each with its share in each frame; none where they are not known."""
    spans = [Span(*span) for span in clip.get(what, ())]
    if not spans:
        return []
    shares = shares_of(spans, clip["ease"], clip["frames"]).astype(np.float32)
    return [(span.state, share) for span, share in zip(spans, shares, strict=True)]


def _usual(opening: np.ndarray, shares: list[tuple[State, np.ndarray]]) -> np.ndarray:
    """How far open the eyes usually are in each frame: the median of the clip, or of each state."""
    if not shares:
        return np.full(len(opening), np.median(opening))
    return np.sum([share * np.median(opening[share >= 0.5 * share.max()]) for _, share in shares], axis=0)
