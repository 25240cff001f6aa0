"""A stretch of a finished video made anew: from a segment's first frame to another's, the rest untouched.

The last frames before the stretch guide its first segment, read back from the video itself; its last frames fade into the old
ones. Every segment begins with a key frame, so packets before and after are copied bit for bit, and so is the sound.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

from longtake.clips import Cue, Prompts, Tail
from longtake.enlarging import Outgoing, Picture
from longtake.errors import InputError
from longtake.expressing import merged
from longtake.fade import mix, shares
from longtake.media.pixels import as_pictures
from longtake.media.video import VideoFacts, VideoWriter, frames_between, video_facts
from longtake.media.writer import FAST_START, flush_to_disk
from longtake.prompts import Mix, Track, from_plain
from longtake.segments import SEGMENT_FRAMES
from longtake.settings import Settings
from longtake.times import clock

FADE = 8  # frames over which the new stretch becomes the old video again


@dataclass(frozen=True)
class Span:
    """Frames `first` up to `stop` of a finished video: whole segments, but for the video's end."""

    video: Path
    facts: VideoFacts
    first: int
    stop: int

    @property
    def made_by(self) -> dict[str, Any]:
        """What the video says about its making."""
        return self.facts.made_by or {}

    def note(self, made_by: dict[str, Any]) -> dict[str, Any]:
        """What the video will say about the stretch."""
        told = {name: made_by[name] for name in ("seed", "settings")}
        return {"frames": [self.first, self.stop], **told, "prompts": made_by.get("prompts", {})}

    def settings(self) -> Settings:
        """The settings that the video was made with; what is changed is laid over them."""
        return Settings.checked(self.made_by["settings"])

    def prompts(self) -> Prompts:
        """The prompts that the beginning of the stretch was made with last."""
        return Asked(self.made_by, self.facts.fps).own(self.first)

    def expect_size(self, size: tuple[int, int]) -> None:
        """Raises InputError if the video has another size (height, width)."""
        if size != (self.facts.height, self.facts.width):
            there = f"'{self.video}' has {self.facts.width} x {self.facts.height} pixels"
            raise InputError(
                f"{there}; what is asked for has {size[1]} x {size[0]}.",
                do="leave out --size and --framing, or make the whole video anew",
            )

    def tail(self, count: int, seen: Callable[[Picture], Picture] = lambda picture: picture) -> Tail | None:
        """The `count` frames before the stretch, as the loop wants them; None at the beginning of the video.

        `seen` gives the animated square of a picture of the video.
        """
        if self.first == 0:
            return None
        frames = np.stack([seen(picture) for picture in frames_between(self.video, self.first - count, self.first)])
        return Tail(as_pictures(frames).numpy(), self.first // SEGMENT_FRAMES, self.first)

    def faded(self, ready: Outgoing) -> Iterator[Picture]:
        """The pictures that are ready, the last ones of the stretch fading into those of the old video."""
        begin = self.stop - (min(FADE, self.stop - self.first) if self.stop < self.facts.frames else 0)
        old = frames_between(self.video, max(begin, ready.first_frame), ready.stop)
        share = shares(self.stop - begin)
        for place, picture in enumerate(ready.pictures, ready.first_frame):
            yield picture if place < begin else _mixed(picture, next(old), share[place - begin : place - begin + 1])


def _mixed(picture: Picture, other: Picture, share: np.ndarray) -> Picture:
    """So much of the other in the picture, in strips: a large one would take much memory at once."""
    strips = range(0, len(picture), 256)
    return np.concatenate([mix(picture[None, y : y + 256], other[None, y : y + 256], share)[0] for y in strips])


def find_span(video: str | Path, start_s: float, stop_s: float) -> Span:
    """The segments of a finished video that the time from `start_s` to `stop_s` touches."""
    video = Path(video)
    facts = video_facts(video)
    made_by = facts.made_by or {}
    if "settings" not in made_by or made_by["settings"].get("video") is None:
        raise InputError(
            f"'{video}' does not say how it was made.", expected="a video that longtake wrote and nobody edited"
        )
    if made_by["settings"].get("sampling", {}).get("strategy") == "parallel":
        raise InputError(f"'{video}' was made by the parallel strategy, whose segments overlap.", do="make it anew")
    stop_s = min(stop_s, facts.seconds)
    if not 0 <= start_s < stop_s:
        raise InputError(
            f"There is nothing from {clock(start_s)} to {clock(stop_s)} in '{video}', which lasts {clock(facts.seconds)}.",
            expected="--from before --to, both inside the video",
        )
    first = int(start_s * facts.fps) // SEGMENT_FRAMES * SEGMENT_FRAMES
    stop = -int(-stop_s * facts.fps // SEGMENT_FRAMES) * SEGMENT_FRAMES
    return Span(video, facts, first, min(stop, facts.frames))


def changed_span(
    video: str | Path,
    prompts: Prompts,
    stop_s: float = math.inf,
    suggested: Sequence[Cue] = (),
    auto_expression: bool = False,
) -> Span:
    """The segments of a finished video, up to `stop_s`, of which these prompts say something else than those it was made with.

    What the speech suggests counts where the video was made with it, and, with `auto_expression`, will be made with it.
    """
    whole = find_span(video, 0.0, math.inf)
    fps = whole.facts.fps
    told = Asked(whole.made_by, fps, suggested)
    now = Track(merged(prompts, suggested if auto_expression else (), fps), fps)
    changed = [frame for frame in range(whole.facts.frames) if told.at(frame) != now.at(frame)]
    if not changed:
        raise InputError(
            f"'{video}' was made with these prompts.", do="change one, or say from when on with --from TIME"
        )
    # The fade into the old video begins after the last change.
    return find_span(video, changed[0] / fps, min(stop_s, (changed[-1] + 1 + FADE) / fps))


class Asked:
    """What each frame of a finished video was asked to be, stretches made anew included."""

    def __init__(self, made_by: dict[str, Any], fps: float, suggested: Sequence[Cue] = ()) -> None:
        again = [note for note in made_by.get("again", []) if "prompts" in note]
        self.makings = [(note["frames"], _Making(note, suggested, fps)) for note in reversed(again)]
        self.whole = _Making(made_by, suggested, fps)

    def at(self, frame: int) -> Mix:
        """What was said of one frame when it was made last."""
        return self._making(frame).track.at(frame)

    def own(self, frame: int) -> Prompts:
        """The prompts that a frame was made with last, without what the speech suggested."""
        return self._making(frame).prompts

    def _making(self, frame: int) -> _Making:
        return next((making for (first, stop), making in self.makings if first <= frame < stop), self.whole)


class _Making:
    """What frames that were made together were told."""

    def __init__(self, told: dict[str, Any], suggested: Sequence[Cue], fps: float) -> None:
        self.prompts = from_plain(told.get("prompts", {}))
        wanted = told.get("settings", {}).get("performance", {}).get("auto_expression", False)
        self.track = Track(merged(self.prompts, suggested if wanted else (), fps), fps)


class SpanWriter(VideoWriter):
    """Writes the new stretch, and at the end the old video with the stretch in its place."""

    def __init__(self, span: Span, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, overwrite=True, **options)
        self.span = span

    def _write_whole(self, target: Path) -> None:
        with (
            av.open(str(self.span.video)) as old,
            av.open(str(self.part)) as fresh,
            av.open(str(target), "w", format="mp4", options=FAST_START) as new,
        ):
            if old.streams.video[0].codec_context.extradata != fresh.streams.video[0].codec_context.extradata:
                raise InputError(
                    f"'{self.span.video}' was encoded by another H.264 encoder; new pictures can't be put into it.",
                    do="make the whole video anew",
                )
            new.metadata["comment"] = self.comment
            twins = {s.index: new.add_stream_from_template(s) for s in (*old.streams.video, *old.streams.audio)}
            pictures, frame = fresh.demux(fresh.streams.video[0]), 0
            for packet in old.demux():
                if packet.dts is None:
                    continue
                chosen: av.Packet = packet
                if packet.stream.type == "video":
                    if self.span.first <= frame < self.span.stop:
                        chosen = next(pictures)
                        chosen.pts, chosen.dts, chosen.time_base = packet.pts, packet.dts, packet.time_base
                    frame += 1
                chosen.stream = twins[packet.stream.index]
                new.mux(chosen)
        flush_to_disk(target)
