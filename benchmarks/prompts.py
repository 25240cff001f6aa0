"""What prompts do, expression by expression, and the paper's Figure 11: one portrait and sound, eight prompts.

    python benchmarks/prompts.py work WORK [--weights FOLDER] [--clips 20] [--until 08:55]   # any number of these
    python benchmarks/prompts.py page WORK

`work` goes on where earlier sittings stopped, and from what `page` left in benchmarks/prompts-clips.json for the same norms.
One process of one thread for each core: small kernels don't fill two.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import asdict
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from pieces import Piece, clock, expect_same, plan_of, read_result, result_path, work
from PIL import Image

ROOT = Path(__file__).parents[1]
KNOWN = ROOT / "benchmarks/prompts-clips.json"
SHOWN = {
    "no words": "",
    "smile": "smiling broadly",
    "surprised": "surprised, eyebrows raised",
    "angry": "angry",
    "squint": "squinting",
    "left": "looking left",
    "right": "looking right",
    "turn": "head turned to the left",
    "tilt": "head tilted to the right",
}
"""Figure 11: no words, and eight prompts."""
INTRO = """# What prompts do, {date}

`benchmarks/prompts.py` on {hardware}, word norms {norms}: {clips} held-out clips, the first 2.4 s of each, default settings.
An effect is the measure with the prompt less that with none, in usual wanderings of a puppet that speaks
(`evaluate/expressions.py`); *of the puppets'* is the share of what puppets themselves do. *Visible after*: half of the
change is there, of prompts that come at 0.96 s. *Identity rise*: how much further from the clip's first frame the face is
than with no words.
"""
MOMENTS_S = (0.4, 1.0, 1.6, 2.2)
SHOT_PX, QUALITY = 192, 70


def main() -> None:
    """Works, or writes the page."""
    options = parse()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if options.command == "page":
        print(write_page(options.folder))
        return
    norms = norms_of(options.weights)
    expect_same(options.folder, plan_of(options.folder, {"norms": norms})["norms"], norms, "word norms")
    take_known(options.folder, norms)
    pieces = [
        Piece(f"show-{name}", (), partial(show, options.weights, text, options.folder / f"show-{name}.png"))
        for name, text in SHOWN.items()
    ]
    pieces += [Piece(name_of(index), (), partial(ask_clip, options.weights, index)) for index in range(options.clips)]
    work(options.folder, pieces, None if options.until is None else clock(options.until))


def parse() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    working = commands.add_parser("work", help="do pieces until all are finished")
    working.add_argument("folder", type=Path)
    working.add_argument("--weights", type=Path, help="other weights than the shipped ones: a folder")
    working.add_argument("--clips", type=int, default=20, help="held-out clips; each takes about 21 videos of 2.4 s")
    working.add_argument("--until", help="begin no piece after this time of the day, HH:MM in UTC")
    commands.add_parser("page", help="write the page from what is finished").add_argument("folder", type=Path)
    return parser.parse_args()


def norms_of(weights: Path | None) -> str:
    """Which word norms are asked, by hash; they say themselves which networks they belong to."""
    from longtake.presets import mini
    from longtake.weights.files import short_hash
    from longtake.weights.words import NORMS

    own = weights / NORMS if weights else None
    return short_hash(own if own and own.exists() else mini().weights / NORMS)


def name_of(index: int) -> str:
    """What the piece of a clip is called."""
    return f"ask-{index:02}"


def ask_clip(weights: Path | None, index: int) -> dict[str, Any]:
    """What one held-out clip shows under the prompts that are its turn."""
    import torch

    from longtake.evaluate.asking import Asked, ask, speaker
    from longtake.evaluate.cases import read_cases
    from longtake.evaluate.controls import player_with

    torch.set_num_threads(1)
    player, asked = player_with(weights), Asked()
    speak = speaker(player)
    if speak is None:
        raise SystemExit("These weights follow no prompts.")
    ask(speak, read_cases(ROOT / "tests/fixtures/gates", index + 1)[index], index, player.settings.sampling.seed, asked)
    return asdict(asked)


def show(weights: Path | None, text: str, path: Path) -> None:
    """Writes the example's portrait speaking under one prompt, at four moments beside each other."""
    import torch

    from longtake.evaluate.controls import player_with

    torch.set_num_threads(1)
    player = player_with(weights)
    chunks = player.stream(ROOT / "examples/portrait.png", ROOT / "examples/speech.wav", prompts=text or None)
    frames = (frame for chunk in chunks for frame in chunk.frames)
    seen = list(islice(frames, 1 + round(MOMENTS_S[-1] * player.settings.video.fps)))
    shots = [Image.fromarray(seen[round(time_s * player.settings.video.fps)]) for time_s in MOMENTS_S]
    Image.fromarray(np.hstack([np.asarray(shot.resize((SHOT_PX, SHOT_PX))) for shot in shots])).save(path)


def take_known(folder: Path, norms: str) -> None:
    """Puts clips that were measured with these norms before where finished pieces lie."""
    known = json.loads(KNOWN.read_text()) if KNOWN.exists() else {"norms": ""}
    for name, found in known["clips"].items() if known["norms"] == norms else ():
        path = result_path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(json.dumps(found))


def keep_known(folder: Path, clips: int, norms: str) -> None:
    """Keeps what was measured, a clip a line."""
    rows = [f"{json.dumps(name_of(k))}: {json.dumps(read_result(folder, name_of(k)))}" for k in range(clips)]
    KNOWN.write_text('{"norms": ' + json.dumps(norms) + ', "clips": {\n' + ",\n".join(rows) + "\n}}\n")


def write_page(folder: Path) -> Path:
    """The path of the dated page; its sheet goes to docs/pictures."""
    from longtake.evaluate.controls import hardware

    asked, clips = read_asked(folder)
    norms = plan_of(folder)["norms"]
    date = time.strftime("%Y-%m-%d", time.gmtime())
    page = ROOT / "benchmarks" / f"prompts-{date}.md"
    lines = [
        INTRO.format(date=date, hardware=hardware(), clips=clips, norms=norms),
        *table(asked),
        "",
        *summary(asked, clips),
        "",
        "![One portrait and sound, no words and eight prompts](../docs/pictures/prompts.webp)",
    ]
    page.write_text("\n".join(lines) + "\n")
    write_sheet(folder, ROOT / "docs" / "pictures" / "prompts.webp")
    keep_known(folder, clips, norms)
    return page


def read_asked(folder: Path) -> tuple[Any, int]:
    """Everything that was measured, and on how many clips."""
    from longtake.evaluate.asking import Asked
    from longtake.evaluate.words import Moved, Reacted

    asked, clips = Asked(), 0
    while (found := read_result(folder, name_of(clips))) is not None:
        asked.moved += [Moved(**one) for one in found["moved"]]
        asked.reacted += [Reacted(**one) for one in found["reacted"]]
        asked.synced += [(a, b) for a, b in found["synced"]]
        asked.alike += [(a, b) for a, b in found["alike"]]
        clips += 1
    return asked, clips


def table(asked: Any) -> list[str]:
    """A row for each expression."""
    from longtake.evaluate.expressions import TRUE

    heads = [
        "asked for",
        "clips the asked way",
        "effect",
        "of the puppets'",
        "unseen phrasings",
        "visible after, s",
        "identity rise",
    ]
    lines = [f"| {' | '.join(heads)} |", "| --- |" + " ---: |" * (len(heads) - 1)]
    for name in dict.fromkeys(one.name for one in asked.moved):
        known, new = ([one.by for one in asked.moved if one.name == name and one.unseen == u] for u in (False, True))
        times = [one.after_s for one in asked.reacted if one.name == name]
        effect = float(np.mean(np.nan_to_num(known)))
        late = f"{np.median(times):.2f} of {len(times)}" if times else ""
        rise = np.nanmedian([a - b for one, (a, b) in zip(asked.moved, asked.alike, strict=True) if one.name == name])
        lines.append(
            f"| {name} | {right(known)} of {len(known)} | {effect:.1f} | {effect / TRUE[name]:.2f} | "
            f"{right(new)} of {len(new)} | {late} | {rise:.2f} |"
        )
    return lines


def right(effects: list[float]) -> int:
    """How many move the asked way."""
    return int(np.sum(np.nan_to_num(effects) > 0))


def summary(asked: Any, clips: int) -> list[str]:
    """The rows of the gates."""
    from longtake.evaluate.words import cost_rows, direction_rows, reaction_rows

    rows = direction_rows(asked.moved, "") + cost_rows(asked.synced, asked.alike, "") + reaction_rows(asked.reacted, "")
    lines = [f"| row, {clips} clips | value | bar | reached | |", "| --- | ---: | --- | --- | --- |"]
    for r in rows:
        lines.append(f"| `{r.name}` | {r.value:.2f} | {r.bar or ''} | {'yes' if r.passed else '**no**'} | {r.note} |")
    return lines


def write_sheet(folder: Path, path: Path) -> None:
    """The strips under each other, each with its prompt."""
    from longtake.evaluate.sheet import named

    shots = {name: np.asarray(Image.open(folder / f"show-{name}.png").convert("RGB")) for name in SHOWN}
    strips = [named(shots[name], text or name) for name, text in SHOWN.items()]
    Image.fromarray(np.vstack(strips)).save(path, quality=QUALITY, method=6)


if __name__ == "__main__":
    main()
