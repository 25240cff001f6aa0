"""What a video is made from, read and checked before any work: portrait, speech and prompts together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from longtake.clips import Cue, Portrait, Prompts, Speech
from longtake.errors import SpeechUnreadable
from longtake.expressing import expressive_cues, merged
from longtake.media.images import read_image
from longtake.prepare import prepare_portrait, prepare_speech
from longtake.presets import Preset
from longtake.prompt_remarks import late_prompts
from longtake.prompts import Track
from longtake.settings import Settings
from longtake.telling import no_words


@dataclass(frozen=True)
class Prepared:
    """The inputs, read and checked: what is said about them comes before any work."""

    portrait: Portrait
    speech: Speech
    prompts: Prompts | None = None  # None: nothing was said; a stretch made anew takes the video's own
    suggested: tuple[Cue, ...] | None = None  # by the speech itself; None: it was not asked
    picture: UInt8[np.ndarray, "H W 3"] | None = None  # the one that the portrait was cut from, where it is shown

    @property
    def warnings(self) -> tuple[str, ...]:
        """Everything that will make the result worse than it could be."""
        late = late_prompts(self.prompts or Prompts(), self.speech.seconds)
        return (*self.portrait.warnings, *self.speech.warnings, *late)


def prepare(
    portrait: str | Path, speech: str | Path, settings: Settings, model: Preset, prompts: Prompts | None = None
) -> Prepared:
    """The inputs, read and checked before the networks of the preset are loaded, so that bad input is told at once."""
    if not model.knows_words and (settings.performance.auto_expression or (prompts and prompts.texts)):
        raise no_words(model.name)
    heard = prepare_speech(speech, model.separator if settings.speech.separate_voice else None)
    if heard.frames(settings.video.fps) == 0:
        raise SpeechUnreadable(
            f"The sound in '{speech}' lasts only {heard.seconds:.3f} s: not one frame at {settings.video.fps} fps.",
            do="give a longer sound, or raise video.fps",
        )
    picture = read_image(portrait) if settings.video.framing == "full" else None
    return Prepared(prepare_portrait(portrait, settings.portrait, model), heard, prompts, picture=picture)


def with_suggestions(ready: Prepared, settings: Settings) -> Prepared:
    """The same with what the speech suggests, where the settings want it and it was not asked yet."""
    if not settings.performance.auto_expression or ready.suggested is not None:
        return ready
    return replace(ready, suggested=expressive_cues(ready.speech))


def said(ready: Prepared, settings: Settings) -> Track:
    """All that is said: the prompts, and between them what the speech suggests."""
    fps, wanted = settings.video.fps, settings.performance.auto_expression
    return Track(merged(ready.prompts or Prompts(), (ready.suggested or ()) if wanted else (), fps), fps)
