"""The enhancer judged, as a table in the form of the paper's Table 6, a sheet of pictures, and rows.

python -m longtake.evaluate.enhance_page WEIGHTS... [--latents WEIGHTS] [--without-time] [--out rows.json] [--sheet sheet.png]
    [--page FOLDER]
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import typer
from jaxtyping import UInt8

from longtake.evaluate.command import run_command
from longtake.evaluate.controls import made_now
from longtake.evaluate.enhancing import (
    FIXTURES,
    SYSTEMS,
    Judged,
    Quality,
    judge_all,
    mean_quality,
    read_faces,
    rows_of,
    window_border,
)
from longtake.evaluate.inputs import compare_inputs, table
from longtake.evaluate.rows import Row, markdown_table, print_table, write_json
from longtake.settings import EnhanceSettings

HEADS = {
    "psnr_db": "PSNR, dB ↑",
    "ssim": "SSIM ↑",
    "identity": "identity ↓",
    "sharpness": "sharpness (1 = true)",
    "warping": "warping error ↓",
    "flicker": "flicker ↓",
}
NAMES = {"lanczos": "input, Lanczos", "alone": "code prediction, frame by frame", "aligned": "with temporal alignment"}
SHOWN_PX = 256


def quality_table(found: Mapping[str, Sequence[Judged]]) -> str:
    """All systems of all weights, means over clips; Lanczos once."""
    head = " | ".join(HEADS.values())
    lines = [f"| | {head} |", "| --- |" + " ---: |" * len(HEADS)]
    for place, (weights, judged) in enumerate(found.items()):
        for system in SYSTEMS if place == 0 else SYSTEMS[1:]:
            mean = mean_quality([clip.found[system] for clip in judged])
            name = NAMES[system] + (f" ({weights})" if len(found) > 1 and system != "lanczos" else "")
            lines.append(f"| {name} | " + " | ".join(_cell(mean, field.name) for field in fields(Quality)) + " |")
    return "\n".join(lines) + "\n"


def sheet(judged: Sequence[Judged]) -> UInt8[np.ndarray, "H W 3"]:
    """Columns of clips; rows: true, Lanczos, frame by frame, aligned (figure 10 of the paper)."""
    import cv2

    columns = [
        np.concatenate([cv2.resize(x, (SHOWN_PX, SHOWN_PX), interpolation=cv2.INTER_AREA) for x in clip.shown])
        for clip in judged
    ]
    return np.concatenate(columns, axis=1)


def page(about: dict, found: Mapping[str, Sequence[Judged]], rows: Sequence[Row], inputs: str) -> str:
    """The result page."""
    parts = [
        f"# The enhancer, {about['date']}\n",
        f"Commit {about['commit']}. Hardware: {about['hardware']}.",
        "Held-out puppets of 512 px, aligned faces, spoiled by the model itself (its latents a little wrong) and by the "
        "synthetic chain (blur, half size, grain, JPEG); means over clips. Flicker and warping error in levels of 255.\n",
        "## Form of the paper's Table 6\n",
        quality_table(found),
    ]
    if inputs:
        parts += ["## The two inputs of figure 4, whole pictures\n", inputs]
    parts += ["## Rows\n", markdown_table([row for row in rows if row.bar is not None])]
    return "\n".join(parts)


def main(
    weights: list[Path] = typer.Argument(..., metavar="WEIGHTS...", help="enhancer.safetensors; several are compared"),
    latents: Path = typer.Option(None, help="weights that read latents: adds the table of both inputs"),
    fixtures: Path = typer.Option(FIXTURES, help="folder of held-out faces"),
    faces: int = typer.Option(None, help="use only so many; a trial, not a result"),
    out: Path = typer.Option(None, help="JSON file of the first weights' rows"),
    picture: Path = typer.Option(None, "--sheet", help="picture to write"),
    without_time: bool = typer.Option(False, help="temporal layers as no-ops; the mean over alike frames stays"),
    folder: Path = typer.Option(None, "--page", help="folder in which to write a dated result page"),
) -> None:
    """Judges enhancers on held-out puppets."""
    from longtake.networks import load_autoencoder, load_enhancer
    from longtake.presets import preset
    from longtake.train.enhancer_learner import forget_time

    mini = preset("mini")
    settings = EnhanceSettings()
    autoencoder = load_autoencoder(mini.weights / "autoencoder.safetensors")
    given = read_faces(fixtures)[:faces]
    networks = {f"{path.parent.name}/{path.name}": load_enhancer(path, mini.settings.run) for path in weights}
    for network in networks.values() if without_time else ():
        forget_time(network)
    found = {name: judge_all(network, autoencoder, settings, given) for name, network in networks.items()}
    first = next(iter(networks.values()))
    border = window_border(first, settings, given[0])
    rows = rows_of(next(iter(found.values())), border, f"{len(given)} held-out puppets, by the model and by the chain")
    inputs = ""
    if latents is not None:
        other = load_enhancer(latents, mini.settings.run)
        inputs = table(compare_inputs(first, other, autoencoder, settings, given))
    about = made_now(0)
    print_table(rows, f"enhancer, {about['hardware']}")
    text = page(about, found, rows, inputs)
    print(quality_table(found), inputs, sep="\n")
    if out:
        write_json(rows, out)
    if picture:
        from PIL import Image

        Image.fromarray(sheet(next(iter(found.values())))).save(picture)
    if folder:
        path = folder / f"enhancer-{about['date']}.md"
        path.write_text(text)
        print(f"written: {path}")


def _cell(quality: Quality, name: str) -> str:
    return f"{getattr(quality, name):.{3 if name in ('ssim', 'identity') else 2}f}"


if __name__ == "__main__":
    run_command(main)
