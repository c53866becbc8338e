"""Imports run downhill, heavy libraries are imported where they are needed, and modules stay small.

Everything is read from syntax trees, so an import inside a function counts as well.
"""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "hookpoint"
MODULES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES = 300

# What each part of the package may import of ours, beside itself. `errors` is every part's but for the two that
# could stand alone.
BELOW_CHECKS = {"content", "model", "interp", "zoo"}
BELOW_HOSTING = BELOW_CHECKS | {"challenges", "checks", "grading", "problems", "pictures"}
MAY_IMPORT = {
    "errors": set(),
    "model": set(),
    "pictures": set(),
    "interp": {"model"},
    "zoo": {"model"},
    "problems": {
        "content",
        "interp",
        "model",
        "pictures",
        "zoo",
    },  # its starters, which are notebooks, use all of these
    "challenges": {"content", "interp", "model", "pictures", "zoo"},  # starters draw
    "content": set(),
    "checks": BELOW_CHECKS,
    "grading": BELOW_CHECKS | {"checks", "challenges"},
    "hosting": BELOW_HOSTING,
    "app": BELOW_HOSTING | {"hosting"},
    "commands": BELOW_HOSTING | {"hosting", "app"},
    "cli": BELOW_HOSTING | {"hosting", "app", "commands"},
    "__main__": {"cli"},
}
NEEDS_NOTHING_OF_OURS = ("errors", "model", "pictures")

# The parts of the package that know each heavy library. None is imported when a module is; streamlit may be in the app.
ADAPTERS = {
    "transformer_lens": {"model"},
    "transformers": {"model", "zoo"},
    "streamlit": {"app"},
    "nbgrader": {"grading"},
    "matplotlib": {"pictures"},
    "jupytext": set(),
}
AT_ONCE = {("app", "streamlit")}


def part_of(path: Path) -> str:
    """`checks` for hookpoint/checks/compare.py, `cli` for hookpoint/cli.py."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path, source: str, *, when_loaded: bool = False) -> list[tuple[int, str]]:
    """Line and full name of every module that a source imports, or only of those imported when it is loaded."""
    package = ["hookpoint", *path.relative_to(PACKAGE).parts[:-1]]
    found = []
    for node in at_load(ast.parse(source)) if when_loaded else ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = [*base, *filter(None, [node.module])]
            found += [(node.lineno, ".".join([*base, alias.name])) for alias in node.names]
    return found


def at_load(node: ast.AST):
    """The nodes that run when a module is loaded: not those in functions or for type checkers."""
    for child in ast.iter_child_nodes(node):
        for_types = isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING")
        if not for_types and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from at_load(child)


def uphill(path: Path, source: str) -> list[tuple[int, str]]:
    """The imports of ours that a module at this place may not have."""
    part = part_of(path)
    allowed = MAY_IMPORT[part] | {part} | (set() if part in NEEDS_NOTHING_OF_OURS else {"errors"})
    ours = [(line, name) for line, name in imported(path, source) if name.split(".")[0] == "hookpoint"]
    return [(line, name) for line, name in ours if name.split(".")[1:2] and name.split(".")[1] not in allowed]


def misplaced(path: Path, source: str) -> list[tuple[int, str]]:
    """The imports of heavy libraries outside their adapters, or too early inside them."""
    part = part_of(path)
    early = imported(path, source, when_loaded=True)
    heavy = [(line, name) for line, name in imported(path, source) if name.split(".")[0] in ADAPTERS]
    return [
        (line, name)
        for line, name in heavy
        if part not in ADAPTERS[name.split(".")[0]]
        or ((line, name) in early and (part, name.split(".")[0]) not in AT_ONCE)
    ]


every_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())


@every_module
def test_imports_run_downhill(path):
    if path != PACKAGE / "__init__.py":
        assert uphill(path, path.read_text(encoding="utf-8")) == []


@every_module
def test_heavy_libraries_are_imported_inside_their_adapters(path):
    assert misplaced(path, path.read_text(encoding="utf-8")) == []


@every_module
def test_a_module_has_one_purpose_and_few_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", [p for p in MODULES if part_of(p) == "content"], ids=lambda path: path.stem)
def test_content_never_imports_torch(path):
    names = [name.split(".")[0] for _, name in imported(path, path.read_text(encoding="utf-8"))]

    assert "torch" not in names


def test_the_package_itself_imports_nothing():
    assert imported(PACKAGE / "__init__.py", (PACKAGE / "__init__.py").read_text(encoding="utf-8")) == []


UPHILL = {
    "absolute": ("content/course.py", "from hookpoint.checks import judge"),
    "in a function": ("content/course.py", "def f():\n    from hookpoint.checks.find import ids"),
    "relative": ("content/course.py", "from ..checks.find import ids"),
    "relative name": ("content/course.py", "from .. import grading"),
    "a plain import": ("grading/verify.py", "import hookpoint.cli"),
    "from the package": ("zoo/load.py", "from hookpoint import checks"),
    "of the model": ("model/gpt2.py", "from hookpoint.errors import HookpointError"),
    "of a test for typing": ("checks/judge.py", "if TYPE_CHECKING:\n    from hookpoint.hosting import event"),
}


@pytest.mark.parametrize(("file", "source"), UPHILL.values(), ids=UPHILL)
def test_the_rule_catches_an_uphill_import(file, source):
    assert len(uphill(PACKAGE / file, source)) == 1


DOWNHILL = {
    "a layer below": ("grading/verify.py", "from hookpoint.checks.find import ids"),
    "itself": ("checks/run.py", "from .judge import judge\nfrom hookpoint.checks import compare"),
    "errors": ("content/course.py", "from hookpoint.errors import UsageError"),
    "others": ("model/gpt2.py", "import torch\nfrom collections import abc"),
}


@pytest.mark.parametrize(("file", "source"), DOWNHILL.values(), ids=DOWNHILL)
def test_the_rule_lets_a_downhill_import_pass(file, source):
    assert uphill(PACKAGE / file, source) == []


HEAVY = {
    "at the top": ("pictures/curves.py", "import matplotlib.pyplot as plt"),
    "at the top of a class": ("model/adapter.py", "class A:\n    import transformers"),
    "behind a try": ("model/adapter.py", "try:\n    import transformer_lens\nexcept ImportError:\n    pass"),
    "outside its adapter": ("checks/run.py", "def f():\n    import nbgrader.api"),
    "of the tests alone": ("content/source.py", "def f():\n    import jupytext"),
}


@pytest.mark.parametrize(("file", "source"), HEAVY.values(), ids=HEAVY)
def test_the_rule_catches_a_heavy_import(file, source):
    assert len(misplaced(PACKAGE / file, source)) == 1


def test_the_rule_lets_a_heavy_import_pass_where_it_is_needed():
    assert misplaced(PACKAGE / "pictures/curves.py", "def plot():\n    import matplotlib.pyplot as plt") == []
    assert misplaced(PACKAGE / "app/main.py", "import streamlit as st") == []
    assert misplaced(PACKAGE / "model/adapter.py", "if TYPE_CHECKING:\n    import transformers") == []
