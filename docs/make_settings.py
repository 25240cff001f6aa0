"""Writes docs/settings.md from the settings themselves: `make settings`."""

import typing
from pathlib import Path

from longtake.presets import PRESETS
from longtake.settings import Enhancing, Section, Settings

PAGE = Path(__file__).parent / "settings.md"

HEAD = """# Settings

Made by `make settings` from `src/longtake/settings/`; do not edit.

Order: preset < TOML file (`--config FILE`) < `--set section.name=value` < the flags of the command. A TOML file has one
table a section:

```toml
[sampling]
steps = 12
seed = 7
```

An unknown name is an error that tells the nearest one. Every output records the settings that made it.
"""

ENHANCING = """# Settings of `longtake enhance`

`enhance` and `run` are the sections above; no preset changes these.
"""


def page() -> str:
    """The whole page."""
    sections = [section_text(name, field.annotation) for name, field in Settings.model_fields.items()]
    own = {name: field for name, field in Enhancing.model_fields.items() if name not in Settings.model_fields}
    enhancing = [plain_section(name, field.annotation) for name, field in own.items()]
    return "\n".join([HEAD, *sections, ENHANCING, *enhancing])


def section_text(name: str, section: type[Section]) -> str:
    """One section: its first docstring line and a table of its settings."""
    lines = [f"## {name}", "", (section.__doc__ or "").strip(), ""]
    lines += [f"| setting | {' | '.join(PRESETS)} | takes | what it is |", "| --- |" + " --- |" * (len(PRESETS) + 2)]
    for field_name, field in section.model_fields.items():
        values = [getattr(getattr(make().settings, name), field_name) for make in PRESETS.values()]
        cells = [f"`{name}.{field_name}`", *map(shown, values), takes(field), field.description]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def plain_section(name: str, section: type[Section]) -> str:
    """A section that no preset changes."""
    lines = [f"## {name}", "", (section.__doc__ or "").strip(), "", "| setting | default | takes | what it is |"]
    lines.append("| --- | --- | --- | --- |")
    for field_name, field in section.model_fields.items():
        cells = (f"`{name}.{field_name}`", shown(field.default), takes(field), field.description)
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def shown(value: object) -> str:
    """A value as TOML has it."""
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def takes(field) -> str:
    """The type and range of a setting."""
    kind, optional = field.annotation, ""
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is typing.Literal:
        return ", ".join(map(str, arguments))
    if type(None) in arguments:
        kind, optional = arguments[0], " or none"
    bounds = [f"{sign} {getattr(m, name)}" for m in field.metadata for name, sign in BOUNDS.items() if hasattr(m, name)]
    word = {int: "whole number", float: "number", bool: "true or false", str: "text"}[kind]
    return ", ".join([word + optional, *bounds])


BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "multiple_of": "multiple of"}

if __name__ == "__main__":
    PAGE.write_text(page())
