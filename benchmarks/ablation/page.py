"""The page of the ablation: tables, a curve over time and picture sheets, from whatever pieces are finished."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pieces import read_result

from ablation.curve import panels_svg
from ablation.rows import PARALLEL, ROWS, TABLES
from ablation.sheets import write_sheets
from ablation.speak import WINDOW_S
from longtake.evaluate.controls import hardware
from longtake.evaluate.kit.intervals import clip_estimate

INTRO = """# The paper's ablation at mini scale, {date}

`runs/ablations.sh` on {hardware}. Every row goes on from the shipped weights ({start}), which were trained as `both`, and learns
for {train_steps} steps of 2 segments more under its own corruption, from the same {train_clips} clips, draws and noise. Then
held-out puppets speak {seconds} s each in {sampling_steps} denoising steps, their motion frames corrupted as in training.

Measured in windows of 5 s: identity distance to the portrait (0.6 = another person), sharpness (variance of the
Laplacian in the face's box), PSNR of the background to the portrait's, distance of the colour of the skin
from the portrait's in CIE Lab, and the correlation of the mouth with the puppet's exact opening. *last* is the last
window; *change* is the last less the first, *ratio* the last over the first; the mouth is the mean of all; *jump* is
the change from frame to frame where segments meet over the change elsewhere. Means over clips, in brackets the 95 %
bootstrap interval.
"""
PANELS = {
    "identity": "identity distance to the portrait",
    "sharpness": "sharpness of the face",
    "background_db": "PSNR of the background, dB",
    "colour": "distance of the skin's colour, ΔE",
}
DRAWS = 4000
Spoken = dict[str, Any]


def write_page(folder: Path, plan: dict[str, Any], root: Path) -> Path:
    """The path of the dated page, written beside its curve; the sheets go to docs/pictures."""
    spoken = {name: clips_of(folder, name, plan["clips"]) for name in [*ROWS, PARALLEL]}
    date = time.strftime("%Y-%m-%d", time.gmtime())
    shown = {name: clips for name, clips in spoken.items() if clips and name != PARALLEL}
    panels = {what: {name: mean_curve(clips, one) for name, clips in shown.items()} for one, what in PANELS.items()}
    svg = root / "docs" / "pictures" / "ablation-over-time.svg"
    svg.write_text(panels_svg(panels, WINDOW_S))
    sheets = write_sheets(folder, plan, root / "docs" / "pictures")
    page = root / "benchmarks" / f"ablations-{date}.md"
    page.write_text(page_text(folder, plan, spoken, date, [svg, *sheets]))
    return page


def clips_of(folder: Path, name: str, clips: Sequence[int]) -> dict[int, Spoken]:
    """What was measured on the finished clips of a row."""
    found = {clip: read_result(folder, f"speak-{clip:02}-{name}") for clip in clips}
    return {clip: result for clip, result in found.items() if result}


def page_text(
    folder: Path, plan: dict[str, Any], spoken: dict[str, dict[int, Spoken]], date: str, pictures: Sequence[Path]
) -> str:
    """The whole page."""
    trained = {name: read_result(folder, f"train-{name}") for name in ROWS}
    lines = [INTRO.format_map({"date": date, "hardware": hardware(), **plan})]
    for title, names in TABLES.items():
        lines += [f"## {title}", "", *table(names, spoken), ""]
    lines += ["## Less `both`, clip by clip", "", *paired_table(spoken), ""]
    lines += ["## Identity over the minute, person by person", "", *people_table(spoken), ""]
    lines += ["## Pictures", "", *(f"![{p.stem}](../docs/pictures/{p.name})" for p in pictures), ""]
    lines += [
        "## Trainings",
        "",
        "| row | what is corrupted | steps | distance of latents | clips spoken |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for name, row in ROWS.items():
        done = trained[name] or {}
        lines.append(
            f"| `{name}` | {row.says} | {done.get('step', '')} | {done.get('sheet_distance', '')} | {len(spoken[name])} |"
        )
    return "\n".join(lines) + "\n"


def table(names: Sequence[str], spoken: dict[str, dict[int, Spoken]]) -> list[str]:
    """The rows of one of the paper's tables."""
    heads = ["row", "clips", "identity, last", "identity, change", "sharpness, ratio", "background dB, change"]
    heads += ["colour ΔE, last", "mouth", "jump at joints"]
    lines = [f"| {' | '.join(heads)} |", "| --- |" + " ---: |" * (len(heads) - 1)]
    for name in names:
        clips = list(spoken[name].values())
        cells = [interval([float(one(clip)) for clip in clips]) for one in COLUMNS] if clips else [""] * len(COLUMNS)
        says = ROWS[name].says if name in ROWS else "every segment from the portrait alone"
        lines.append(f"| `{name}`: {says} | {len(clips)} | {' | '.join(cells)} |")
    return lines


def paired_table(spoken: dict[str, dict[int, Spoken]]) -> list[str]:
    """How far each row is from `both` on the same clips, the mean over the minute: what clips have in common cancels."""
    heads = ["row", "clips", "identity", "sharpness", "background dB", "colour ΔE", "mouth", "jump at joints"]
    lines = [f"| {' | '.join(heads)} |", "| --- |" + " ---: |" * (len(heads) - 1)]
    base = spoken["both"]
    for name, clips in spoken.items():
        common = [clip for clip in clips if clip in base]
        if name == "both" or not common:
            continue
        apart = [[one(clips[clip]) - one(base[clip]) for clip in common] for one in MEANS]
        lines.append(f"| `{name}` | {len(common)} | {' | '.join(map(interval, apart))} |")
    return lines


def people_table(spoken: dict[str, dict[int, Spoken]]) -> list[str]:
    """The mean distance of each row to the portrait, a column for each clip: where a mean over clips hides a person."""
    people = sorted({clip for clips in spoken.values() for clip in clips})
    lines = [f"| row | {' | '.join(f'clip {clip:02}' for clip in people)} |", "| --- |" + " ---: |" * len(people)]
    for name, clips in spoken.items():
        cells = [f"{_mean('identity')(clips[clip]):.3f}" if clip in clips else "" for clip in people]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return lines


def values(clip: Spoken, name: str) -> np.ndarray:
    """A measure over the windows of a clip; NaN where it could not be told."""
    return np.array([math.nan if window[name] is None else window[name] for window in clip["windows"]], float)


def _last(name: str):
    return lambda clip: values(clip, name)[-1]


def _change(name: str):
    return lambda clip: values(clip, name)[-1] - values(clip, name)[0]


def _mean(name: str):
    return lambda clip: float(np.nanmean(values(clip, name)))


def _jump(clip: Spoken) -> float:
    return float(clip["jump"])


MEANS = (*map(_mean, ("identity", "sharpness", "background_db", "colour", "mouth")), _jump)
COLUMNS = (
    _last("identity"),
    _change("identity"),
    lambda clip: values(clip, "sharpness")[-1] / values(clip, "sharpness")[0],
    _change("background_db"),
    _last("colour"),
    _mean("mouth"),
    _jump,
)


def interval(found: Sequence[float]) -> str:
    """The mean over clips (each shows another person) with its bootstrap interval, as text; of a single clip the mean alone."""
    estimate = clip_estimate(found, [str(k) for k in range(len(found))], DRAWS)
    if not estimate.clips:
        return "–"
    around = "" if estimate.low is None else f" [{estimate.low:.3f}, {estimate.high:.3f}]"
    return f"{estimate.value:.3f}{around}"


def mean_curve(clips: dict[int, Spoken], name: str) -> np.ndarray:
    """A measure over time, averaged over clips."""
    return np.nanmean([values(clip, name) for clip in clips.values()], 0)
