"""What each method is given for a clip: a picture, a voice, and beside them the true video that its own is compared with."""

from __future__ import annotations

import json
import wave
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from longtake.clips import SAMPLE_RATE_HZ, Speech
from longtake.errors import CorpusError, InputError, LongtakeError
from longtake.evaluate.kit.calling import Job
from longtake.evaluate.kit.clips import PICTURES, files_of
from longtake.evaluate.kit.datasets import Item
from longtake.evaluate.kit.normalising import write_frames
from longtake.evaluate.kit.store import content_hash
from longtake.evaluate.metrics.protocol import FPS, Clip
from longtake.journal.files import replace_file

BLOCK_S = 10.0


@dataclass(frozen=True)
class Given:
    """A clip made ready: what methods get, and the true clip as it is judged."""

    item: Item
    job: Job
    true: Path | None

    def clip(self, video: Path, looped: bool) -> Clip:
        """A method's video of this clip, and all it can be judged by."""
        real = None if looped else self.true
        labels = None if looped else self.item.labels
        return Clip(self.item.name, video, self.item.identity, real, self.job.portrait, None, labels)

    def true_clip(self) -> Clip | None:
        """The true video as a clip of its own; its voice, where it has none, is the given one."""
        if self.true is None:
            return None
        return Clip(
            self.item.name, self.true, self.item.identity, None, self.job.portrait, self.item.speech, self.item.labels
        )


def prepare_inputs(
    items: Sequence[Item], folder: Path, loop_s: float | None, head_px: int | None, voices: bool = True
) -> tuple[list[Given], dict[str, str]]:
    """The clips made ready in a folder, and those that can't be, with the reason; without `voices` they may be silent."""
    folder.mkdir(parents=True, exist_ok=True)
    ready, failed = [], {}
    for item in items:
        try:
            ready.append(prepare_item(item, folder, loop_s, head_px, voices))
        except (LongtakeError, OSError) as error:
            failed[item.name] = str(error)
    if not ready:
        raise CorpusError(f"None of {len(items)} clips can be used: {next(iter(failed.values()))}")
    return ready, failed


def prepare_item(
    item: Item, folder: Path, loop_s: float | None = None, head_px: int | None = None, voices: bool = True
) -> Given:
    """One clip made ready; what was made before from the same files is not made again."""
    base, record = folder / item.name, folder / f"{item.name}.json"
    portrait, speech = base.with_name(f"{base.name}.png"), base.with_name(f"{base.name}.wav")
    sources = [content_hash(path) if path else "" for path in (item.video, item.portrait, item.speech)]
    key = {"sources": sources, "loop_s": loop_s, "head_px": head_px}
    made = _record(record)
    if made.get("key") != key:
        seconds = _write_speech(item, speech, loop_s, voices)
        true = _true(item, base, head_px, portrait)
        if not portrait.is_file() or item.portrait:
            _write_portrait(item, portrait)
        made = {"key": key, "seconds": seconds, "true": str(true) if true else ""}
        replace_file(record, json.dumps(made).encode())
    true = Path(made["true"]) if made["true"] else None
    voice = speech if speech.is_file() else None
    return Given(item, Job(item.name, portrait, voice, made["seconds"], true), true)


def _record(path: Path) -> dict:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def _write_speech(item: Item, target: Path, loop_s: float | None, needed: bool) -> float:
    """The seconds of the voice that was written: mono, 16 kHz, looped if asked for."""
    from longtake.media.sound import open_speech

    source = item.speech or item.video
    try:
        if source is None or source.is_dir():
            raise InputError(
                f"The clip '{item.name}' has no voice.", expected="a sound of its name, or sound in the video"
            )
        return write_wav(open_speech(source), target, loop_s)
    except InputError:
        if needed:
            raise
        target.unlink(missing_ok=True)
        return 0.0


def write_wav(speech: Speech, target: Path, loop_s: float | None) -> float:
    """The seconds written: the speech once, or again and again up to a length."""
    total = loop_s or speech.seconds
    with wave.open(str(target), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE_HZ)
        for start, stop in pieces(speech.seconds, total):
            samples = np.clip(speech.read(start, stop), -1, 1)
            out.writeframes((samples * 32767).astype("<i2").tobytes())
    return total


def pieces(seconds: float, total: float) -> Iterator[tuple[float, float]]:
    """Stretches of a sound, in order, that together are `total` long; after its end it begins again."""
    done = 0.0
    while done < total - 1e-9:
        at = done % seconds
        if seconds - at < 1e-9:  # rounding put the place at the very end
            at = 0.0
        step = min(BLOCK_S, seconds - at, total - done)
        yield at, at + step
        done += step


def _true(item: Item, base: Path, head_px: int | None, portrait: Path) -> Path | None:
    """The true video as it is judged; cut round the head, or joined from frames, it is a new file."""
    portrait.unlink(missing_ok=True)
    if item.video is None:
        return None
    if item.video.is_file() and head_px is None:
        return item.video
    target = base.with_name(f"{base.name}.mp4")
    frames = frames_of(item.video)
    if head_px is not None:
        frames = _cut_round_head(frames, item, head_px, portrait)
    sound = item.speech or (item.video if item.video.is_file() else None)
    write_frames(iter(frames), rate_of(item.video), target, sound)
    return target


def _cut_round_head(
    frames: Iterable[UInt8[np.ndarray, "H W 3"]], item: Item, size: int, portrait: Path
) -> Iterator[UInt8[np.ndarray, "size size 3"]]:
    from longtake.face.framing import crop_picture
    from longtake.prepare import portrait_of
    from longtake.settings import PortraitSettings

    square = None
    for frame in frames:
        if square is None:
            square = portrait_of(frame, PortraitSettings(size_px=size), name=f"the first frame of {item.name}").square
            write_png(crop_picture(frame, square, size)[0], portrait)
        yield crop_picture(frame, square, size)[0]


def _write_portrait(item: Item, target: Path) -> None:
    if item.portrait:
        from longtake.media.images import read_image

        write_png(read_image(item.portrait), target)
    elif item.video:
        write_png(next(iter(frames_of(item.video))), target)
    else:
        raise InputError(f"The clip '{item.name}' has no portrait.", expected="a picture of its name, or a video")


def frames_of(path: Path) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
    """The frames of a video, or of a folder of pictures by name."""
    if path.is_dir():
        from longtake.media.images import read_image

        yield from (read_image(picture) for picture in files_of(path, PICTURES).values())
        return
    from longtake.media.footage import Footage

    yield from (shot.picture for shot in Footage(path).shots())


def rate_of(path: Path) -> int:
    """The frame rate of a video; of a folder of pictures it is taken as 25."""
    if path.is_dir():
        return FPS
    from longtake.media.footage import Footage

    return round(Footage(path).fps)


def write_png(picture: UInt8[np.ndarray, "H W 3"], target: Path) -> None:
    """Writes the picture, whole or not at all."""
    from io import BytesIO

    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    replace_file(target, buffer.getvalue())
