"""Prompts in the forms of subtitles: SubRip (.srt) and WebVTT (.vtt)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from longtake.clips import Cue, Prompts
from longtake.errors import PromptError
from longtake.prompt_places import located, right, time_of
from longtake.prompts import checked

ARROW = re.compile(r"\s*(\S+)\s+-->\s+(\S+)(?:\s.*)?")
TAG = re.compile(r"</?[^<>]*>|\{\\[^{}]*\}")
ASIDE = re.compile(r"(NOTE|STYLE|REGION)([ \t].*)?")
TIMES = "00:00:12,000 --> 00:00:15,500"

Block = list[tuple[int, str]]
"""Lines that belong together, with their numbers."""


def read_srt(text: str) -> Prompts:
    """The track in blocks of a number, a line of times and lines of text, with empty lines between them."""
    return checked(_cue(block) for block in _blocks(text.splitlines(), 1))


def read_vtt(text: str) -> Prompts:
    """The same below a line WEBVTT; notes and styles are passed over."""
    lines = text.splitlines()
    if not lines or not re.fullmatch(r"WEBVTT([ \t].*)?", lines[0]):
        raise PromptError("line 1 is not the beginning of a WebVTT file.", expected="a first line WEBVTT")
    blocks = list(_blocks(lines[1:], 2))
    if blocks and blocks[0][0][0] == 2 and not any("-->" in line for _, line in blocks[0]):
        blocks = blocks[1:]  # the rest of the head
    return checked(_cue(block) for block in blocks if not ASIDE.fullmatch(block[0][1]))


def _blocks(lines: list[str], first: int) -> Iterator[Block]:
    block: Block = []
    for number, line in enumerate([*lines, ""], first):
        if line.strip():
            block.append((number, line))
        elif block:
            yield block
            block = []


def _cue(block: Block) -> Cue:
    place = next((k for k, (_, line) in enumerate(block[:2]) if "-->" in line), None)
    if place is None:
        number, line = block[min(1, len(block) - 1)]
        raise PromptError(f"line {number} is not a line of times: '{line[:60]}'.", expected=TIMES)
    number, line = block[place]
    found = ARROW.fullmatch(line)
    if not found:
        raise PromptError(f"line {number}: '{line[:60]}' has not two times.", expected=TIMES)
    start, stop = (located(number, time_of, part.replace(",", ".")) for part in found.groups())
    below = block[place + 1 :]
    for other, line in below:
        if "-->" in line:
            raise PromptError(f"line {other}: there is no empty line before this prompt.", do="add one")
    text = " ".join(html.unescape(TAG.sub("", line)).strip() for _, line in below)
    return located(number, right, Cue(start, text, stop))
