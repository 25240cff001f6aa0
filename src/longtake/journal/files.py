"""Small files that are either whole or not there."""

from __future__ import annotations

import os
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Writes the file in one step: after a kill it holds the old content or the new, never a part."""
    fresh = path.with_name(f"{path.name}.new")
    with open(fresh, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def append_line(path: Path, line: bytes, size: int) -> int:
    """Writes the line at `size`, cutting off whatever was behind; the new size."""
    with open(path, "r+b" if path.exists() else "wb") as file:
        file.seek(size)
        file.truncate()
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
    return size + len(line)
