"""Many clips by many metrics: each video is read once for all that is not in the store yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from longtake.errors import InputError, LongtakeError
from longtake.evaluate.kit.store import Kept, Store
from longtake.evaluate.metrics.protocol import Clip, Metric
from longtake.evaluate.metrics.reading import Measured, measure

Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found in each clip, by clip and metric; clips that could not be read are told apart."""

    clips: list[Clip]
    by_clip: dict[str, dict[str, Kept]]
    unread: dict[str, str] = field(default_factory=dict)  # by clip: why

    def of(self, metric: str) -> list[tuple[Clip, Kept]]:
        """What a metric found, clip by clip; those it did not measure are left out."""
        pairs = [(clip, self.by_clip[clip.name].get(metric)) for clip in self.clips if clip.name in self.by_clip]
        return [(clip, kept) for clip, kept in pairs if kept is not None and not kept.skipped]

    def skipped(self, metric: str) -> dict[str, str]:
        """Why a metric did not measure clips, by clip."""
        rows = {name: kept[metric].skipped for name, kept in self.by_clip.items() if metric in kept}
        return {name: why for name, why in rows.items() if why}

    @property
    def seconds(self) -> float:
        """The length of all clips together, as they were judged."""
        from longtake.evaluate.metrics.protocol import FPS

        return sum(max((kept.frames for kept in found.values()), default=0) for found in self.by_clip.values()) / FPS

    def remarks(self) -> list[str]:
        """What was said of clips, each sentence once, with the clips it was said of."""
        said: dict[str, list[str]] = {}
        for name, found in self.by_clip.items():
            for sentence in dict.fromkeys(part for kept in found.values() for part in kept.remarks):
                said.setdefault(sentence, []).append(name)
        return [sentence if _names(sentence, clips) else f"{', '.join(clips[:5])}{_more(clips)}: {sentence}"
                for sentence, clips in said.items()]  # fmt: skip


def _names(sentence: str, clips: Sequence[str]) -> bool:
    return len(clips) == 1 and clips[0] in sentence


def _more(clips: Sequence[str]) -> str:
    return f" and {len(clips) - 5} more" if len(clips) > 5 else ""


def ready_metrics(metrics: Iterable[Metric]) -> tuple[list[Metric], dict[str, str]]:
    """The metrics that can be computed here, and for the others what to do, by name."""
    able, missing = [], {}
    for metric in metrics:
        try:
            metric.ready()
            able.append(metric)
        except LongtakeError as error:
            missing[metric.about.name] = str(error)
    return able, missing


def measure_clips(
    clips: Sequence[Clip], metrics: Sequence[Metric], store: Store, window_s: float | None = None, say: Say = print
) -> Findings:
    """What the metrics find in the clips; what is in the store is not measured again."""
    findings = Findings(list(clips), {})
    for number, clip in enumerate(clips, 1):
        try:
            findings.by_clip[clip.name] = _one(clip, metrics, store, window_s, partial(_say, say, number, len(clips)))
        except (InputError, OSError) as error:
            findings.unread[clip.name] = str(error)
            say(f"{clip.name}: {error}")
    return findings


def _say(say: Say, number: int, count: int, text: str) -> None:
    say(f"[{number} of {count}] {text}")


def _one(clip: Clip, metrics: Sequence[Metric], store: Store, window_s: float | None, say: Say) -> dict[str, Kept]:
    _expect_files(clip)
    known = {metric.about.name: store.read(clip, metric.about, window_s) for metric in metrics}
    found = {name: kept for name, kept in known.items() if kept is not None}
    wanted = [metric for metric in metrics if metric.about.name not in found]
    if not wanted:
        return found
    say(f"{clip.name}: {len(wanted)} metrics" + (f", {len(found)} known" if found else ""))
    fresh = measure(clip, wanted, window_s)
    for metric in wanted:
        kept = kept_of(fresh, metric.about.name)
        store.write(clip, metric.about, window_s, kept)
        found[metric.about.name] = kept
    return found


def kept_of(measured: Measured, name: str) -> Kept:
    """What is kept of one metric's finding in a clip."""
    return Kept(
        frames=measured.frames,
        numbers=plain(measured.numbers.get(name, {})),
        summary=measured.summaries.get(name),
        over_time=[plain(row) for row in measured.over_time.get(name, [])],
        skipped=measured.skipped.get(name, ""),
        remarks=list(dict.fromkeys(measured.remarks)),
    )


def plain(numbers: Mapping[str, float]) -> dict[str, float]:
    """The numbers as Python's own floats."""
    return {name: float(value) for name, value in numbers.items()}


def _expect_files(clip: Clip) -> None:
    for what in ("video", "real", "portrait", "speech", "labels"):
        path = getattr(clip, what)
        if path is not None and not path.exists():
            raise InputError(f"There is no file '{path}', the {what} of clip '{clip.name}'.", do="check the path")
