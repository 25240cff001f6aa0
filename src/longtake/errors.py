"""The tree of errors that longtake raises.

    LongtakeError                exit 1
    ├── InputError               exit 3    what the user gave can't be used
    │   ├── NoFace               no face in the portrait
    │   ├── SeveralFaces         more than one face and the wanted one is not there
    │   ├── PortraitTooSmall     the picture or the face in it has too few pixels
    │   ├── PortraitUnreadable   not a picture, truncated, or too large
    │   ├── SpeechUnreadable     no sound, corrupt, empty, or too short for one frame
    │   └── PromptError          a prompt with a bad time or without text
    ├── SettingsError            exit 4    an unknown setting or a value out of range
    ├── WeightsError             exit 5
    │   ├── WeightsMissing       the file is not there
    │   └── WeightsMismatch      the file is damaged or made for other sizes
    ├── MissingDependency        exit 6    an optional package is not installed
    ├── CorpusError              exit 7    a corpus that can't be read, made or trusted
    ├── OutputError              exit 8    the result can't be written
    ├── JournalError             exit 9    an unfinished video can't be gone on with
    │   ├── JournalMismatch      inputs, settings or weights are not those it began with
    │   ├── JournalDamaged       its files are not as they were written
    │   └── JournalBusy          another process is at work on it
    └── RunInterrupted           exit 130  stopped by the user; what was made is kept

Catching LongtakeError catches all of them. A message is an instruction: what was seen, what was expected, what to do next.
"""

from __future__ import annotations

from typing import ClassVar


class LongtakeError(Exception):
    """Base of every error that longtake raises on purpose."""

    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, seen: str, *, expected: str = "", do: str = "") -> None:
        super().__init__(seen)
        self.seen = seen
        self.expected = expected
        self.do = do

    def __str__(self) -> str:
        lines = [self.seen]
        if self.expected:
            lines.append(f"Expected: {self.expected}")
        if self.do:
            lines.append(f"Next: {self.do}")
        return "\n".join(lines)


class InputError(LongtakeError):
    exit_code = 3
    http_status = 422


class NoFace(InputError):
    pass


class SeveralFaces(InputError):
    pass


class PortraitTooSmall(InputError):
    pass


class PortraitUnreadable(InputError):
    http_status = 415


class SpeechUnreadable(InputError):
    http_status = 415


class PromptError(InputError):
    pass


class SettingsError(LongtakeError):
    exit_code = 4
    http_status = 422


class WeightsError(LongtakeError):
    exit_code = 5
    http_status = 503


class WeightsMissing(WeightsError):
    pass


class WeightsMismatch(WeightsError):
    pass


class MissingDependency(LongtakeError):
    exit_code = 6
    http_status = 501


class CorpusError(LongtakeError):
    exit_code = 7
    http_status = 422


class OutputError(LongtakeError):
    exit_code = 8
    http_status = 507


class JournalError(LongtakeError):
    exit_code = 9
    http_status = 409


class JournalMismatch(JournalError):
    pass


class JournalDamaged(JournalError):
    pass


class JournalBusy(JournalError):
    pass


class RunInterrupted(LongtakeError):
    exit_code = 130
    http_status = 503


def missing(package: str, extra: str, purpose: str) -> MissingDependency:
    """The error for an optional package that is not installed, naming the extra that brings it."""
    return MissingDependency(
        f"{purpose} needs the package '{package}', which is not installed.",
        do=f"pip install 'longtake[{extra}]'",
    )


__all__ = [
    "CorpusError",
    "InputError",
    "JournalBusy",
    "JournalDamaged",
    "JournalError",
    "JournalMismatch",
    "LongtakeError",
    "MissingDependency",
    "NoFace",
    "OutputError",
    "PortraitTooSmall",
    "PortraitUnreadable",
    "PromptError",
    "RunInterrupted",
    "SettingsError",
    "SeveralFaces",
    "SpeechUnreadable",
    "WeightsError",
    "WeightsMismatch",
    "WeightsMissing",
    "missing",
]
