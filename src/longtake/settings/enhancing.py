"""Settings of `longtake enhance`: how frames are restored, and the file that comes out."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from longtake.settings.animation import RunSettings
from longtake.settings.restoring import EnhanceSettings
from longtake.settings.section import Section


class OutputSettings(Section):
    """The enhanced file."""

    codec: Literal["auto", "h264", "hevc", "av1", "prores"] = Field(
        default="auto", description="auto = H.264 where players' decoders take the size, else HEVC"
    )
    bits: Literal[8, 10] = Field(default=8, description="bits of a colour; 10 shows no bands in smooth areas")
    quality: int = Field(default=80, ge=0, le=100, description="100 is best and largest")
    hardware: bool = Field(default=False, description="encode on the GPU where there is an encoder")


class Enhancing(Section):
    """All settings of an enhancement."""

    enhance: EnhanceSettings = EnhanceSettings()
    output: OutputSettings = OutputSettings()
    run: RunSettings = RunSettings()
