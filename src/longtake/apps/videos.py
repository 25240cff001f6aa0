"""The commands that make videos: `animate` and `enhance`, from their options to what is asked for."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from longtake.apps.options import Overwrite, Quiet, Set


class Strategy(StrEnum):
    incremental = "incremental"
    parallel = "parallel"


class Framing(StrEnum):
    head = "head"
    full = "full"


class Around(StrEnum):
    moving = "moving"
    still = "still"


class Codec(StrEnum):
    auto = "auto"
    h264 = "h264"
    hevc = "hevc"
    av1 = "av1"


class Precision(StrEnum):
    auto = "auto"
    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


def animate(
    portrait: Annotated[Path, typer.Argument(metavar="PORTRAIT", help="A picture with a face.")],
    speech: Annotated[Path, typer.Argument(metavar="SPEECH", help="A sound or video file with the voice.")],
    named: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="OUT", help="The video to write.", show_default="talk.mp4"),
    ] = None,
    preset: Annotated[str, typer.Option(help="The model: mini or hallo2.")] = "mini",
    prompt: Annotated[
        list[str],
        typer.Option(metavar="[TIME=]TEXT", help='What the person should look like, from when on: 0:12="laughing".'),
    ] = [],  # noqa: B006
    prompts: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file of prompts: YAML, JSON, SRT or WebVTT (docs/prompts.md)."),
    ] = None,
    negative: Annotated[str | None, typer.Option(metavar="TEXT", help="What to lead away from.")] = None,
    auto_expression: Annotated[
        bool | None,
        typer.Option(
            "--auto-expression/--no-auto-expression",
            help="Prompts out of the speech itself, between yours: stresses, phrase ends, pauses.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed gives another performance.")] = None,
    steps: Annotated[int | None, typer.Option(help="Denoising steps per segment.")] = None,
    guidance: Annotated[
        float | None, typer.Option(help="Guidance scale for all that the preset guides by; 1 = none.")
    ] = None,
    expressiveness: Annotated[
        float | None, typer.Option(help="How much the face shows, 0 to 2; 1 is as trained (also the two below).")
    ] = None,
    head_motion: Annotated[float | None, typer.Option(help="How much speech moves the head, 0 to 2.")] = None,
    lip_strength: Annotated[float | None, typer.Option(help="How much speech moves the lips, 0 to 2.")] = None,
    size: Annotated[
        int | None, typer.Option(min=16, max=4096, metavar="N", help="Pixels of the video's longer side, up to 4096.")
    ] = None,
    framing: Annotated[
        Framing | None,
        typer.Option(help="Show the head alone (the default), or the full picture with it in its place."),
    ] = None,
    around: Annotated[
        Around | None, typer.Option(help="In the full picture, what surrounds the face: moving (the default) or still.")
    ] = None,
    fps: Annotated[int | None, typer.Option(help="Frames per second.")] = None,
    codec: Annotated[Codec | None, typer.Option(help="auto: H.264 where players take the size, else HEVC.")] = None,
    bits: Annotated[int | None, typer.Option(help="Bits of a colour: 8 or 10.")] = None,
    quality: Annotated[
        int | None, typer.Option(min=0, max=100, help="Of the pictures, 0 to 100; 80 by default.")
    ] = None,
    strategy: Annotated[
        Strategy | None, typer.Option(help="Each segment from the one before, or all from the portrait, cross-faded.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1 ...")] = None,
    dtype: Annotated[Precision | None, typer.Option(help="Number format of the networks.")] = None,
    offload: Annotated[
        bool | None, typer.Option("--offload", help="Bring each block of the networks to the GPU only while it runs.")
    ] = None,
    compile: Annotated[
        bool | None, typer.Option("--compile", help="Compile the layers: minutes at first, faster afterwards.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Converted weights; default: the preset's folder.")
    ] = None,
    separate_voice: Annotated[
        bool, typer.Option("--separate-voice", help="Listen to the voice alone, without music and noise.")
    ] = False,
    face: Annotated[int | None, typer.Option(help="Which face, counted from the left; default: the largest.")] = None,
    config: Annotated[Path | None, typer.Option(metavar="TOML", help="A file with settings.")] = None,
    assignments: Set = [],  # noqa: B006
    overwrite: Overwrite = False,
    restart: Annotated[
        bool,
        typer.Option("--restart/--resume", help="Begin anew, or go on with what a stopped run left (the default)."),
    ] = False,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="TIME",
            help="Make OUT, a finished video, anew from here, like 12:30, or from the first changed prompt: change ...",
        ),
    ] = None,
    stop: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="... to here; by default to its end.")
    ] = None,
    keep_journal: Annotated[
        bool, typer.Option("--keep-journal", help="Keep the records of the run in OUT.longtake when it is done.")
    ] = False,
    json_progress: Annotated[
        bool, typer.Option("--json-progress", help="Print one JSON line a segment (docs/long-runs.md).")
    ] = False,
    preview: Annotated[
        Path | None,
        typer.Option(metavar="FILE|FOLDER", help="Keep writing the latest frame to a .jpg or .png, or into a folder."),
    ] = None,
    preview_every: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="A preview every N segments; default: 10.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Make nothing: judge both inputs, foretell time, disk and memory.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print what --dry-run finds as JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Make PORTRAIT speak SPEECH. Stopped or killed, the same command goes on."""
    from longtake.apps.animate import Told, Wish, animate_file, animate_span
    from longtake.apps.lines import event_lines
    from longtake.prompt_files import said

    flags = {
        "sampling": {"seed": seed, "steps": steps, "strategy": strategy and strategy.value},
        "guidance": dict.fromkeys(("portrait", "speech", "words"), guidance),
        "performance": {
            "expressiveness": expressiveness,
            "head_motion": head_motion,
            "lip_strength": lip_strength,
            "auto_expression": auto_expression,
        },
        "video": {
            "fps": fps,
            "size_px": size,
            "framing": framing and framing.value,
            "around": around and around.value,
            "codec": codec and codec.value,
            "bits": bits,
            "crf": None if quality is None else round(38 - quality / 4),
        },
        "run": {"device": device, "dtype": dtype and dtype.value, "offload": offload, "compile": compile},
        "portrait": {"face": face},
        "speech": {"separate_voice": separate_voice or None},
    }
    if prompt and prompts:
        raise typer.BadParameter("give prompts by --prompt or in a file with --prompts, not both")
    track, out = said(prompt, prompts, negative), named or Path("talk.mp4")
    wish = Wish(portrait, speech, out, preset, given(flags), config, assignments, weights, track)
    if json and not dry_run:
        raise typer.BadParameter("--json goes with --dry-run; for the lines of a run there is --json-progress")
    if dry_run and (start is not None or stop is not None):
        raise typer.BadParameter("--dry-run looks at whole videos; leave out --from and --to")
    if dry_run:
        from longtake.apps import preflight

        preflight.show(preflight.preflight(wish, overwrite, named is not None), as_json=json)
        return
    with event_lines(json_progress) as lines:
        told = Told(quiet, lines, preview, preview_every)
        if start is None and stop is None:
            animate_file(wish, told, overwrite, restart, keep_journal)
        else:
            animate_span(wish, told, start or "0", stop, restart)


def enhance(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="Any video, with or without faces.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="OUT", help="The video to write: .mp4, .mov or .mkv.")],
    size: Annotated[int | None, typer.Option(min=16, metavar="N", help="Pixels of the longer side, like 4096.")] = None,
    scale: Annotated[float | None, typer.Option(min=0.1, metavar="S", help="Times as large, like 4.")] = None,
    same_size: Annotated[bool, typer.Option("--same-size", help="Restore, but keep the size.")] = False,
    start: Annotated[str | None, typer.Option("--from", metavar="TIME", help="Begin here, like 12:30.")] = None,
    stop: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Stop here.")] = None,
    preset: Annotated[str, typer.Option(help="Whose enhancer: mini or hallo2.")] = "mini",
    weights: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Folder with enhancer.safetensors.")] = None,
    fidelity: Annotated[float | None, typer.Option(help="0 = sharpest, 1 = closest to the input.")] = None,
    face_only: Annotated[bool, typer.Option("--face-only", help="Restore faces; the rest is only resized.")] = False,
    background_only: Annotated[bool, typer.Option("--background-only", help="No faces, so no network.")] = False,
    codec: Annotated[str | None, typer.Option(help="auto, h264, hevc, av1 or prores.")] = None,
    bits: Annotated[int | None, typer.Option(help="Bits of a colour: 8 or 10.")] = None,
    quality: Annotated[int | None, typer.Option(help="0 to 100.")] = None,
    hardware: Annotated[bool, typer.Option("--hardware", help="Encode on the GPU where it can.")] = False,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1 ...")] = None,
    dtype: Annotated[Precision | None, typer.Option(help="Number format of the network.")] = None,
    compile: Annotated[
        bool | None, typer.Option("--compile", help="Compile the network: a minute once, faster afterwards.")
    ] = None,
    config: Annotated[Path | None, typer.Option(metavar="TOML", help="A file with settings.")] = None,
    assignments: Set = [],  # noqa: B006
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Make VIDEO larger and its faces sharp, steadily over time; its sound is copied."""
    from longtake.apps.enhance import Wish, enhance_file

    if sum((size is not None, scale is not None, same_size)) != 1:
        raise typer.BadParameter("give one of --size N, --scale S, --same-size")
    if face_only and background_only:
        raise typer.BadParameter("give --face-only or --background-only, not both")
    what = "face" if face_only else "background" if background_only else None
    flags = {
        "enhance": {"what": what, "fidelity": fidelity},
        "output": {"codec": codec, "bits": bits, "quality": quality, "hardware": hardware or None},
        "run": {"device": device, "dtype": dtype and dtype.value, "compile": compile},
    }
    wish = Wish(video, out, size, scale, start, stop, preset, weights, given(flags), config, assignments)
    enhance_file(wish, overwrite, quiet)


def given(flags: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The flags that were given, by section."""
    present = {section: {k: v for k, v in values.items() if v is not None} for section, values in flags.items()}
    return {section: values for section, values in present.items() if values}
