"""The quality gates: the model speaks held-out clips, what comes out is measured, every row has its bar.

python -m longtake.evaluate.gates [--assets DIR] [--out gates.json] [--short] [--sheet sheet.png]
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from longtake.evaluate.asking import ask_words, speaker
from longtake.evaluate.cases import FIXTURES, Case, read_cases
from longtake.evaluate.command import run_command
from longtake.evaluate.comparing import Compared, compare, first_seconds, portrait_in, through_autoencoder
from longtake.evaluate.controls import CONTROLS, controls_row, made_now, player_with, read_controls
from longtake.evaluate.curves import correlation, lagged
from longtake.evaluate.enhancing import enhance_rows
from longtake.evaluate.face import measure_face
from longtake.evaluate.kit.gate_rows import kit_rows
from longtake.evaluate.minute import minute_of_speech, play_minute
from longtake.evaluate.playing import Player, play
from longtake.evaluate.real import PHONES, Spoken, real_portraits, speak_recordings
from longtake.evaluate.rows import Bar, Row, markdown_table, print_table, write_json
from longtake.evaluate.sheet import write_sheet
from longtake.evaluate.summing import (
    clip_rows,
    fixture_openness,
    lag_of,
    minute_rows,
    real_rows,
    reference_rows,
    silent_row,
    vowel_row,
)
from longtake.settings import EnhanceSettings

SILENT_CLIPS = 6
SHEET_CLIPS = 4
SHORT_CLIPS, SHORT_S = 2, 1.5
SHORT_BARS = {
    "mouth_correlation": Bar(low=0.25),
    "identity_distance": Bar(high=0.6),
    "motion_energy_ratio": Bar(low=0.2, high=4.0),
    "faces_found": Bar(low=1.0),
}
"""Far below the real bars, but above what a still portrait or untrained weights reach."""


class Clock:
    """Says what is going on, with the seconds since the start."""

    def __init__(self) -> None:
        self.start = time.perf_counter()

    def tell(self, text: str) -> None:
        """Prints a line at once."""
        print(f"[{time.perf_counter() - self.start:6.0f} s] {text}", flush=True)


def run_gates(
    player: Player, cases: Sequence[Case], assets: Path | None, controls: Path, words: int = 0
) -> tuple[list[Row], list[Compared]]:
    """All rows, and the clips that they come from; prompts are tried on the first `words` of them."""
    clock = Clock()
    fps = cases[0].fps
    set = f"{len(cases)} held-out clips"
    clips = compare_all(player, cases, clock)
    lag = lag_of(clips)
    rows = clip_rows(clips, lag, set)
    rows.append(silent_row(speak_silence(player, cases[:SILENT_CLIPS], clips, lag, clock), set))
    clock.tell("one minute of speech")
    lost = play_minute(player, portrait_in(cases[0], player), minute_of_speech(cases), fps)
    rows += minute_rows(lost, "one minute of their speech")
    rows += vowel_rows(player, cases, clips, lag, assets, set, clock)
    rows.append(controls_row(clips, rows[0].value, lost, read_controls(controls), set))
    speak = speaker(player)
    if speak and words:
        rows += ask_words(speak, cases[:words], player.settings.sampling.seed, clock.tell)
    rows += kit_rows()
    if hasattr(player, "networks") and player.preset.enhancer.exists():
        rows += _enhancing(player.preset.enhancer, player, clock)
    rows += reference_rows(clips, set, fps)
    clock.tell("done")
    return rows, clips


def _enhancing(weights: Path, player: Any, clock: Clock) -> list[Row]:
    """The rows of the enhancer, where its weights lie beside the model's."""
    from longtake.networks import load_enhancer

    clock.tell("faces made sharp")
    network = load_enhancer(weights, player.settings.run)
    return enhance_rows(network, player.networks.autoencoder, EnhanceSettings(), tell=clock.tell)


def run_short(player: Player, cases: Sequence[Case]) -> list[Row]:
    """A few rows from the first seconds of a few clips, with loose bars: a test of the model, not a result."""
    clips = [compare(player, case, seconds=SHORT_S) for case in cases[:SHORT_CLIPS]]
    rows = clip_rows(clips, lag_of(clips), f"first {SHORT_S} s of {len(clips)} clips, loose bars")
    return [Row(r.name, r.value, r.set, SHORT_BARS[r.name]) for r in rows if r.name in SHORT_BARS]


def compare_all(player: Player, cases: Sequence[Case], clock: Clock) -> list[Compared]:
    """Every clip played and measured, with the truth through the autoencoder beside it."""
    through = through_autoencoder(player) if hasattr(player, "networks") else None
    clips = []
    for i, case in enumerate(cases, 1):
        clip = compare(player, Case(case.name, case.folder, case.fps), through)  # a copy forgets its frames
        clips.append(clip)
        r = correlation(*lagged(clip.output.mouth, clip.truth.mouth, clip.voiced, 0))
        clock.tell(f"clip {i} of {len(cases)}, {case.name}: mouth {r:.2f}, identity {clip.output.identity:.2f}")
    return clips


def speak_silence(
    player: Player, cases: Sequence[Case], clips: Sequence[Compared], lag: int, clock: Clock
) -> list[float]:
    """The mouth correlations with the truth when the model hears only silence."""
    found = []
    for case, clip in zip(cases, clips, strict=False):
        samples, _ = first_seconds(case)
        frames = play(player, portrait_in(case, player), samples * 0)
        mouth = measure_face(frames, case.fps, identity_every=len(frames)).mouth
        found.append(correlation(*lagged(mouth, clip.truth.mouth, clip.voiced, lag)))
        clock.tell(f"silence instead of {case.name}: mouth {found[-1]:.2f}")
    return found


def vowel_rows(
    player: Player,
    cases: Sequence[Case],
    clips: Sequence[Compared],
    lag: int,
    assets: Path | None,
    set: str,
    clock: Clock,
) -> list[Row]:
    """Open vowels against closures: on real speech where there are assets, else on the clips, and the row says so."""
    fixture = fixture_openness(clips, cases[0].fps, lag)
    set = f"{set}, synthetic speech"
    if assets is None:
        return [vowel_row("vowel_closure_effect", fixture, set)]
    phones = cases[0].folder / PHONES
    spoken = list(
        speak_recordings(player, [portrait_in(c, player) for c in cases[:5]], assets, phones, lag, clock.tell)
    )
    shown = _speak_portraits(player, assets, phones, lag, clock)
    return [*real_rows(spoken, shown), vowel_row("vowel_closure_effect_fixtures", fixture, set)]


def _speak_portraits(player: Player, assets: Path, phones: Path, lag: int, clock: Clock) -> list[Spoken]:
    portraits = real_portraits(assets, player)
    said = speak_recordings(player, portraits, assets, phones, lag, lambda path: clock.tell(f"{path}, real portrait"))
    return [spoken for _, spoken in zip(portraits, said, strict=False)]


def write_page(rows: Sequence[Row], folder: Path, about: dict) -> Path:
    """The path of the dated result page, written."""
    path = folder / f"gates-{about['date']}.md"
    failed = [r.name for r in rows if r.passed is False]
    text = (
        f"# Quality gates, {about['date']}\n\n"
        f"`make gates`, default settings of `mini`, seed {about['seed']}, commit {about['commit']}.\n"
        f"Hardware: {about['hardware']}. Weights: {about['weights']}.\n"
        f"What each row means: `docs/evaluation.md`.\n\n{markdown_table(rows)}\n"
        f"Not reached: {', '.join(failed) if failed else 'none'}.\n"
    )
    path.write_text(text)
    return path


def main(
    assets: Path = typer.Option(None, help="folder of assets: adds the rows on real speech and portraits"),
    out: Path = typer.Option(None, help="JSON file to write; gates.json, or none with --short"),
    short: bool = typer.Option(False, "--short", help="two clips of 1.5 s with loose bars, under a minute"),
    sheet: Path = typer.Option(None, help="picture to write: true frames above the model's"),
    page: Path = typer.Option(None, help="folder in which to write a dated result page"),
    fixtures: Path = typer.Option(FIXTURES, help="folder of the held-out clips"),
    controls: Path = typer.Option(CONTROLS, help="what the controls reached"),
    weights: Path = typer.Option(None, help="other animation weights than the shipped ones: a file or a folder"),
    clips: int = typer.Option(None, help="use only so many clips; a trial, not a result"),
    words: int = typer.Option(20, help="clips that prompts are tried on, if the weights follow any; 0: none"),
    strict: bool = typer.Option(False, "--strict", help="exit with 1 if a gate is not reached"),
) -> None:
    """Measures the model against its bars."""
    player = player_with(weights)
    cases = read_cases(fixtures, clips)
    if short:
        rows, seen = run_short(player, cases), []
    else:
        rows, seen = run_gates(player, cases, assets, controls, words)
        out = out or Path("gates.json")
    about = made_now(player.settings.sampling.seed) | {"weights": player.networks.hashes}
    print_table(rows, f"longtake mini, {about['hardware']}")
    if out:
        write_json(rows, out)
    if sheet and seen:
        picked = seen[:: max(1, len(seen) // SHEET_CLIPS)][:SHEET_CLIPS]
        write_sheet([clip.shown for clip in picked], [clip.name for clip in picked], sheet)
    if page:
        print(f"written: {write_page(rows, page, about)}")
    failed = [r.name for r in rows if r.passed is False]
    print(f"{len(failed)} gates not reached: {', '.join(failed)}" if failed else "all gates reached")
    raise typer.Exit(1 if strict and failed else 0)


if __name__ == "__main__":
    run_command(main)
