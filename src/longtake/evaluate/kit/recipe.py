"""A recipe of an evaluation: the data, the metrics, the systems, the report; read from TOML."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from longtake.errors import SettingsError
from longtake.settings import Section, did_you_mean, read_toml

SYSTEMS = Path(__file__).parent / "systems"
"""Descriptions of methods that come with the package: how an installed copy is called."""


class Part(Section):
    """Base of what a recipe is made of."""

    page = "docs/evaluation.md"


class Data(Part):
    kind: Literal["puppets", "hdtf", "celebv", "vfhq", "wild", "list"] = "puppets"
    folder: Path = Field(default=Path("tests/fixtures/gates"), description="where the clips lie; of a list, the file")
    split: str = Field(default="", description="a file with a name a line; 'tenth': one tenth of the people; '': all")
    clips: int | None = Field(default=None, ge=1, description="use only the first so many, by name")
    loop_s: float | None = Field(
        default=None, gt=0, description="loop each voice to this length; true frames are then for real sets only"
    )
    head_px: int | None = Field(
        default=None,
        ge=64,
        multiple_of=16,
        description="cut clips by the square round the head in their first frame, to this side",
    )
    real_row: bool = Field(default=False, description="judge the true clips too, as a row of the tables")


class Metrics(Part):
    names: list[str] = Field(
        default=["all"], description="by name, as `longtake evaluate metrics` lists them; or 'all'"
    )
    window_s: float | None = Field(default=None, gt=0, description="curves over time: a value for each so many seconds")
    draws: int = Field(default=1000, ge=0, description="of identities, for the intervals of clip metrics")
    set_draws: int = Field(default=100, ge=0, description="the same for Fréchet distances, which take time")


class Report(Part):
    out: Path = Field(default=Path("report"), description="the folder that is written")
    columns: list[str] = Field(default_factory=list, description="of the table in the paper's form; empty: all metrics")
    strips: int = Field(default=4, ge=0, le=50, description="clips shown side by side")


class SystemPart(Part):
    name: str = Field(default="", description="as it stands in the tables")
    about: str = Field(default="", description="what it is, in a sentence")
    like: str = Field(default="", description="begin from a description that comes with longtake")
    kind: Literal["animate", "restore"] = Field(
        default="animate", description="animate: portrait and voice to video; restore: video to video"
    )
    folder: Path | None = Field(default=None, description="where the installed copy lies; the command runs there")
    command: str = Field(default="", description="how it is called, with {portrait} {speech} {video} {out} {work} ...")
    together: bool = Field(default=False, description="one call for all clips, which reads the file {list}")
    output: str = Field(default="", description="pattern of the file it writes, if not {out}; may have {work}")
    config_base: str = Field(default="", description="a YAML file of the copy that {config} begins from")
    config_set: dict[str, Any] = Field(default_factory=dict, description="what is set in {config}")
    environment: dict[str, str] = Field(default_factory=dict, description="set for the command")
    fps: float | None = Field(default=None, gt=0, description="its frame rate, where its files say another")
    crop: tuple[int, int, int, int] | None = Field(
        default=None, description="x, y, width, height of the face in its frames"
    )
    size_px: int | None = Field(default=None, ge=16, description="side that frames are brought to, after the crop")
    sound: Literal["own", "given"] = Field(
        default="own", description="judge the sound it wrote, or lay the given voice under its frames"
    )
    timeout_s: float = Field(default=7200, gt=0, description="of one call")
    videos: Path | None = Field(default=None, description="its videos are already here, NAME.mp4 each: nothing is run")
    main: bool = Field(default=False, description="the one that the controls are compared with")


class Recipe(Part):
    """Everything one evaluation needs."""

    title: str = "Evaluation"
    data: Data = Data()
    metrics: Metrics = Metrics()
    report: Report = Report()
    system: list[SystemPart] = Field(default_factory=list)
    paper: dict[str, Any] = Field(default_factory=dict, description="published numbers and their source")
    ordered: bool = Field(default=False, description="check the order of controls (ordering.py)")
    work: Path | None = Field(
        default=None, description="where videos and findings are kept; default: inside the report"
    )


def read_recipe(path: Path, changes: list[str] | None = None) -> Recipe:
    """The recipe in a TOML file, its systems filled in from the descriptions they are `like`."""
    values = read_toml(path)
    values["system"] = [filled(part) for part in values.get("system", [])]
    recipe = Recipe.checked(values)
    for part in recipe.system:
        _check_system(part)
    names = [part.name for part in recipe.system]
    if twice := {name for name in names if names.count(name) > 1}:
        raise SettingsError(f"Two systems are named '{twice.pop()}'.", do="give each a name of its own")
    return recipe.apply_set(*(changes or []))


def filled(part: dict[str, Any]) -> dict[str, Any]:
    """A system's table laid over the description it is `like`."""
    like = part.get("like", "")
    if not like:
        return part
    known = described()
    if like not in known:
        raise SettingsError(
            f"There is no description '{like}'{did_you_mean(like, known)}", expected=f"one of {', '.join(known)}"
        )
    return read_toml(known[like]) | part


def described() -> dict[str, Path]:
    """The descriptions that come with longtake, by name."""
    return {path.stem: path for path in sorted(SYSTEMS.glob("*.toml"))}


def _check_system(part: SystemPart) -> None:
    if not part.name:
        raise SettingsError("A system has no name.", do='name = "..." in its [[system]]')
    if not part.command and part.videos is None:
        raise SettingsError(
            f"The system '{part.name}' has neither a command nor videos.",
            do="give command = or videos = (docs/evaluation.md)",
        )
