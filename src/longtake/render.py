"""From segments to a file on the disk: each is written and recorded before the next one is made."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Protocol

from longtake.clips import Chunk, Segment, Tail
from longtake.journal.journal import Journal
from longtake.media.video import VideoWriter
from longtake.pace import Pace, Tell
from longtake.prompts import Track


class Loop(Protocol):
    """What makes segments: afterwards `tail` is all that the next one needs."""

    tail: Tail | None


def render(
    made: Iterable[Segment],
    loop: Loop,
    writer: VideoWriter,
    journal: Journal,
    step: int,
    track: Track,
    progress: Tell | None,
) -> None:
    """Writes and records the segments that come out of the loop, `step` frames each; `track` says what was asked for."""
    fps = writer.settings.fps
    pace, started = Pace(journal.plan["frames"], fps, step), time.monotonic()
    for segment in made:
        piece = writer.write(segment.frames)
        assert loop.tail is not None
        journal.add(segment, loop.tail, piece, time.monotonic() - started)
        started = time.monotonic()
        if progress:
            chunk = Chunk(segment.frames, segment.first_frame, fps, segment.notes)
            progress(pace.tell(chunk, track.text(segment.first_frame + len(segment.frames) - 1)))
