"""Settings of the high-resolution step: how faces are restored and the rest is enlarged."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from longtake.settings.section import Section


class EnhanceSettings(Section):
    """How frames are restored and enlarged (paper 3.2)."""

    what: Literal["all", "face", "background"] = Field(
        default="all", description="restore faces and sharpen the rest, faces alone, or the rest alone (no network)"
    )
    fidelity: float = Field(
        default=0.7, ge=0.0, le=1.0, description="0 trusts the codes alone, 1 stays closest to the input (w)"
    )
    align: bool = Field(default=True, description="frames of a window see each other (temporal alignment)")
    window: int = Field(default=16, ge=1, le=64, description="frames that are restored together")
    overlap: int = Field(default=4, ge=0, le=32, description="frames that neighbouring windows share and fade over")
    face_px: int = Field(
        default=512,
        ge=512,
        le=2048,
        multiple_of=64,
        description="side at which large faces are cut out at most; above 512 they are restored in tiles of 512",
    )
    steady: int = Field(default=4, ge=0, le=12, description="frames before and after over which squares are averaged")
    search_every: int = Field(
        default=12, ge=1, le=250, description="new faces are searched for in one frame of so many"
    )
    faces: int = Field(default=4, ge=1, le=16, description="faces restored at most")
    background: Literal["plain", "network"] = Field(
        default="plain",
        description="what enlarges the rest: plain = without a network, network = Real-ESRGAN x2 where it was fetched "
        "(in an animation only the picture round the square)",
    )
    tile_px: int = Field(default=400, ge=64, le=4096, description="side of its tiles, pixels of what goes in")
    steeper: float = Field(default=0.8, ge=0.0, le=2.0, description="how much steeper edges of the background are made")
    at_once: int = Field(default=4, ge=1, le=64, description="frames that encoder and decoder take at a time")

    @model_validator(mode="after")
    def _windows_overlap_by_half_at_most(self) -> Self:
        if self.overlap > self.window // 2:
            raise ValueError(f"overlap {self.overlap} is more than half a window of {self.window}")
        return self
