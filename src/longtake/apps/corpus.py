"""The commands `corpus ...`: making training clips, checking them, and cutting them into training windows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longtake.apps.options import Quiet

app = typer.Typer(help="Make and check training clips.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def make(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to fill.")],
    assets: Annotated[Path, typer.Option(help="The folder with portraits, speech and face model.")],
    clips: Annotated[int, typer.Option(min=1, help="How many clips.")] = 100,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 0,
    split: Annotated[str, typer.Option(help="train, or heldout: other people, other voices.")] = "train",
    source: Annotated[str, typer.Option(help="puppet, or grid: recordings of a real speaker.")] = "puppet",
    workers: Annotated[int, typer.Option(min=1, help="Processes; they change the time, not the clips.")] = 1,
    calm: Annotated[
        bool, typer.Option("--calm", help="The twins of the clips of this seed: the same without expressions.")
    ] = False,
    often: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=TIMES", help="Show an expression so many times as often as others."),
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="Frames of a clip.")] = 100,
    size: Annotated[int, typer.Option(min=64, help="Side of the pictures, pixels.")] = 256,
    drawn_size: Annotated[int | None, typer.Option(help="Side they are drawn at; default: half as much again.")] = None,
    quiet: Quiet = False,
) -> None:
    """Render talking puppets with exact labels; stopped and started again, it goes on."""
    from longtake.apps.progress import count_bar
    from longtake.corpus.make import make as make_corpus

    with count_bar("clips", quiet) as progress:
        drawn = drawn_size or size * 3 // 2
        make_corpus(
            assets, out, clips, seed, split, workers,
            source=source, calm=calm, often=dict(map(_times, often or ())), frames=frames, size=size,
            drawn_size=drawn, progress=progress,
        )  # fmt: skip


def _times(said: str) -> tuple[str, float]:
    name, _, times = said.partition("=")
    try:
        return name.strip(), float(times)
    except ValueError:
        raise typer.BadParameter(f"{said!r} is no NAME=TIMES, e.g. smile=3.", param_hint="'--often'") from None


@app.command()
def check(folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A corpus.")]) -> None:
    """Verify every file of a corpus against its manifest."""
    from longtake.corpus.check import check as check_corpus

    report = check_corpus(folder)
    typer.echo(
        f"{folder}: {report.clips} clips, {report.frames} frames, {report.mixes} faces, {report.voices} voices; all there"
    )


@app.command()
def prepare(
    corpora: Annotated[list[Path], typer.Argument(metavar="CORPUS...", help="Folders that `corpus make` filled.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="OUT", help="The folder for the training windows.")],
    weights: Annotated[
        Path | None, typer.Option(help="Folder with autoencoder and speech encoder; default: those of mini.")
    ] = None,
    caption: Annotated[
        bool, typer.Option("--caption", help="Say what clips show that have no states: by rules, from landmarks.")
    ] = False,
    captioner: Annotated[
        str, typer.Option(metavar="MODEL", help="Caption by this vision-language model instead.")
    ] = "",
    refiner: Annotated[str, typer.Option(metavar="MODEL", help="Let this language model rewrite its captions.")] = "",
    quiet: Quiet = False,
) -> None:
    """Encode clips into training windows for stages 1 and 2."""
    from longtake.apps.progress import count_bar
    from longtake.corpus.describe import Rules
    from longtake.corpus.encode import encode_corpus
    from longtake.corpus.viewer import Viewer
    from longtake.presets import mini

    if refiner and not captioner:
        raise typer.BadParameter("--refiner rewrites the captions of a --captioner MODEL; give one.")
    who = Viewer(captioner, refiner) if captioner else Rules() if caption else None

    weights = weights or mini().weights
    paths = (weights / "autoencoder.safetensors", weights / "speech.safetensors")
    with count_bar("frames", quiet) as progress:
        encode_corpus(corpora, out, *paths, mini().settings.motion, progress, who)
