"""From a recipe, or two folders, to a result: inputs, systems, findings, scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from longtake.errors import InputError
from longtake.evaluate.kit.clips import lone_real, pair_folders
from longtake.evaluate.kit.datasets import Item, load_items, split_hash
from longtake.evaluate.kit.inputs import Given, prepare_inputs
from longtake.evaluate.kit.measuring import Findings, measure_clips, ready_metrics
from longtake.evaluate.kit.ordering import ordered
from longtake.evaluate.kit.paper import paper_part
from longtake.evaluate.kit.recipe import Recipe, SystemPart
from longtake.evaluate.kit.results import Result, System, protocol_of
from longtake.evaluate.kit.running import run_system
from longtake.evaluate.kit.store import Store
from longtake.evaluate.kit.strips import Shown, show
from longtake.evaluate.kit.summing import Draws, stretch_s, system_of
from longtake.evaluate.metrics.protocol import Clip, Metric
from longtake.evaluate.metrics.registry import metrics as chosen_metrics

Say = Callable[[str], None]
REAL = "true clips"


@dataclass(eq=False)
class Evaluation:
    """What is the same for all systems of one evaluation."""

    recipe: Recipe
    say: Say = print
    metrics: list[Metric] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.metrics, self.missing = ready_metrics(chosen_metrics(self.recipe.metrics.names))
        self.work = self.recipe.work or self.recipe.report.out / "work"
        self.store = Store(self.work / "findings")
        self.draws = Draws(self.recipe.metrics.draws, self.recipe.metrics.set_draws)

    def measure(self, clips: Sequence[Clip]) -> Findings:
        """What all metrics find in the clips of one system."""
        return measure_clips(clips, self.metrics, self.store, self.recipe.metrics.window_s, self.say)

    def measure_true(self, clips: Sequence[Clip]) -> Findings | None:
        """What the metrics of sets find in true clips; with `real_row` what all find. None without any."""
        if not clips:
            return None
        wanted = self.metrics if self.recipe.data.real_row else [m for m in self.metrics if m.kind == "set"]
        return measure_clips(clips, wanted, self.store, self.recipe.metrics.window_s, self.say)

    def score(self, name: str, found: Findings, true: Findings | None, **told: Any) -> System:
        """The scores of a system."""
        return system_of(name, self.metrics, found, true, self.draws, **told)

    def score_true(self, true: Findings) -> System:
        """The scores of the true clips: of what asks for no other true clip."""
        alone = [metric for metric in self.metrics if not metric.about.needs & {"real clip", "real set"}]
        return system_of(REAL, alone, true, None, self.draws, about="the true clips themselves, judged alike")

    def result(self, systems: list[System], data: dict[str, Any], notes: Sequence[str] = ()) -> Result:
        """Everything together."""
        main = next((part.name for part in self.recipe.system if part.main), "")
        return Result(
            title=self.recipe.title,
            made=made_now(),
            data=data,
            systems=systems,
            protocols={metric.about.hash: protocol_of(metric.about) for metric in self.metrics},
            missing=self.missing,
            window_s=stretch_s(self.recipe.metrics.window_s),
            columns=self.recipe.report.columns,
            paper=paper_part(self.recipe.paper, systems, data.get("split_hash", "")),
            ordered=ordered(systems, main) if self.recipe.ordered else [],
            notes=[*notes, *self.store.damaged],
        )


def evaluate_folders(
    recipe: Recipe, generated: Path, real: Path | None, identity: str = "", say: Say = print
) -> tuple[Result, list[Shown]]:
    """The result for the videos of a folder, against the true ones of another."""
    work = Evaluation(recipe, say)
    clips, odd = pair_folders(generated, real, identity)
    clips = clips[: recipe.data.clips]
    others = lone_real(clips, real, identity)
    true = work.measure_true([*(Clip(c.name, c.real, c.identity) for c in clips if c.real), *others])
    found = work.measure(clips)
    _expect_some(found)
    system = work.score(generated.name or str(generated), found, true)
    said = f"{system.clips} videos of '{generated.name}'" + (f" against '{real.name}'" if real else "")
    data = data_told("folders", said, [Item(c.name, c.who) for c in clips], system.seconds)
    shown = [
        show(clip.name, ({REAL: clip.real} if clip.real else {}) | {system.name: clip.video})
        for clip in spread(clips, recipe.report.strips)
    ]
    return work.result([system], data, odd), shown


def evaluate_recipe(recipe: Recipe, say: Say = print) -> tuple[Result, list[Shown]]:
    """The result of a recipe: every system called for every clip, and judged."""
    if not recipe.system:
        raise InputError("The recipe names no system.", expected="at least one [[system]]", do="see docs/evaluation.md")
    work, data = Evaluation(recipe, say), recipe.data
    items = load_items(data.kind, data.folder, data.split, data.clips)
    speaks = any(part.kind == "animate" for part in recipe.system)
    given, lost = prepare_inputs(items, work.work / "inputs", data.loop_s, data.head_px, speaks)
    truths = [clip for one in given if (clip := one.true_clip())]
    true = work.measure_true(truths)
    systems, videos = [], {REAL: {clip.name: clip.video for clip in truths}}
    if true and data.real_row:
        systems.append(work.score_true(true))
    for part in recipe.system:
        system, made = _system(work, part, given, true)
        systems.append(system)
        videos[part.name] = made
    told = data_told(data.kind, _said(recipe, items), items, sum(one.job.seconds for one in given))
    notes = [f"'{name}' of the data can't be used: {' '.join(why.split())}" for name, why in lost.items()]
    picked = spread(given, recipe.report.strips)
    shown = [
        show(one.item.name, {label: made[one.item.name] for label, made in videos.items() if one.item.name in made})
        for one in picked
    ]
    return work.result(systems, told, notes), shown


def _system(
    work: Evaluation, part: SystemPart, given: Sequence[Given], true: Findings | None
) -> tuple[System, dict[str, Path]]:
    folder = work.work / "systems" / part.name.replace("/", "_")
    folder.mkdir(parents=True, exist_ok=True)
    made = run_system(part, [one.job for one in given], folder, work.say)
    looped = work.recipe.data.loop_s is not None
    clips = [one.clip(made.videos[one.item.name], looped) for one in given if one.item.name in made.videos]
    found = work.measure(clips)
    told = {"remarks": made.remarks, "failed": made.failed, "about": part.about}
    return work.score(part.name, found, true, **told), made.videos


def _said(recipe: Recipe, items: Sequence[Item]) -> str:
    data = recipe.data
    people = len({item.identity for item in items})
    loop = f", voices looped to {data.loop_s:g} s" if data.loop_s else ""
    head = f", cut round the head to {data.head_px} px" if data.head_px else ""
    split = f", split '{data.split}'" if data.split else ""
    return f"{len(items)} clips of {people} people ({data.kind}{split}{loop}{head})"


def data_told(kind: str, said: str, items: Sequence[Item], seconds: float) -> dict[str, Any]:
    """What the result says of its data."""
    return {
        "kind": kind,
        "said": said,
        "clips": len(items),
        "identities": len({item.identity or item.name for item in items}),
        "seconds": round(seconds, 1),
        "split_hash": split_hash(items),
    }


def spread(things: Sequence[Any], count: int) -> list[Any]:
    """So many of the things, evenly spread."""
    if not count or not things:
        return []
    step = max(1, len(things) // count)
    return list(things[::step][:count])


def _expect_some(found: Findings) -> None:
    if not found.by_clip:
        first = next(iter(found.unread.values()), "")
        raise InputError(f"None of {len(found.clips)} videos can be read: {first}")


def made_now() -> dict[str, Any]:
    """Date, version, commit and hardware."""
    from longtake import __version__
    from longtake.evaluate.controls import made_now as made

    told = made(0)
    told.pop("seed")
    return {"version": __version__, **told}
