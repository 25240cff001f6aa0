"""The model hub: what it lists, what its cache holds, one file from it. All that touches the hub's library is here.

The library forgets what had arrived when a download is stopped; large files are therefore fetched here, piece after piece into
the library's own cache, under the name (their SHA-256) by which it will find them.
"""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from longtake.errors import MissingDependency, WeightsMismatch, missing

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
    """What the hub has of a repository."""

    revision: str
    files: dict[str, Listed]


def library() -> Any:
    """The hub's library."""
    try:
        import huggingface_hub
        from huggingface_hub import constants  # noqa: F401  (an attribute only once it is imported)
    except ModuleNotFoundError as error:
        raise missing("huggingface-hub", "hallo2", "Fetching weights") from error
    return huggingface_hub


def cache_folder() -> Path:
    """Where the library keeps files; HF_HOME and HF_HUB_CACHE change it."""
    return Path(library().constants.HF_HUB_CACHE)


def repo_folder(repo: str, cache: Path) -> Path:
    """The cache of one repository."""
    return cache / f"models--{repo.replace('/', '--')}"


def in_cache(repo: str, path: str) -> Path | None:
    """Where a file is in the cache, if it is."""
    try:
        return next((folder / path for folder in _snapshots(repo, cache_folder()) if (folder / path).is_file()), None)
    except MissingDependency:
        return None


def snapshot(repo: str, paths: Iterable[str], cache: Path) -> tuple[Path | None, list[str]]:
    """The newest folder in the cache that has most of the files, and those it lacks."""
    wanted = list(paths)
    best: tuple[Path | None, list[str]] = (None, wanted)
    for folder in _snapshots(repo, cache):
        lacking = [path for path in wanted if not (folder / path).is_file()]
        if len(lacking) < len(best[1]):
            best = (folder, lacking)
    return best


def unreachable() -> str:
    """Why the hub can't be asked; empty if it can. Takes a second or two at most."""
    constants = library().constants
    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    if any(os.environ.get(name) for name in PROXIES):
        return ""  # the proxy will tell
    address = urlsplit(constants.ENDPOINT)
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


def listing(repo: str) -> Listing:
    """What the hub has, with sizes and hashes. Raises whatever the library does."""
    hub = library()
    info = hub.HfApi(endpoint=hub.constants.ENDPOINT).model_info(repo, files_metadata=True, timeout=10)
    rows = {
        row.rfilename: Listed(row.size or 0, row.lfs.sha256 if row.lfs else None, row.blob_id) for row in info.siblings
    }
    return Listing(info.sha, rows)


def bring(repo: str, path: str, listing: Listing, cache: Path) -> Path:
    """A file, in the cache, with the hash that the hub tells. Raises whatever the library does, or WeightsMismatch."""
    hub = library()
    listed = listing.files[path]
    if listed.sha256:
        _bring_large(hub, repo, path, listing, repo_folder(repo, cache) / "blobs" / listed.sha256)
    place = Path(
        hub.hf_hub_download(repo, path, revision=listing.revision, cache_dir=cache, endpoint=hub.constants.ENDPOINT)
    )
    verify(place, listed)
    return place


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
            f"{place.name} is damaged: its hash is not the one that the hub tells. It was removed.",
            expected=f"SHA-256 {listed.sha256}" if listed.sha256 else f"Git hash {listed.blob}",
            do="run the same command again",
        )


def _bring_large(hub: Any, repo: str, path: str, listing: Listing, target: Path) -> None:
    """Fetches what is still lacking of a large file."""
    from huggingface_hub.file_download import http_get

    if target.exists():
        return
    size = listing.files[path].size
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.longtake.incomplete")
    if partial.exists() and partial.stat().st_size > size:
        partial.unlink()
    address = hub.hf_hub_url(repo, path, revision=listing.revision, endpoint=hub.constants.ENDPOINT)
    headers = hub.utils.build_hf_headers(library_name="longtake")
    with open(partial, "ab") as file:
        http_get(address, file, resume_size=file.tell(), headers=headers, expected_size=size, displayed_filename=path)
    partial.replace(target)


def _snapshots(repo: str, cache: Path) -> list[Path]:
    """The revisions in the cache, newest first."""
    folder = repo_folder(repo, cache) / "snapshots"
    return sorted(folder.iterdir(), key=lambda path: -path.stat().st_mtime) if folder.is_dir() else []
