"""The commands `weights ...`: which files there are, fetching, checking, converting and exporting them."""

from __future__ import annotations

import json as json_format
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from longtake.apps.options import Json, Quiet
from longtake.apps.outcome import say

app = typer.Typer(
    help="The published weights: list, fetch, check, convert, export.", no_args_is_help=True, rich_markup_mode=None
)
Model = Annotated[str, typer.Argument(metavar="MODEL", help="hallo2 or hallo.")]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="Where ours go; default: the preset's folder.")
]
DType = Annotated[str | None, typer.Option(help="Number type of the networks: float16, bfloat16 or float32.")]


@app.command("list")
def list_files(model: Model = "hallo2", json: Json = False) -> None:
    """Show every published file: size, licence, whether it is needed and whether it is here."""
    from longtake.weights.published import NEEDS
    from longtake.weights.published import model as published

    found, folder = published(model), folder_of(model)
    rows = [
        {
            "path": file.path,
            "mb": file.mb,
            "licence": file.licence,
            "needed": NEEDS[file.need],
            "what": file.purpose,
            "here": str(place) if (place := place_of(found.repo, file, folder)) else None,
        }
        for file in found.files
    ]
    if json:
        typer.echo(json_format.dumps({"repo": found.repo, "folder": str(folder), "files": rows}, indent=2))
        return
    needed = sum(file.mb for file in found.wanted())
    typer.echo(f"{model}: {found.repo} on the hub; needed are {needed / 1000:.2f} GB. Converted files go to {folder}")
    for row in rows:
        here = "here" if row["here"] else "not here"
        typer.echo(f"  {row['mb']:8.1f} MB  {row['needed']:<20}  {here:<8}  {row['path']}")
        typer.echo(f"{'':15}{row['what']}; licence: {row['licence']}")
    typer.echo(licence_note(found.wanted()))


@app.command()
def fetch(
    model: Model = "hallo2",
    out: Out = None,
    separate_voice: Annotated[
        bool, typer.Option("--separate-voice", help="Also what parts a voice from music.")
    ] = False,
    enhance: Annotated[bool, typer.Option("--enhance", help="Also what enhances (non-commercial).")] = False,
    background: Annotated[
        bool, typer.Option("--background", help="Also what makes the rest of a picture larger (67 MB).")
    ] = False,
    keep_published: Annotated[
        bool, typer.Option("--keep-published", help="Do not convert; print where they are.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Fetch what MODEL needs from the hub and convert it; an interrupted fetch goes on."""
    from longtake.weights.fetch import fetch as fetch_files
    from longtake.weights.published import model as published

    found = published(model)
    optional = {"separate": separate_voice, "enhance": enhance, "background": background}
    needs = ("always", *(name for name, wanted in optional.items() if wanted))
    files = found.wanted(needs)
    if note := licence_note(files):
        say(note)
    if quiet:
        os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    folder = fetch_files(found, files, say=(lambda text: None) if quiet else say)
    if keep_published:
        typer.echo(folder)
        return
    write(folder, out or folder_of(model), None, quiet)


@app.command()
def check(
    folder: Annotated[Path | None, typer.Argument(metavar="FOLDER", help="Published files, or converted ones.")] = None,
    json: Json = False,
) -> None:
    """Tell which files are there, whole and right; reads names and shapes, not numbers."""
    from longtake.errors import WeightsError
    from longtake.weights.check import check as check_files

    reports = check_files(folder or folder_of("hallo2"))
    bad = [report for report in reports if not report.ok]
    if json:
        rows = [{**vars(report), "place": report.place and str(report.place), "ok": report.ok} for report in reports]
        typer.echo(json_format.dumps({"ok": not bad, "files": rows}, indent=2))
    else:
        for report in reports:
            optional = "" if report.needed or report.status != "missing" else " (not needed)"
            typer.echo(f"{report.status:<10} {report.path}{optional}: {report.seen}".rstrip(": "))
            if report.do:
                typer.echo(f"{'':<10} next: {report.do}")
        typer.echo("everything needed is here and right" if not bad else f"{len(bad)} files are in the way")
    if bad:
        raise typer.Exit(WeightsError.exit_code)


@app.command()
def convert(
    published: Annotated[Path, typer.Argument(metavar="PUBLISHED", help="A folder of published files, or one file.")],
    out: Out = None,
    preset: Annotated[str, typer.Option(help="Whose folder to fill.")] = "hallo2",
    dtype: DType = None,
    quiet: Quiet = False,
) -> None:
    """Turn published files into ours; memory stays small."""
    write(published, out or folder_of(preset), dtype, quiet)


@app.command()
def export(
    trained: Annotated[Path, typer.Argument(metavar="TRAINED", help="animation.safetensors, or a folder with it.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="NET", help="The file to write.")] = Path("net.pth"),
    base: Annotated[
        Path | None, typer.Option(metavar="NET", help="A published net.pth, for the parts that never act.")
    ] = None,
    dtype: DType = None,
    quiet: Quiet = False,
) -> None:
    """Write our networks as a net.pth that the released code loads."""
    from longtake.weights.export import export as export_file

    done = export_file(trained, out, base, number_type(dtype))
    if not quiet:
        say(f"{done.path}: {done.taken} tensors, {done.filled} more that never act")
        if done.left_out:
            say(f"{len(done.left_out)} tensors of word norms stay out: the published networks have no place for them")


@app.command()
def names(model: Model = "hallo2", json: Json = False) -> None:
    """Print every tensor of net.pth that MODEL accounts for, used or knowingly skipped, with its shape."""
    from longtake.weights.kinds import net_shapes
    from longtake.weights.names import NEVER_RUN, ours
    from longtake.weights.published import model as published

    published(model)
    shapes = net_shapes()
    if json:
        typer.echo(json_format.dumps(shapes))
        return
    for name, shape in shapes.items():
        typer.echo(f"{name}  {list(shape)}  {'never used' if NEVER_RUN.match(name) else ours(name)}")


def write(published: Path, out: Path, dtype: str | None, quiet: bool) -> None:
    """Converts under a progress bar and says what came out."""
    from longtake.apps.progress import count_bar
    from longtake.weights import files
    from longtake.weights.convert import convert as convert_files

    with count_bar("MB", quiet) as progress:
        megabytes = lambda done, total: progress(done // 10**6, total // 10**6)  # noqa: E731
        written = convert_files(published, out, megabytes, number_type(dtype))
    for path in [] if quiet else written:
        skipped = files.about(path).get("skipped", 0) if path.suffix == ".safetensors" else 0
        left = f", {skipped} tensors that are never used stayed behind" if skipped else ""
        say(f"{path}: {path.stat().st_size / 1e6:.1f} MB{left}")


def number_type(name: str | None) -> Any:
    """The torch type by name, or None."""
    from longtake.errors import SettingsError

    if name is None:
        return None
    if name not in ("float16", "bfloat16", "float32"):
        raise SettingsError(f"'{name}' is no number type for weights.", expected="float16, bfloat16 or float32")
    import torch

    return getattr(torch, name)


def folder_of(model: str) -> Path:
    """The folder of the preset of this name."""
    from longtake.presets import preset

    return preset(model).weights


def place_of(repo: str, file: Any, folder: Path) -> Path | None:
    """Where a file is: converted in our folder, or as published in the hub's cache."""
    converted = folder / file.becomes
    if file.becomes and converted.is_file():
        return converted
    from longtake.weights.hub import in_cache

    return in_cache(repo, file.path)


def licence_note(files: Any) -> str:
    """What must be known before using these files."""
    bound = [Path(file.path).name for file in files if file.non_commercial]
    return f"Not for commercial use: {', '.join(bound)}; with them, neither is what you make." if bound else ""
