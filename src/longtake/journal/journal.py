"""The journal of a run: the folder `talk.mp4.longtake` beside the video.

    run.json        what the run is: inputs, settings, weights
    video.mp4       the video so far; it plays
    records.jsonl   a line for each segment: where the video ends after it, checksums, what was measured
    tail-0, tail-1  the tails of the last two segments, so that one torn write costs one segment

A segment counts once its line is whole; its piece of the video and its tail were on the disk before. So a kill at any moment
loses the segment under way and nothing else. Beyond the video the folder holds two tails and grows by some 40 kB a minute.
"""

from __future__ import annotations

import os
import shutil
import zlib
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from longtake.clips import Segment, Tail
from longtake.errors import JournalBusy, JournalDamaged
from longtake.journal.files import append_line
from longtake.journal.plan import Plan, expect_same, made_by, read_plan, write_plan
from longtake.journal.records import RECORDS, Record, read_records
from longtake.journal.tails import load_tail, remove_tails, save_tail
from longtake.media.video import video_facts
from longtake.media.writer import refuse


def journal_folder(out: str | Path) -> Path:
    """Where the journal of a video lies."""
    return Path(f"{out}.longtake")


class Journal:
    """An open journal, locked against other runs. `tail`, `frames` and `size` say where to go on."""

    def __init__(self, out: str | Path, plan: Plan, restart: bool = False) -> None:
        self.out, self.plan = Path(out), plan
        self.folder = journal_folder(out)
        self.video = self.folder / "video.mp4"
        self.last: Record | None = None  # the others stay on the disk: a run of hours has many
        self.tail: Tail | None = None
        try:
            self.folder.mkdir(exist_ok=True)
            self._lock = self._take_lock()
        except OSError as error:
            refuse(self.out, error)
        try:
            self._open(restart)
        except BaseException as error:
            self._lock.release()  # whoever catches this may try again at once, with `restart`
            if isinstance(error, OSError):
                refuse(self.out, error)
            raise

    @property
    def frames(self) -> int:
        """The place in the video up to which frames are on the disk."""
        return self.last.frames if self.last else self.plan.get("first_frame", 0)

    @property
    def size(self) -> int:
        """Bytes of `video` that count; what lies behind them was never finished."""
        return self.last.bytes if self.last else 0

    @property
    def complete(self) -> bool:
        """Whether every frame is there and only the finished file is missing."""
        return self.frames == self.plan["frames"]

    @property
    def published(self) -> bool:
        """Whether a run that was killed at the very end had put the video in its place already."""
        if not self.complete or not self.out.exists():
            return False
        facts = video_facts(self.out)
        said = facts.made_by or {}
        if "again" in self.plan:  # a stretch of the video
            return self.plan["again"] in said.get("again", [])
        return facts.frames == self.frames and made_by(self.plan).items() <= said.items()

    def add(self, segment: Segment, tail: Tail, piece: bytes, seconds: float, frames: int | None = None) -> Record:
        """Records a segment whose piece has been written to `video`, which then has `frames`: else those of the segment."""
        try:
            # Segments that gave nothing to write have no record; the records are counted on all the same.
            number = self.last.segment + 1 if self.last else segment.index
            tail_crc = save_tail(self.folder, number, tail)
            record = Record(
                segment=number,
                frames=segment.first_frame + len(segment.frames) if frames is None else frames,
                bytes=self.size + len(piece),
                crc=zlib.crc32(piece),
                tail_crc=tail_crc,
                seconds=round(seconds, 3),
                notes=dict(segment.notes),
            )
            self._lines = append_line(self.folder / RECORDS, record.line(), self._lines)
        except OSError as error:
            refuse(self.out, error, self.video)
        self.last, self.tail = record, tail
        return record

    def finish(self, keep: bool = False) -> None:
        """Removes the folder, or with `keep` all but the plan and the records: the video is in its place."""
        if not keep:
            self._lock.release()
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        write_plan(self.folder, self.plan | {"finished": True})
        remove_tails(self.folder)
        self.video.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()
        if self.folder.exists() and self.last is None and not read_records(self.folder):
            shutil.rmtree(self.folder, ignore_errors=True)  # nothing was made, nothing is left

    def _take_lock(self) -> FileLock:
        lock, holder = FileLock(self.folder / "lock", timeout=0), self.folder / "pid"
        try:
            lock.acquire()
        except Timeout as busy:
            pid = holder.read_text().strip() if holder.exists() else "unknown"
            raise JournalBusy(
                f"Another run is making '{self.out}' (process {pid}).", do="wait for it, or choose another name with -o"
            ) from busy
        holder.write_text(f"{os.getpid()}\n")
        return lock

    def _open(self, restart: bool) -> None:
        """Goes on with what lies there if it is a run of this plan, else begins."""
        old = None if restart else read_plan(self.folder)
        if old is None or old.get("finished") or not read_records(self.folder):
            self._begin()
        else:
            expect_same(old, self.plan, self.folder)
            self._take_up()

    def _begin(self) -> None:
        """An empty journal of this plan."""
        for name in (RECORDS, self.video.name):
            (self.folder / name).unlink(missing_ok=True)
        remove_tails(self.folder)
        write_plan(self.folder, self.plan)
        self._lines = 0

    def _take_up(self) -> None:
        """The records up to the last one that can be believed: at most one is given up."""
        records = read_records(self.folder)
        if records and records[-1].frames == self.plan["frames"] and not self.video.exists():
            self.last = records[-1]
            if self.published:
                return
        for kept in (records, records[:-1]):
            tail = load_tail(self.folder, kept[-1].segment, kept[-1].tail_crc) if kept else None
            if not kept or (tail is not None and self._pieces_are_right(kept)):
                self.last, self.tail = kept[-1] if kept else None, tail
                self._lines = sum(len(record.line()) for record in kept)
                return
        raise JournalDamaged(
            f"The unfinished video in '{self.folder}' can't be gone on with: its files are not as they were written.",
            expected=f"video.mp4 with {records[-1].bytes} bytes and the tails of the last two segments",
            do="put them back if they were moved, or start again with --restart",
        )

    def _pieces_are_right(self, records: list[Record]) -> bool:
        """Whether `video` still holds what was recorded."""
        if not self.video.exists() or self.video.stat().st_size < records[-1].bytes:
            return False
        place = 0
        with open(self.video, "rb") as file:
            for record in records:
                if zlib.crc32(file.read(record.bytes - place)) != record.crc:
                    return False
                place = record.bytes
        return True
