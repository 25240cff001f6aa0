"""The command `enhance`: what is asked for, the work under a progress bar, a plain word at the end."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longtake.apps.outcome import say
from longtake.apps.progress import count_bar
from longtake.errors import InputError, RunInterrupted, SettingsError
from longtake.presets import Preset
from longtake.presets import preset as preset_named
from longtake.settings import Enhancing
from longtake.times import clock, seconds_of

if TYPE_CHECKING:
    from longtake.enhance import Restore
    from longtake.media.footage import Footage
    from longtake.media.recode import Recoder
    from longtake.restoration import Enlarge

LARGEST = 16_384


@dataclass(frozen=True)
class Wish:
    """What the command line asks for."""

    video: Path
    out: Path
    size: int | None
    scale: float | None  # neither of both: the same size
    start: str | None
    stop: str | None
    preset: str
    weights: Path | None
    flags: dict[str, dict[str, Any]]
    config: Path | None
    assignments: list[str]

    def settings(self) -> Enhancing:
        """The defaults under the file, under --set, under the flags."""
        base = Enhancing() if self.config is None else Enhancing.from_toml(self.config)
        return base.apply_set(*self.assignments).overlay(self.flags)

    def model(self) -> Preset:
        """The preset, with its weights in their place."""
        model = preset_named(self.preset)
        return model if self.weights is None else replace(model, weights=self.weights)

    def span_s(self) -> tuple[float, float]:
        """From when to when, seconds."""
        start = seconds_of(self.start) if self.start else 0.0
        stop = seconds_of(self.stop) if self.stop else math.inf
        if stop <= start:
            raise InputError(f"--to {self.stop} is not after --from {self.start or 0}.", do="give a later --to")
        return start, stop


def enhance_file(wish: Wish, overwrite: bool, quiet: bool) -> None:
    """Writes the enhanced video; says what will be different, what could not be read, and what came out."""
    settings, span_s, model = wish.settings(), wish.span_s(), wish.model()
    restored = settings.enhance.what != "background"
    if restored:
        model.expect_enhancer()
    if settings.enhance.background == "network":
        model.expect_background()
    from longtake.media.codecs import choose
    from longtake.media.footage import Footage
    from longtake.media.recode import Recoder, check_file

    out = check_file(wish.out, wish.video, overwrite)
    footage = Footage(wish.video)
    if span_s[0] >= footage.seconds > 0:
        raise InputError(f"'{wish.video}' ends at {clock(footage.seconds)}, before --from {wish.start}.")
    size = target_size(footage.height, footage.width, wish.size, wish.scale)
    encoding = choose(settings.output, out.suffix.lower(), size[1], size[0])
    restore, made_by = _restore(model, settings) if restored else (None, {})
    larger = _larger(model, settings, made_by)
    told = [*footage.remarks, *size_remarks(footage, size), *encoding.remarks]
    note = {"enhanced": wish.video.name, "size": [size[1], size[0]], "settings": settings.model_dump(exclude={"run"})}
    started = time.monotonic()
    with Recoder(out, footage, size, encoding, span_s, note | made_by) as recoder:
        if not quiet:
            for text in [*told, *recoder.remarks]:
                say(text)
        try:
            _work(footage, size, restore, larger, settings, span_s, recoder, quiet)
        except KeyboardInterrupt as stop:
            raise RunInterrupted(f"Stopped. What was made so far plays: {recoder.part}") from stop
        if not recoder.frames:
            raise InputError(f"There is no frame between --from and --to in '{wish.video}'.")
    for text in footage.troubles:
        say(text)
    if not quiet:
        width_height = f"{size[1]} x {size[0]}"
        say(f"{out}: {recoder.frames} frames, {width_height}, {encoding.codec}, in {time.monotonic() - started:.0f} s")


def target_size(height: int, width: int, size: int | None, scale: float | None) -> tuple[int, int]:
    """Height and width of what comes out, even, with the aspect of what goes in; `size` is the longer side."""
    if size is None and scale is None:
        return max(2, height - height % 2), max(2, width - width % 2)
    factor = scale if scale is not None else size / max(height, width) if size else 1.0
    found = tuple(max(2, 2 * round(side * factor / 2)) for side in (height, width))
    if max(found) > LARGEST:
        raise SettingsError(
            f"{found[1]} x {found[0]} is larger than any encoder here takes.",
            expected=f"at most {LARGEST} pixels a side",
        )
    return found[0], found[1]


def size_remarks(footage: Footage, size: tuple[int, int]) -> list[str]:
    """What a person should know about the size, as sentences."""
    told = []
    if (
        size
        == (footage.height - footage.height % 2, footage.width - footage.width % 2)
        != (footage.height, footage.width)
    ):
        told.append("Its size is odd, which encoders don't take: the last row or column is left out.")
    elif size[0] < footage.height:
        told.append(f"It is larger already ({footage.width} x {footage.height}): it becomes smaller.")
    return told


def _work(
    footage: Footage,
    size: tuple[int, int],
    restore: Restore | None,
    larger: Enlarge,
    settings: Enhancing,
    span_s: tuple[float, float],
    recoder: Recoder,
    quiet: bool,
) -> None:
    from longtake.restoration import enhance_frames

    times = []  # of the frames that are on their way: no more than wait in windows

    def pictures() -> Iterator:
        cut = size == (footage.height - footage.height % 2, footage.width - footage.width % 2)
        for shot in footage.shots(*span_s):
            times.append(shot.time_s)
            yield shot.picture[: size[0], : size[1]] if cut else shot.picture

    total = footage.expected_frames(*span_s)
    with count_bar("frames", quiet) as progress:
        for picture in enhance_frames(pictures(), size, restore, settings.enhance, larger):
            recoder.write(times.pop(0), picture)
            progress(recoder.frames, max(total, recoder.frames))


def _restore(model: Preset, settings: Enhancing) -> tuple[Restore, dict[str, Any]]:
    """What restores faces, and what it is."""
    from longtake.networks import load_enhancer
    from longtake.restoration import restore_with
    from longtake.weights.files import short_hash

    network = load_enhancer(model.enhancer, settings.run)
    return restore_with(network, settings.enhance), {
        "preset": model.name,
        "weights": {"enhancer": short_hash(model.enhancer)},
    }


def _larger(model: Preset, settings: Enhancing, made_by: dict[str, Any]) -> Enlarge:
    """What enlarges all but faces; a network is noted in `made_by`."""
    from longtake.networks import load_background
    from longtake.restoration import enlarge_with
    from longtake.weights.files import short_hash

    if settings.enhance.background == "plain":
        return enlarge_with(None, settings.enhance)
    made_by.setdefault("weights", {})["background"] = short_hash(model.background)
    return enlarge_with(load_background(model.background, settings.run), settings.enhance)
