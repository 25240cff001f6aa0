"""Settings of every step: validated, frozen, described once (docs/settings.md is made from them).

Precedence: preset < TOML file < --set section.name=value. An unknown name is an error that says what was probably meant.
"""

from longtake.settings.animation import (
    DriftSettings,
    EyesSettings,
    GuidanceSettings,
    MotionSettings,
    PerformanceSettings,
    PortraitSettings,
    ReferenceSettings,
    RegionsSettings,
    RunSettings,
    SamplingSettings,
    Settings,
    SpeechSettings,
    VideoSettings,
)
from longtake.settings.enhancing import Enhancing, OutputSettings
from longtake.settings.restoring import EnhanceSettings
from longtake.settings.section import Section, did_you_mean, read_toml

__all__ = [
    "DriftSettings",
    "EnhanceSettings",
    "Enhancing",
    "EyesSettings",
    "GuidanceSettings",
    "MotionSettings",
    "OutputSettings",
    "PerformanceSettings",
    "PortraitSettings",
    "ReferenceSettings",
    "RegionsSettings",
    "RunSettings",
    "SamplingSettings",
    "Section",
    "Settings",
    "SpeechSettings",
    "VideoSettings",
    "did_you_mean",
    "read_toml",
]
