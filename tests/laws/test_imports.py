"""Imports point one way, and light commands stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import longtake

PACKAGE = Path(longtake.__file__).parent

# A file may import from its own layer and from layers above it in this list, never from below.
LAYERS = [
    {"__init__", "errors", "settings", "clips", "times"},
    {"diffusion", "models", "media"},
    {"face", "encoders", "weights"},
    {"presets"},
    {
        "networks",
        "placing",
        "inputs",
        "prepare",
        "prompts",
        "prompt_files",
        "prompt_places",
        "prompt_tables",
        "subtitles",
        "prompt_remarks",
        "telling",
        "expressing",
        "blinks",
        "conditions",
        "motion",
        "segments",
        "parallel",
        "drift",
        "rehearsal",
        "decode",
        "canvas",
        "enhance",
        "enlarging",
        "restoration",
        "journal",
        "pace",
        "render",
        "fade",
        "span",
    },
    {"animator"},
    {"corpus", "train", "evaluate"},
    {"apps", "__main__"},
]
LAYER_OF = {name: depth for depth, layer in enumerate(LAYERS) for name in layer}
FILES = sorted(PACKAGE.rglob("*.py"))


def part_of(module: str) -> str:
    """The first name below the package: its file or folder."""
    names = module.split(".")
    return names[1] if len(names) > 1 else "__init__"


def imports_of(file: Path) -> set[str]:
    """The parts of the package that a file imports, anywhere in it (imports for type checkers alone do not count)."""
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            node.body = [ast.Pass()]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {part_of(alias.name) for alias in node.names if alias.name.split(".")[0] == "longtake"}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: write imports in full"
            if node.module == "longtake":
                found |= {alias.name if alias.name in LAYER_OF else "__init__" for alias in node.names}
            elif (node.module or "").startswith("longtake."):
                found.add(part_of(node.module or ""))
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_point_one_way(file):
    own = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert own in LAYER_OF, f"{own} has no layer yet: add it to LAYERS"
    wrong = {name for name in imports_of(file) if LAYER_OF[name] > LAYER_OF[own]}
    assert not wrong, f"{file.name} is in layer {LAYER_OF[own]} and may not import {wrong}"


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import longtake", {"torch", "numpy", "pydantic", "av", "cv2"}),
        (
            "import longtake.errors, longtake.settings, longtake.clips, longtake.presets",
            {"torch", "av", "cv2", "diffusers"},
        ),
        ("import longtake.media.video, longtake.media.sound", {"torch", "cv2", "diffusers"}),
        (
            "from longtake.apps.cli import app; app(['animate', '--help'], standalone_mode=False)",
            {"torch", "numpy", "av", "cv2", "diffusers", "transformers"},
        ),
    ],
)
def test_what_is_light_loads_nothing_heavy(code, absent):
    check = f"import sys; {code}; print(sorted({absent!r} & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_every_public_name_has_a_home():
    """The names are looked up in the source, not imported: this test must stay light."""
    for name, home in longtake._HOME.items():
        tree = ast.parse((PACKAGE / f"{home.replace('.', '/')}.py").read_text())
        defined = {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
        assert name in defined, f"longtake.{name} should be in {home}"
    assert set(longtake._HOME) | {"__version__"} == set(longtake.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing"):
        longtake.nothing  # noqa: B018
