"""The shipped model and its controls as one program that makes the videos of a list, for `longtake evaluate compare`.

    python -m longtake.evaluate.kit.performing KIND LIST [--set SECTION.NAME=VALUE]

LIST is the JSON file that `together` systems are given: portrait, speech and out of each clip. What is there is not made again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from longtake.errors import SettingsError
from longtake.evaluate.command import run_command

if TYPE_CHECKING:
    from longtake.animator import Animator

KINDS = ("model", "still", "untrained", "swapped", "independent")


def main(
    kind: str = typer.Argument(help=f"one of {', '.join(KINDS)}"),
    listed: Path = typer.Argument(help="the JSON file of clips"),
    assignments: list[str] = typer.Option([], "--set", help="settings of the model"),
    weights: Path = typer.Option(None, help="other animation weights than the shipped ones"),
) -> None:
    """Makes the videos."""
    if kind not in KINDS:
        raise SettingsError(f"There is no way to perform '{kind}'.", expected=f"one of {', '.join(KINDS)}")
    rows = json.loads(listed.read_text())
    waiting = [(row, voice_for(rows, place, kind)) for place, row in enumerate(rows)]
    waiting = [(row, voice) for row, voice in waiting if not Path(row["out"]).exists()]
    if kind == "still":
        for row, _ in waiting:
            hold(Path(row["portrait"]), Path(row["speech"]), Path(row["out"]))
        return
    animator = animator_of(kind, assignments, weights)
    for row, voice in waiting:
        print(row["name"], flush=True)
        animator.animate(row["portrait"], voice, row["out"], overwrite=True, restart=True)


def voice_for(rows: list[dict[str, Any]], place: int, kind: str) -> str:
    """The voice that a clip is given: its own, or, swapped, the next clip's."""
    return rows[(place + 1) % len(rows) if kind == "swapped" else place]["speech"]


def hold(portrait: Path, speech: Path, out: Path, fps: int = 25) -> None:
    """The picture as a video as long as the speech."""
    from longtake.evaluate.kit.normalising import write_frames
    from longtake.media.images import read_image
    from longtake.media.sound import open_speech

    picture = read_image(portrait)
    count = open_speech(speech).frames(fps)
    write_frames((picture for _ in range(count)), fps, out, speech)


def animator_of(kind: str, assignments: list[str], weights: Path | None = None) -> Animator:
    """The model, or the control of it: random weights, or segments that know nothing of each other.

    The whole picture is animated: portraits come cut, so that frames lie on the true frames.
    """
    from longtake.evaluate.controls import player_with
    from longtake.presets import preset

    shipped = preset("mini").settings
    settings = shipped.overlay({"portrait": {"framing": "whole"}}).apply_set(*assignments)
    if kind == "independent":
        settings = settings.overlay({"sampling": {"strategy": "parallel"}})
    animator = player_with(weights, settings.model_dump())
    if kind == "untrained":
        forget(animator.networks.animation)
    return animator


def forget(network: Any, seed: int = 0) -> None:
    """Gives every layer the random weights that PyTorch begins with, and every bare parameter small ones."""
    import torch

    torch.manual_seed(seed)
    known = set()
    with torch.no_grad():
        for module in network.modules():
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()
                known.update(id(parameter) for parameter in module.parameters(recurse=False))
        for parameter in network.parameters():
            if id(parameter) not in known:
                parameter.normal_(std=0.02)


if __name__ == "__main__":
    run_command(main)
