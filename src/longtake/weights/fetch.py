"""The published files from the hub: only those that are needed, resumed if cut off, compared with the hub's hashes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from longtake.errors import LongtakeError, OutputError, WeightsMissing
from longtake.weights import hub
from longtake.weights.files import expect_room
from longtake.weights.hub import Listing
from longtake.weights.published import PublishedFile, PublishedModel

Say = Callable[[str], None]


def fetch(model: PublishedModel, files: Sequence[PublishedFile], say: Say, cache: Path | None = None) -> Path:
    """The folder (in the hub's cache) that holds the files in the published layout.

    Says the size beforehand. Without a connection, files that are in the cache already are enough.
    """
    cache = Path(cache or hub.cache_folder())
    if reason := hub.unreachable():
        return _from_cache(model, files, cache, say, reason)
    try:
        listing = hub.listing(model.repo)
    except Exception as error:  # the library passes on errors of three others
        return _from_cache(model, files, cache, say, _first_line(error))
    files = _as_listed(model, files, listing)
    sizes = {file.path: listing.files[file.path].size for file in files}
    here = {
        path for path in sizes if (hub.repo_folder(model.repo, cache) / "snapshots" / listing.revision / path).is_file()
    }
    say(announce(model, sizes, here, cache))
    expect_room(cache, sum(size for path, size in sizes.items() if path not in here), "set HF_HOME to another folder")
    places = [_bring(model, file, listing, cache) for file in files]
    say(f"{len(files)} files are as the hub says (hashes compared).")
    return places[0].parents[len(Path(files[0].path).parts) - 1]


def announce(model: PublishedModel, sizes: dict[str, int], here: set[str], cache: Path) -> str:
    """How much will be fetched and where it goes."""
    left = sum(size for path, size in sizes.items() if path not in here)
    total = f"{len(sizes)} files, {sum(sizes.values()) / 1e9:.2f} GB; {left / 1e9:.2f} GB to fetch into {cache}"
    rows = [f"  {size / 1e6:9.1f} MB  {path}" for path, size in sizes.items() if path not in here]
    return "\n".join([f"{model.repo}: {total}", *rows])


def _as_listed(model: PublishedModel, files: Sequence[PublishedFile], listing: Listing) -> list[PublishedFile]:
    """The files as the hub spells them."""
    spelled = [(file, next((x for x in (file.path, *file.spellings) if x in listing.files), "")) for file in files]
    lacking = [file.path for file, path in spelled if not path]
    if lacking:
        raise WeightsMissing(
            f"The hub's {model.repo} has no {', '.join(lacking)}; it may have been rearranged.",
            do="fetch the files by hand, then: longtake weights convert FOLDER",
        )
    return [replace(file, path=path) for file, path in spelled]


def _bring(model: PublishedModel, file: PublishedFile, listing: Listing, cache: Path) -> Path:
    try:
        return hub.bring(model.repo, file.path, listing, cache)
    except LongtakeError:
        raise
    except Exception as error:
        if "No space left" in str(error) or (isinstance(error, OSError) and error.errno == 28):
            raise OutputError(f"The disk of {cache} is full.", do="make room; what has arrived is kept") from error
        raise WeightsMissing(
            f"{file.path} could not be fetched from {model.repo}: {_first_line(error)}",
            do="run the same command again: it goes on where it stopped",
        ) from error


def _from_cache(model: PublishedModel, files: Sequence[PublishedFile], cache: Path, say: Say, reason: str) -> Path:
    """The folder in the cache if it has everything."""
    folder, lacking = hub.snapshot(model.repo, [file.path for file in files], cache)
    if folder is None or lacking:
        raise _offline(model, lacking, cache, reason)
    say(f"The hub can't be asked ({reason}); all {len(files)} files are in the cache already.")
    return folder


def _offline(model: PublishedModel, names: list[str], cache: Path, reason: str) -> WeightsMissing:
    """One error for all files: repository, names, the place where they are looked for, what to run elsewhere."""
    place = hub.repo_folder(model.repo, cache) / "snapshots" / "*"
    where = "\n".join(f"  {place / name}" for name in names)
    return WeightsMissing(
        f"The hub can't be asked ({reason}), and of {model.repo} {len(names)} files are not in the cache.",
        expected=f"files at\n{where}",
        do=f"where there is a network, run\n  hf download {model.repo} {' '.join(names)} --local-dir published\n"
        f"then bring the folder here and run\n  longtake weights convert published --preset {model.name}\n"
        "HF_HOME names another cache; HF_HUB_OFFLINE=1 forbids the network.",
    )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
