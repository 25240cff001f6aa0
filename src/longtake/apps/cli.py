"""The command line: parse, call, print. Heavy imports wait inside the commands, so that --help is instant."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from longtake.apps.corpus import app as corpus
from longtake.apps.evaluate import app as evaluate_app
from longtake.apps.options import Json, Set
from longtake.apps.outcome import run_app
from longtake.apps.prompts import app as prompts_app
from longtake.apps.videos import animate, enhance
from longtake.apps.weights import app as weights

app = typer.Typer(
    name="longtake",
    help="One portrait and a voice become a video of the person speaking, for as long as the voice lasts.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(corpus, name="corpus")
app.add_typer(weights, name="weights")
app.add_typer(prompts_app, name="prompts")
app.add_typer(evaluate_app, name="evaluate")
app.command()(animate)
app.command()(enhance)


def show_version(wanted: bool) -> None:
    if wanted:
        from longtake import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def longtake(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error (works anywhere).")] = False,
    version: Annotated[bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Settings: preset < --config FILE < --set < the flags. All of them are in docs/settings.md."""


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A TOML file from recipes/.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print parameters, memory and FLOPs; train nothing.")
    ] = False,
    assignments: Set = [],  # noqa: B006
) -> None:
    """Train what RECIPE says, or go on with it."""
    from longtake.train.run import main as train_recipe

    train_recipe(recipe, assignments, dry_run)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A video made with --keep-journal, or its folder.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="OUT", help="The page; default: NAME.report.html beside it.")
    ] = None,
) -> None:
    """Draw what was measured over a run: likeness to the portrait, eyes, work."""
    from longtake.apps.report import report as write_report

    typer.echo(write_report(run, out))


@app.command()
def doctor(
    preset: Annotated[str | None, typer.Option(help="Also predict memory and time of this model here.")] = None,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Make a few segments, and keep their times for --dry-run.")
    ] = False,
    weights: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Its converted weights (--calibrate).")] = None,
    assignments: Set = [],  # noqa: B006
    json: Json = False,
) -> None:
    """Show what is here and how fast it is."""
    from longtake.apps import doctor

    if calibrate:
        doctor.show_calibration(preset or "mini", assignments, weights, as_json=json)
    else:
        doctor.show(doctor.examine(preset), as_json=json)


def main() -> None:
    """Runs the command line and exits with the code of what happened."""
    sys.exit(run_app(app, sys.argv[1:]))
