"""What a preset will take on this machine: memory and time, told before they are spent."""

from __future__ import annotations

import time
from typing import Any

from longtake.presets import Preset
from longtake.settings import Settings


def predict(preset: Preset, settings: Settings | None = None) -> dict[str, Any]:
    """Memory, operations and time of a preset here, as plain values, and what to do about it."""
    import torch

    from longtake.networks import choose_device, choose_dtype
    from longtake.rehearsal import foresee
    from longtake.segments import SEGMENT_FRAMES

    settings = settings or preset.settings
    device = choose_device(settings.run.device)
    dtype = choose_dtype(settings.run.dtype, device)
    need = foresee(preset, settings, dtype)
    rate = matmul_rate(device, dtype)
    own = torch.cuda.get_device_properties(device).total_memory / 2**30 if device.type == "cuda" else None
    seconds = need.operations / rate * settings.video.fps / SEGMENT_FRAMES
    memory = {offload: need.memory(offload) for offload in (False, True)}
    return {
        "preset": preset.name,
        "device": str(device),
        "dtype": str(dtype).removeprefix("torch."),
        "weights_gib": round(need.weights / 2**30, 2),
        "activations_gib": round(need.activations / 2**30, 2),
        "peak_gib": round(memory[False], 1),
        "peak_gib_offloaded": round(memory[True], 1),
        "tflop_per_segment": round(need.operations / 1e12, 2),
        "matmul_tflops_here": round(rate / 1e12, 3),
        "seconds_per_second_at_best": round(seconds, 2),
        "advice": advice(preset.name, memory, own, seconds, settings.run.offload),
    }


def advice(
    name: str, memory: dict[bool, float], own_gib: float | None, seconds_per_second: float, offload: bool = False
) -> list[str]:
    """What to know before starting: no GPU, or one that is too small. `memory` is GiB whole and offloaded."""
    told = []
    if own_gib is None and seconds_per_second > 60:
        told.append(
            f"There is no GPU here: a second of video with {name} will take {duration(seconds_per_second)} or more on the "
            f"CPU. Use a machine with a CUDA GPU of {memory[True]:.0f} GiB or more, or --preset mini."
        )
    if own_gib is not None and memory[offload] > own_gib:
        told.append(
            f"The GPU is too small: {name} needs about {memory[offload]:.1f} GiB{' offloaded' if offload else ''}, it has "
            f"{own_gib:.1f}."
        )
        if not offload and memory[True] <= own_gib:
            told[-1] += f" With --offload it needs {memory[True]:.1f} GiB and takes longer."
        else:
            told[-1] += " Try --set run.decode_frames=1 --set portrait.size_px=256, or --device cpu (slow)."
    return told


def forewarn(preset: Preset, settings: Settings) -> list[str]:
    """The advice for a run that is about to start; nothing for small models, which fit everywhere."""
    return predict(preset, settings)["advice"] if preset.published else []


def matmul_rate(device: Any, dtype: Any, budget_s: float = 0.3) -> float:
    """Floating-point operations a second of a large multiplication: what networks reach at best."""
    import torch

    side = 4096 if device.type == "cuda" else 768
    a = torch.ones(side, side, device=device, dtype=dtype)
    best, started = float("inf"), time.perf_counter()
    while best == float("inf") or time.perf_counter() - started < budget_s:
        before = time.perf_counter()
        (a @ a)[0, 0].item()
        best = min(best, time.perf_counter() - before)
    return 2 * side**3 / best


def duration(seconds: float) -> str:
    """The time in the unit that a person would use."""
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
