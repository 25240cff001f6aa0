"""A prompt track drawn over the waveform of its speech: what holds when, how strongly, and where something is odd."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFont

from longtake.clips import Cue, Prompts, Speech
from longtake.errors import OutputError
from longtake.prompt_remarks import Remark
from longtake.prompts import Track
from longtake.times import clock

WIDTH, MARGIN = 1400, 20
WAVE, LANE, CURVE, AXIS = 110, 34, 60, 30  # heights, from the top
GAP_COLOUR, ODD_COLOUR, INK, PAPER = (238, 238, 238), (214, 84, 60), (40, 40, 40), (255, 255, 255)
COLOURS = ((110, 160, 210), (130, 185, 120), (225, 170, 90), (180, 140, 200), (120, 190, 190), (215, 140, 150))


def draw(
    track: Prompts, speech: Speech, remarks: Sequence[Remark], fps: float, out: Path, suggested: Sequence[Cue] = ()
) -> None:
    """Writes the drawing, with the waveform above, the cues that hold below it, then strength and a clock.

    Of the cues those that the speech suggested are drawn as frames without a filling.
    """
    picture = Image.new("RGB", (WIDTH, MARGIN * 2 + WAVE + LANE + CURVE + AXIS), PAPER)
    pen, scale = ImageDraw.Draw(picture), (WIDTH - 2 * MARGIN) / speech.seconds
    for remark in remarks:
        x = [MARGIN + scale * min(time_s, speech.seconds) for time_s in (remark.start_s, remark.stop_s)]
        if remark.kind == "gap":
            pen.rectangle((x[0], MARGIN, x[1], MARGIN + WAVE + LANE), fill=GAP_COLOUR)
    _wave(pen, waveform(speech, WIDTH - 2 * MARGIN))
    turns = Track(track, fps)
    _lane(pen, turns, scale, speech.seconds, fps, frozenset(suggested))
    _strength(pen, turns, scale, fps)
    for remark in remarks:
        if remark.kind != "gap" and remark.start_s < speech.seconds:
            x0 = MARGIN + scale * remark.start_s
            pen.line((x0, MARGIN, x0, MARGIN + WAVE + LANE + CURVE), fill=ODD_COLOUR, width=2)
    _clock(pen, scale, speech.seconds)
    try:
        picture.save(out, format="PNG")
    except OSError as error:
        raise OutputError(
            f"'{out}' can't be written: {error.strerror or error}.", do="choose another place with -o"
        ) from error


def waveform(speech: Speech, columns: int) -> Float[np.ndarray, "columns 2"]:
    """The least and the greatest sample of each column, read piece by piece: the length of the speech costs no memory."""
    edges = np.linspace(0, speech.seconds, columns + 1)
    peaks = np.zeros((columns, 2))
    for k in range(columns):
        samples = speech.read(edges[k], edges[k + 1])
        if len(samples):
            peaks[k] = samples.min(), samples.max()
    return peaks


def _wave(pen: ImageDraw.ImageDraw, peaks: Float[np.ndarray, "columns 2"]) -> None:
    middle, half = MARGIN + WAVE / 2, WAVE / 2 / max(0.05, float(np.abs(peaks).max()))
    for k, (low, high) in enumerate(peaks):
        pen.line((MARGIN + k, middle - half * high, MARGIN + k, middle - half * low), fill=(150, 150, 150))


def _lane(
    pen: ImageDraw.ImageDraw, track: Track, scale: float, seconds: float, fps: float, suggested: frozenset[Cue]
) -> None:
    """A box for each stretch in which one cue holds, with as much of its text as fits."""
    top, font = MARGIN + WAVE, ImageFont.load_default(13)
    colours: dict[str, tuple[int, int, int]] = {}
    ends = [*(turn.frame / fps for turn in track.turns[1:]), seconds][: len(track.turns)]
    for turn, end_s in zip(track.turns, ends, strict=True):
        x0, x1 = MARGIN + scale * turn.frame / fps, MARGIN + scale * min(end_s, seconds)
        if turn.cue is None or not turn.cue.text or x1 <= x0:
            continue
        colour = colours.setdefault(turn.cue.text, COLOURS[len(colours) % len(COLOURS)])
        open_box = turn.cue in suggested
        fill, outline = (PAPER, colour) if open_box else (colour, PAPER)
        pen.rectangle((x0, top, x1, top + LANE - 4), fill, outline, width=3 if open_box else 1)
        pen.text((x0 + 4, top + 7), _fitting(turn.cue.text, x1 - x0 - 8, font), fill=INK, font=font)


def _fitting(text: str, width: float, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    text = text[:120]
    while text and font.getlength(text) > width:
        text = text[:-2].rstrip() + "…" if len(text) > 3 else ""
    return text


def _strength(pen: ImageDraw.ImageDraw, track: Track, scale: float, fps: float) -> None:
    """The strength of the words in each column, 0 at the bottom, 1 at the top."""
    bottom, height = MARGIN + WAVE + LANE + CURVE, CURVE - 8
    frames = (np.arange(WIDTH - 2 * MARGIN) / scale * fps).astype(int)
    points = [(MARGIN + k, bottom - height * track.at(int(frame)).strength) for k, frame in enumerate(frames)]
    pen.line(points, fill=INK, width=2)
    pen.line((MARGIN, bottom, WIDTH - MARGIN, bottom), fill=(180, 180, 180))


def _clock(pen: ImageDraw.ImageDraw, scale: float, seconds: float) -> None:
    top, font = MARGIN + WAVE + LANE + CURVE + 8, ImageFont.load_default(12)
    steps = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400)
    step = next((step for step in steps if seconds / step <= 16), 36_000)
    for k in range(int(seconds / step) + 1):
        x = MARGIN + scale * k * step
        pen.line((x, top - 8, x, top - 3), fill=INK)
        pen.text((x, top), clock(k * step), fill=INK, font=font, anchor="ma")
