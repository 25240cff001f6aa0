"""A section of settings: validated, frozen, laid over by files and assignments; a wrong name is told with the right one."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from longtake.errors import SettingsError


class Section(BaseModel):
    """Base of all settings: can't be changed in place, takes no unknown name."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    page: ClassVar[str] = "docs/settings.md"  # where an error sends its reader

    @classmethod
    def checked(cls, values: dict[str, Any]) -> Self:
        """The settings that `values` are, or a SettingsError that names the first wrong one."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise _explain(cls, error) from error

    def overlay(self, changes: dict[str, Any]) -> Self:
        """These settings with `changes` (nested by section) laid over them."""
        return self.checked(_merge(self.model_dump(), changes))

    def apply_set(self, *assignments: str) -> Self:
        """These settings after assignments like `sampling.steps=12`, in order."""
        settings = self
        for assignment in assignments:
            settings = settings.overlay(_parse_assignment(assignment))
        return settings

    @classmethod
    def from_toml(cls, path: str | Path, base: Self | None = None) -> Self:
        """`base` (else the defaults) with the TOML file laid over it."""
        return (cls() if base is None else base).overlay(read_toml(path))


def read_toml(path: str | Path) -> dict[str, Any]:
    """The tables of a TOML file."""
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except FileNotFoundError as error:
        raise SettingsError(f"There is no settings file '{path}'.", do="check the path") from error
    except OSError as error:
        raise SettingsError(f"The settings file '{path}' can't be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"'{path}' is not valid TOML: {error}", expected="lines like: steps = 12") from error


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A clause that ends the sentence: ", did you mean 'steps'?" or "."."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f", did you mean '{close[0]}'?" if close else "."


def _merge(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    merged = dict(old)
    for name, value in new.items():
        both = isinstance(value, dict) and isinstance(old.get(name), dict)
        merged[name] = _merge(old[name], value) if both else value
    return merged


def _parse_assignment(text: str) -> dict[str, Any]:
    name, sign, value = text.partition("=")
    parts = [part.strip() for part in name.split(".")]
    if not sign or not all(parts):
        raise SettingsError(f"'{text}' is not a setting.", expected="section.name=value, for example sampling.steps=12")
    nested: Any = _parse_value(value.strip())
    for part in reversed(parts):
        nested = {part: nested}
    return nested


def _parse_value(text: str) -> Any:
    """The value as TOML reads it; a bare word is a string, `none` is None."""
    if text.lower() == "none":
        return None
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _explain(model: type[Section], error: ValidationError) -> SettingsError:
    """The first thing wrong, as a sentence with the full name of the setting."""
    problem = error.errors()[0]
    place = [str(part) for part in problem["loc"]]
    name = ".".join(place)
    if problem["type"] == "extra_forbidden":
        known = _fields_at(model, place[:-1])
        where = f"in [{'.'.join(place[:-1])}]" if place[:-1] else "among the sections"
        return SettingsError(
            f"There is no setting '{name}'{did_you_mean(place[-1], known)}",
            expected=f"{where}: {', '.join(known)}",
            do=f"see {model.page}",
        )
    return SettingsError(
        f"The setting {name} = {problem['input']!r} can't be used: {problem['msg']}.", do=f"see {model.page}"
    )


def _fields_at(model: type[BaseModel], place: list[str]) -> list[str]:
    for part in place:
        field = model.model_fields.get(part)
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            return []
        model = field.annotation
    return list(model.model_fields)
