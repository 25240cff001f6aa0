"""longtake: one portrait and a voice become a video of the person speaking, for as long as the voice lasts.

    import longtake
    longtake.animate("me.png", "speech.wav", "talk.mp4")

The names below are the whole public surface; importing the package loads none of them (and no torch) before first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from longtake.animator import Animator, animate
    from longtake.clips import Chunk, Cue, Portrait, Prompts, Segment, Speech, Tail
    from longtake.errors import LongtakeError
    from longtake.pace import Progress
    from longtake.settings import Settings

__version__ = "0.1.0"

_HOME = {
    "Animator": "animator",
    "animate": "animator",
    "Chunk": "clips",
    "Cue": "clips",
    "Portrait": "clips",
    "Prompts": "clips",
    "Segment": "clips",
    "Speech": "clips",
    "Tail": "clips",
    "LongtakeError": "errors",
    "Progress": "pace",
    "Settings": "settings.animation",
}

__all__ = [
    "Animator",
    "Chunk",
    "Cue",
    "LongtakeError",
    "Portrait",
    "Progress",
    "Prompts",
    "Segment",
    "Settings",
    "Speech",
    "Tail",
    "__version__",
    "animate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'longtake' has no attribute {name!r}")
    value = getattr(import_module(f"longtake.{_HOME[name]}"), name)
    globals()[name] = value  # the next access skips this function
    return value


def __dir__() -> list[str]:
    return list(__all__)
