"""`longtake animate --dry-run`: both inputs read and judged, the work foreseen; no network that animates is loaded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longtake.apps.calibration import calibrations
from longtake.apps.estimate import Estimate, estimate
from longtake.apps.predict import duration, forewarn
from longtake.apps.sized import sized, with_size
from longtake.times import clock

if TYPE_CHECKING:
    from longtake.apps.animate import Wish


def preflight(wish: Wish, overwrite: bool, named: bool = True) -> dict[str, Any]:
    """Everything that `show` prints, as plain values. What would stop the run is raised as the run itself would.

    Not `named`: nobody has chosen where the video will be, so a file that is there already is only told.
    """
    model = wish.model()
    settings = wish.settings(model.settings)
    from longtake.journal.journal import journal_folder
    from longtake.journal.records import read_records
    from longtake.media.video import check_output

    folder = journal_folder(wish.out)
    replaces = not overwrite and not folder.exists() and wish.out.exists()
    check_output(wish.out, overwrite or folder.exists() or not named)
    from longtake.apps.animate import size_remarks
    from longtake.inputs import prepare, said, with_suggestions

    ready = prepare(wish.portrait, wish.speech, settings, model, wish.prompts)
    track = said(with_suggestions(ready, settings), settings)
    frames = ready.speech.frames(settings.video.fps)
    records = read_records(folder)
    done = min(frames, records[-1].frames if records else 0)
    foreseen = estimate(model, settings, frames, done, ready.speech.seconds, calibrations(), track)
    showing = sized(ready, settings)
    sound_mb = settings.video.sound_kbps * 125 * ready.speech.seconds / 2**20
    foreseen = with_size(foreseen, showing, frames - done, sound_mb)
    free = free_disk_mb(wish.out), free_memory_mb()
    taken = [f"'{wish.out}' is there already: choose another name with -o, or --overwrite."] if replaces else []
    return {
        "portrait": {"file": str(wish.portrait), **ready.portrait.measures},
        "speech": {"file": str(wish.speech), "seconds": round(ready.speech.seconds, 3), **ready.speech.measures},
        "video": {
            "file": str(wish.out),
            "preset": model.name,
            "frames": frames,
            "frames_done": done,
            "size_px": settings.portrait.size_px,
            "width": showing.width if showing else settings.portrait.size_px,
            "height": showing.height if showing else settings.portrait.size_px,
            "fps": settings.video.fps,
        },
        "estimate": {**asdict(foreseen), "free_disk_mb": free[0], "free_memory_mb": free[1]},
        "warnings": [
            *ready.warnings,
            *taken,
            *size_remarks(model, settings, ready),
            *_means(foreseen, *free),
            *forewarn(model, settings),
        ],
    }


def show(report: Mapping[str, Any], as_json: bool) -> None:
    """Prints the report, as a page or as JSON."""
    if as_json:
        print(json.dumps(report, indent=2))
        return
    for name, lines in (
        ("portrait", _portrait(report["portrait"])),
        ("speech", _speech(report["speech"])),
        ("video", _video(report["video"], report["estimate"]["segments"])),
        ("time", _time(report["estimate"])),
        ("disk", _disk(report["estimate"])),
        ("memory", _memory(report["estimate"])),
    ):
        print(f"{name:<10}{lines}")
    for warning in report["warnings"]:
        print(f"! {warning}")
    if not report["warnings"]:
        print("Nothing speaks against it.")


def free_disk_mb(out: Path) -> float:
    """What is free where the video will lie."""
    return round(shutil.disk_usage(out.absolute().parent).free / 2**20)


def free_memory_mb() -> float | None:
    """What a new process may take without swapping; None where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return round(int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]) / 1024)
    except (OSError, StopIteration):
        return None


def _means(foreseen: Estimate, disk_mb: float, memory_mb: float | None) -> list[str]:
    """What is too little for the run."""
    said = []
    if foreseen.disk_mb > disk_mb:
        said.append(
            f"The disk will be full before the end: about {foreseen.disk_mb:.0f} MB are needed and {disk_mb:.0f} are free. Free "
            "some space, choose another place with -o, or raise video.crf by 6 to halve the video."
        )
    if memory_mb is not None and foreseen.peak_mb is not None and foreseen.peak_mb > memory_mb:
        said.append(
            f"About {foreseen.peak_mb:.0f} MB of memory are needed and {memory_mb:.0f} are free. Close other programs, or lower "
            "run.decode_frames."
        )
    return said


def _portrait(told: Mapping[str, Any]) -> str:
    return (
        f"{told['file']}: face {told['face_px']:.0f} pixels high, turned {abs(told['yaw_deg']):.0f}, nodding "
        f"{abs(told['pitch_deg']):.0f}, tilted {abs(told['roll_deg']):.0f} degrees, blur {told['blur']:.2f}"
    )


def _speech(told: Mapping[str, Any]) -> str:
    return (
        f"{told['file']}: {clock(told['seconds'])}, {told['rate_hz']:.0f} Hz, voice {told['voice_db']:.0f} dB, quietest "
        f"{told['noise_db']:.0f} dB, silence {told['silent_share']:.0%}"
    )


def _video(told: Mapping[str, Any], segments: int) -> str:
    done = f", {told['frames_done']} frames are there from a stopped run" if told["frames_done"] else ""
    size = f"{told['width']} x {told['height']}"
    return f"{told['file']}: {told['frames']} frames in {segments} segments, {size}, {told['fps']} fps, {told['preset']}{done}"


def _time(told: Mapping[str, Any]) -> str:
    words = f", {told['worded_s']:.1f} s one with words ({told['worded']})" if told["worded"] else ""
    return f"about {duration(told['work_s'])}, {told['segment_s']:.1f} s a segment{words} ({told['because']})"


def _disk(told: Mapping[str, Any]) -> str:
    return (
        f"about {told['video_mb']:.1f} MB, {told['disk_mb']:.1f} MB with the journal while it is made; "
        f"{told['free_disk_mb']:.0f} MB are free"
    )


def _memory(told: Mapping[str, Any]) -> str:
    parts = [f"about {told['peak_mb']:.0f} MB"] if told["peak_mb"] is not None else []
    parts += [f"about {told['gpu_peak_mb']:.0f} MB on the GPU"] if told["gpu_peak_mb"] is not None else []
    free = f"; {told['free_memory_mb']:.0f} MB are free" if told["free_memory_mb"] is not None else ""
    return f"{', '.join(parts) or 'unknown'}, whatever the length{free}"
