"""The commands under `evaluate`: videos judged, methods compared, the regression gate, the model's own gates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from longtake.apps.options import Quiet

if TYPE_CHECKING:
    from longtake.evaluate.kit.recipe import Recipe
    from longtake.evaluate.kit.results import Result
    from longtake.evaluate.kit.strips import Shown

DEFAULT = "videos"


class WithDefault(TyperGroup):
    """A group whose first word may be left out: what is no command is given to `videos`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=WithDefault,
    help="Judge talking videos, by any method: `longtake evaluate RECIPE`, or --generated DIR --real DIR.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Set = Annotated[
    list[str],
    typer.Option("--set", metavar="SECTION.NAME=VALUE", help="Change one line of the recipe; may be repeated."),
]
Out = Annotated[Path | None, typer.Option("--out", "-o", metavar="DIR", help="The folder to write; default: report.")]


@app.command()
def videos(
    recipe: Annotated[Path | None, typer.Argument(metavar="RECIPE", help="A TOML file from recipes/eval.")] = None,
    generated: Annotated[Path | None, typer.Option(metavar="DIR", help="The videos to judge.")] = None,
    real: Annotated[Path | None, typer.Option(metavar="DIR", help="The true ones, of the same names.")] = None,
    metrics: Annotated[str, typer.Option(help="Names with commas between them, or all.")] = "",
    identity: Annotated[
        str, typer.Option(metavar="PATTERN", help="Whom a video shows, from its name: '(.*)_[0-9]+'.")
    ] = "",
    window: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Curves over time, by so many seconds.")
    ] = None,
    out: Out = None,
    assignments: Set = [],  # noqa: B006
    quiet: Quiet = False,
) -> None:
    """Judge videos; stopped, the same command goes on."""
    from longtake.evaluate.kit.evaluating import evaluate_folders, evaluate_recipe
    from longtake.evaluate.kit.recipe import Recipe, read_recipe

    if (recipe is None) == (generated is None):
        raise typer.BadParameter("give a RECIPE, or --generated DIR (with --real DIR where there are true videos)")
    if real is not None and generated is None:
        raise typer.BadParameter("--real goes with --generated; a recipe names its data itself")
    plan = read_recipe(recipe) if recipe else Recipe(title=f"Videos of {generated}")
    plan = _changed(plan, metrics, window, out, assignments)
    _begin(plan)
    if generated is None:
        result, shown = evaluate_recipe(plan, _say(quiet))
    else:
        result, shown = evaluate_folders(plan, generated, real, identity, _say(quiet))
    _finish(plan, result, shown)


@app.command()
def compare(
    systems: Annotated[
        Path, typer.Argument(metavar="SYSTEMS", help="A TOML file: data, and a [[system]] for each method.")
    ],
    metrics: Annotated[str, typer.Option(help="Names with commas between them, or all.")] = "",
    out: Out = None,
    assignments: Set = [],  # noqa: B006
    quiet: Quiet = False,
) -> None:
    """Call installed methods for the same clips, and judge them side by side."""
    from longtake.evaluate.kit.evaluating import evaluate_recipe
    from longtake.evaluate.kit.recipe import read_recipe

    plan = _changed(read_recipe(systems), metrics, None, out, assignments)
    _begin(plan)
    _finish(plan, *evaluate_recipe(plan, _say(quiet)))


@app.command()
def gate(
    base: Annotated[Path, typer.Argument(metavar="BASE", help="The metrics.json that must be held.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The metrics.json to be tried.")],
    quiet: Quiet = False,
) -> None:
    """Fail with exit code 1 if a score fell by more than its interval."""
    from longtake.evaluate.kit.regression import compare_results
    from longtake.evaluate.kit.results import read_result

    verdicts = compare_results(read_result(base), read_result(new))
    fallen = [verdict for verdict in verdicts if verdict.fell]
    for verdict in verdicts if not quiet else fallen:
        typer.echo(f"{'FELL' if verdict.fell else 'holds'}  {verdict.system}, {verdict.name}: {verdict.said}")
    if fallen:
        names = ", ".join(f"{verdict.name} of {verdict.system}" for verdict in fallen)
        typer.echo(f"{len(fallen)} of {len(verdicts)} scores fell by more than their intervals: {names}.", err=True)
        raise typer.Exit(1)
    typer.echo(f"None of {len(verdicts)} scores fell by more than its interval.")


@app.command("metrics")
def list_metrics() -> None:
    """List all metrics: whether they can be computed here, and what to do where not."""
    from longtake.errors import LongtakeError
    from longtake.evaluate.metrics.registry import metrics

    for metric in metrics(["all"]):
        about = metric.about
        try:
            metric.ready()
            state = "ready" if about.comparable else "ready, a stand-in: not comparable"
        except LongtakeError as error:
            state = f"missing. {' '.join(str(error).split())}"
        needs = f"; needs {', '.join(sorted(about.needs))}" if about.needs else ""
        typer.echo(f"{about.name}  {about.hash}  {state}\n    {about.says}{needs}")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def gates(context: typer.Context) -> None:
    """Measure the quality gates of the shipped model; --help lists what it takes."""
    from longtake.evaluate.gates import main as measure_gates

    command = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    command.command()(measure_gates)
    code = command(context.args, prog_name="longtake evaluate gates", standalone_mode=False)
    raise typer.Exit(code if isinstance(code, int) else 0)


def _changed(plan: Recipe, metrics: str, window: float | None, out: Path | None, assignments: list[str]) -> Recipe:
    changes: dict[str, dict[str, Any]] = {"metrics": {}, "report": {}}
    if metrics:
        changes["metrics"]["names"] = [name.strip() for name in metrics.split(",") if name.strip()]
    if window is not None:
        changes["metrics"]["window_s"] = window
    if out is not None:
        changes["report"]["out"] = out
    return plan.overlay(changes).apply_set(*assignments)


def _begin(plan: Recipe) -> None:
    """Everything that can be refused is refused before the long work."""
    from longtake.errors import OutputError
    from longtake.evaluate.kit.reporting import NAMES, check_out

    target = check_out(plan.report.out) / NAMES["page"]
    if target.exists() and not target.read_bytes().startswith(_made().encode()):
        raise OutputError(f"'{target}' is there already and is no report.", do="choose another folder with -o")


def _made() -> str:
    from longtake.apps.evaluate_page import MADE

    return MADE


def _finish(plan: Recipe, result: Result, shown: list[Shown]) -> None:
    from longtake.apps.evaluate_page import page
    from longtake.evaluate.kit.reporting import NAMES, write_report
    from longtake.evaluate.kit.sheets import write_sheets
    from longtake.evaluate.kit.tables import paper_form

    write_report(result, plan.report.out)
    write_sheets(shown, plan.report.out)
    target = plan.report.out / NAMES["page"]
    target.write_text(page(result, shown))
    typer.echo(paper_form(result))
    typer.echo(target)


def _say(quiet: bool):
    return (lambda text: None) if quiet else (lambda text: typer.echo(text, err=True))
