"""The command `prompts check`: a track over its speech, drawn, and everything that is odd about it, before any work is done."""

from __future__ import annotations

import json as json_text
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from longtake.apps.options import Json

if TYPE_CHECKING:
    from longtake.clips import Prompts
    from longtake.presets import Preset

app = typer.Typer(help="Look at timed prompts before they are used.", no_args_is_help=True, rich_markup_mode=None)
MOST_TOLD = 40
ASKED = 0.5  # an expression that the encoder hears so clearly in a text is meant


@app.callback()
def prompts() -> None:
    """Look at timed prompts before they are used."""


@app.command()
def check(
    speech: Annotated[Path, typer.Option(metavar="SPEECH", help="The sound that they go with.")],
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="Prompts: YAML, JSON, SRT or WebVTT; may be left out for --auto-expression."
        ),
    ] = None,
    auto_expression: Annotated[
        bool, typer.Option("--auto-expression", help="With what the speech itself suggests, between the prompts.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="PNG", help="Draw the track over the sound's waveform.")
    ] = None,
    preset: Annotated[str, typer.Option(help="The model whose words are looked up.")] = "mini",
    fps: Annotated[int, typer.Option(min=1, help="Frames per second of the video.")] = 25,
    json: Json = False,
) -> None:
    """Name overlaps, gaps, prompts past the end and unknown words; draw the track."""
    from longtake.apps.prompt_sheet import draw
    from longtake.clips import Prompts
    from longtake.expressing import expressive_cues, merged
    from longtake.prepare import prepare_speech
    from longtake.presets import preset as preset_named
    from longtake.prompt_files import read_prompts
    from longtake.prompt_remarks import remarks
    from longtake.prompts import plain

    if file is None and not auto_expression:
        raise typer.BadParameter("give a FILE of prompts, or --auto-expression")
    track, sound = read_prompts(file) if file else Prompts(), prepare_speech(speech)
    whole = merged(track, expressive_cues(sound), fps) if auto_expression else track
    # What the speech suggests is meant to have gaps.
    timing = [one for one in remarks(track, sound.seconds, fps) if not (auto_expression and one.kind == "gap")]
    wording = list(_wording(track, preset_named(preset), auto_expression))
    suggested = Prompts(tuple(cue for cue in whole.cues if cue not in track.cues))
    if out:
        draw(whole, sound, timing, fps, out, suggested.cues)
    if json:
        told = {"prompts": len(track.cues), "seconds": round(sound.seconds, 3), "drawing": out and str(out)}
        told |= {"suggested": plain(suggested).get("cues", [])} if auto_expression else {}
        print(json_text.dumps(told | {"remarks": [*map(asdict, timing), *wording]}, indent=2))
        return
    said = [*(remark.said for remark in timing), *(remark["said"] for remark in wording)]
    for line in said[:MOST_TOLD]:
        print(f"! {line}")
    if len(said) > MOST_TOLD:
        print(f"! ... and {len(said) - MOST_TOLD} more (--json tells all)")
    more = f"and {len(suggested.cues)} out of the speech " if auto_expression else ""
    count = "1 remark" if len(said) == 1 else f"{len(said) or 'no'} remarks"
    print(f"{file or speech}: {len(track.cues)} prompts {more}over {sound.seconds:.2f} s, {count}")


def _wording(track: Prompts, model: Preset, auto_expression: bool = False) -> Iterator[dict[str, Any]]:
    """What the model will not understand, and what contradicts itself, as its own word encoder reads it."""
    if not model.knows_words:
        if track.texts or auto_expression:
            yield {
                "kind": "no words",
                "said": f"{model.name} has not learned any words: these prompts will be refused.",
            }
        return
    from longtake.corpus.expressions import contradictions
    from longtake.networks import words_of
    from longtake.prompts import titled
    from longtake.telling import unknown_words

    encoder = words_of(model)
    assert encoder is not None, "word norms come with their encoder"
    yield from ({"kind": "unknown words", "said": said} for said in unknown_words(track, encoder))
    states = getattr(encoder, "states", None)  # not every encoder knows what a text asks for
    if states is None:
        return
    for cue in track.cues:
        asked = {name: much for name, much in states([cue.text])[0].items() if much >= ASKED} if cue.text else {}
        for one, other in contradictions(asked):
            said = f"{titled(cue)} asks for two things that exclude each other: {one} and {other}."
            yield {"kind": "contradiction", "start_s": cue.start_s, "said": said}
