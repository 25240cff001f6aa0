"""The published files from the hub: only those that are needed, resumed if cut off, compared with the hub's hashes."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from longtake.errors import MissingDependency, OutputError, WeightsMismatch, WeightsMissing, missing
from longtake.weights.published import PublishedFile, PublishedModel

Say = Callable[[str], None]
PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
PATIENCE_S = 1.5  # for the hub's first sign of life; its own library tries for 23 s a file


@dataclass(frozen=True)
class Listed:
    """What the hub says of a file."""

    size: int
    sha256: str | None  # of large files
    blob: str | None  # of small ones: Git's hash


@dataclass(frozen=True)
class Listing:
    revision: str
    files: dict[str, Listed]


def fetch(model: PublishedModel, files: Sequence[PublishedFile], say: Say, cache: Path | None = None) -> Path:
    """The folder (in the hub's cache) that holds the files in the published layout.

    Says the size beforehand. Without a connection, files that are in the cache already are enough.
    """
    hub = _hub()
    cache = Path(cache or hub.constants.HF_HUB_CACHE)
    reason = _unreachable(hub)
    if reason:
        return _from_cache(hub, model, files, cache, say, reason)
    listing = _listing(hub, model, files)
    sizes = {file.path: listing.files[file.path].size for file in files}
    here = {path for path in sizes if _cached(hub, model.repo, path, cache, listing.revision)}
    say(announce(model, sizes, here, cache))
    _check_room(cache, sum(size for path, size in sizes.items() if path not in here))
    places = [_fetch_one(hub, model, file, listing, cache) for file in files]
    for file, place in zip(files, places, strict=True):
        verify(place, listing.files[file.path])
    say(f"{len(files)} files are as the hub says (hashes compared).")
    return _folder(places[0], files[0].path)


def in_cache(repo: str, path: str) -> Path | None:
    """Where the hub's cache has a file."""
    try:
        hub = _hub()
    except MissingDependency:
        return None
    return _cached(hub, repo, path, Path(hub.constants.HF_HUB_CACHE))


def announce(model: PublishedModel, sizes: dict[str, int], here: set[str], cache: Path) -> str:
    """How much will be fetched and where it goes."""
    left = sum(size for path, size in sizes.items() if path not in here)
    lines = [
        f"{model.repo}: {len(sizes)} files, {sum(sizes.values()) / 1e9:.2f} GB; {left / 1e9:.2f} GB to fetch into {cache}"
    ]
    return "\n".join(lines + [f"  {size / 1e6:9.1f} MB  {path}" for path, size in sizes.items() if path not in here])


def verify(place: Path, listed: Listed) -> None:
    """Compares a file with the hub's hash; a file that differs is removed, so that it is fetched again."""
    if listed.sha256:
        with open(place, "rb") as file:
            good = hashlib.file_digest(file, "sha256").hexdigest() == listed.sha256
    else:
        content = place.read_bytes()
        git = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        good = listed.blob in (None, git)
    if not good:
        place.resolve().unlink()
        place.unlink(missing_ok=True)
        raise WeightsMismatch(
            f"{place.name} arrived damaged: its hash is not the one that the hub tells. It was removed.",
            expected=f"SHA-256 {listed.sha256}" if listed.sha256 else f"Git hash {listed.blob}",
            do="run the same command again",
        )


def _hub() -> Any:
    try:
        import huggingface_hub
    except ModuleNotFoundError as error:
        raise missing("huggingface-hub", "hallo2", "Fetching weights") from error
    from huggingface_hub import constants  # noqa: F401  (an attribute only once it is imported)

    return huggingface_hub


def _unreachable(hub: Any) -> str:
    """Why the hub can't be asked; empty if it can. Takes a second or two at most."""
    if hub.constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    if any(os.environ.get(name) for name in PROXIES):
        return ""  # the proxy will tell
    address = urlsplit(hub.constants.ENDPOINT)
    host, port = address.hostname or "", address.port or (80 if address.scheme == "http" else 443)
    answered: list[bool] = []

    def call() -> None:
        try:
            socket.create_connection((host, port), timeout=PATIENCE_S).close()
            answered.append(True)
        except OSError:
            pass

    thread = threading.Thread(target=call, daemon=True)  # a dead name server can't be given a timeout
    thread.start()
    thread.join(PATIENCE_S)
    return "" if answered else f"{host} does not answer"


def _listing(hub: Any, model: PublishedModel, files: Sequence[PublishedFile]) -> Listing:
    """What the hub has; raises WeightsMissing if it can't tell or lacks a file."""
    try:
        info = hub.HfApi(endpoint=hub.constants.ENDPOINT).model_info(model.repo, files_metadata=True, timeout=10)
    except Exception as error:  # the hub's library passes on those of three others
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _offline(model, files, Path(hub.constants.HF_HUB_CACHE), reason) from error
    listed = {}
    for row in info.siblings or []:
        large = row.lfs.sha256 if row.lfs else None
        listed[row.rfilename] = Listed(row.size or 0, large, row.blob_id)
    lacking = [file.path for file in files if file.path not in listed]
    if lacking:
        raise WeightsMissing(
            f"The hub's {model.repo} has no {', '.join(lacking)}; it may have been rearranged.",
            do="fetch the files by hand, then: longtake weights convert FOLDER",
        )
    return Listing(info.sha, listed)


def _fetch_one(hub: Any, model: PublishedModel, file: PublishedFile, listing: Listing, cache: Path) -> Path:
    try:
        path = hub.hf_hub_download(
            model.repo, file.path, revision=listing.revision, cache_dir=cache, endpoint=hub.constants.ENDPOINT
        )
    except Exception as error:
        if "No space left" in str(error) or (isinstance(error, OSError) and error.errno == 28):
            raise OutputError(f"The disk of {cache} is full.", do="make room; what has arrived is kept") from error
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsMissing(
            f"{file.path} could not be fetched from {model.repo}: {reason}",
            do="run the same command again: it goes on where it stopped",
        ) from error
    return Path(path)


def _cached(hub: Any, repo: str, path: str, cache: Path, revision: str | None = None) -> Path | None:
    found = hub.try_to_load_from_cache(repo, path, cache_dir=cache, revision=revision)
    return Path(found) if isinstance(found, str) else None


def _from_cache(
    hub: Any, model: PublishedModel, files: Sequence[PublishedFile], cache: Path, say: Say, reason: str
) -> Path:
    """The folder in the cache if it has everything."""
    places = {file.path: _cached(hub, model.repo, file.path, cache) for file in files}
    lacking = [file for file in files if places[file.path] is None]
    if lacking:
        raise _offline(model, lacking, cache, reason)
    say(f"{reason}; all {len(files)} files are in the cache already.")
    return _folder(Path(str(places[files[0].path])), files[0].path)


def _offline(model: PublishedModel, files: Sequence[PublishedFile], cache: Path, reason: str) -> WeightsMissing:
    """One error for all files: repository, names, the place where they are looked for, what to run elsewhere."""
    names = [file.path for file in files]
    place = cache / f"models--{model.repo.replace('/', '--')}" / "snapshots" / "*"
    where = "\n".join(f"  {place / name}" for name in names)
    return WeightsMissing(
        f"The hub can't be asked ({reason}), and of {model.repo} {len(names)} files are not in the cache.",
        expected=f"files at\n{where}",
        do=f"where there is a network, run\n  hf download {model.repo} {' '.join(names)} --local-dir published\n"
        f"then bring the folder here and run\n  longtake weights convert published --preset {model.name}\n"
        "HF_HOME names another cache; HF_HUB_OFFLINE=1 forbids the network.",
    )


def _folder(place: Path, path: str) -> Path:
    """The folder in which `path` leads to `place`."""
    return place.parents[len(Path(path).parts) - 1]


def _check_room(cache: Path, needed: int) -> None:
    place = next(parent for parent in (cache.absolute(), *cache.absolute().parents) if parent.exists())
    free = shutil.disk_usage(place).free
    if needed and free < needed * 1.02:
        raise OutputError(
            f"{needed / 1e9:.2f} GB are to be fetched, and {place} has {free / 1e9:.2f} GB free.",
            do="make room, or set HF_HOME to a folder on another disk",
        )
