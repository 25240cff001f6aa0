"""Work in pieces that any number of processes share: a finished piece is a file, so that a stopped sitting loses one piece."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Piece:
    """One piece of work: what it is called, what must be finished before, and what makes its result (a small JSON value)."""

    name: str
    needs: tuple[str, ...]
    do: Callable[[], Any]


def plan_of(folder: Path, first: dict[str, Any] | None = None) -> dict[str, Any]:
    """What a working folder was begun with; `first` is written there when there is nothing yet."""
    path = folder / "plan.json"
    if not path.exists():
        if first is None:
            raise SystemExit(f"{folder} was never begun: it has no plan.json. Do `work` first.")
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as place, suppress(FileExistsError):
            whole = Path(place) / "plan"
            whole.write_text(json.dumps(first, indent=1))
            os.link(whole, path)  # of several that begin at once the first one's plan stays, and no one sees half of it
    return json.loads(path.read_text())


def expect_same(folder: Path, planned: str, now: str, what: str) -> None:
    """Refuses to mix results: stops if the folder was begun with other weights."""
    if planned != now:
        raise SystemExit(f"{folder} was begun with other {what}: {planned}, and these are {now}. Begin a new folder.")


def result_path(folder: Path, name: str) -> Path:
    """Where the result of a piece is."""
    return folder / "done" / f"{name}.json"


def read_result(folder: Path, name: str) -> Any | None:
    """The result of a piece; None if it is not finished."""
    path = result_path(folder, name)
    return json.loads(path.read_text()) if path.exists() else None


def work(folder: Path, pieces: Sequence[Piece], until: float | None = None, wait_s: float = 5.0) -> None:
    """Do pieces in their order until all are finished, or none is begun after the time `until` (seconds of the epoch)."""
    (folder / "done").mkdir(parents=True, exist_ok=True)
    while missing := [piece for piece in pieces if not result_path(folder, piece.name).exists()]:
        if until is not None and time.time() >= until:
            print(f"time is up, {len(missing)} of {len(pieces)} pieces are left", flush=True)
            return
        if not _do_one(folder, missing):
            time.sleep(wait_s)  # what is left waits for what others do


def _do_one(folder: Path, missing: Sequence[Piece]) -> bool:
    """Whether a piece was done: the first that is ready and that nobody else does."""
    for piece in missing:
        if all(result_path(folder, name).exists() for name in piece.needs):
            with claim(folder, piece.name) as mine:
                if mine and not result_path(folder, piece.name).exists():
                    _do(folder, piece)
                    return True
    return False


def _do(folder: Path, piece: Piece) -> None:
    print(f"{time.strftime('%H:%M:%S')} {piece.name}", flush=True)
    began = time.perf_counter()
    result = piece.do()
    path = result_path(folder, piece.name)
    part = path.with_suffix(".part")
    part.write_text(json.dumps({"seconds": round(time.perf_counter() - began, 1), **(result or {})}))
    part.replace(path)


def clock(text: str) -> float:
    """Seconds of the epoch at that time today."""
    hours, minutes = map(int, text.split(":"))
    now = time.time()
    return now - now % 86400 + 3600 * hours + 60 * minutes


@contextmanager
def claim(folder: Path, name: str) -> Iterator[bool]:
    """Whether this process may do the piece: nobody else who is alive does it."""
    path = folder / "done" / f"{name}.claim"
    mine = _take(path)
    try:
        yield mine
    finally:
        if mine:
            path.unlink(missing_ok=True)


def _take(path: Path) -> bool:
    try:
        with open(path, "x") as file:
            file.write(str(os.getpid()))
        return True
    except FileExistsError:
        holder = path.read_text() if path.exists() else ""
        if not holder or _alive(int(holder)):
            return False
        path.unlink(missing_ok=True)
        return _take(path)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
