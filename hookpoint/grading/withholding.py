"""Which parts of the course are answers, and are withheld from a submission that is asked for them.

Exercises of a notebook are judged in its order. When one is judged, the answers that earlier ones asked for may be
shown, since their verdicts are known: tools that run beside the learner's code are made of them.
"""

import ast
import marshal
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from hookpoint.content.course import Exercise, Notebook

__all__ = ["readable", "shown", "withheld"]

PACKAGE = Path(__file__).parents[1]
# Where answers stand that the learner's side may import.
PLACES = ("model/*.py", "interp/*.py", "checks/protocol/given/_*.py")

Definition = ast.FunctionDef | ast.ClassDef


@cache
def definitions() -> dict[str, dict[str, frozenset[str]]]:
    """By module: what it defines at the top level; by class, its methods."""
    found = {}
    for pattern in PLACES:
        for path in sorted(PACKAGE.glob(pattern)):
            if path.name != "__init__.py":
                tree = ast.parse(path.read_text(encoding="utf-8"))
                nodes = [node for node in tree.body if isinstance(node, Definition)]
                found[named(path)] = {node.name: frozenset(inner(node)) for node in nodes}
    return found


def named(path: Path) -> str:
    return ".".join(("hookpoint", *path.relative_to(PACKAGE).with_suffix("").parts))


def inner(node: Definition) -> Iterable[str]:
    return (part.name for part in getattr(node, "body", ()) if isinstance(part, ast.FunctionDef))


def withheld(notebook: Notebook) -> list[str]:
    """The modules that hold an answer to one of the notebook's exercises."""
    return [
        module
        for module, names in definitions().items()
        if any(holds(names, exercise) for exercise in notebook.exercises)
    ]


def holds(names: dict[str, frozenset[str]], exercise: Exercise) -> bool:
    return exercise.writes in names or exercise.writes in names.get(exercise.extends, ())


def readable(notebook: Notebook) -> tuple[list[str], list[str]]:
    """The files and folders of ours that a submission to the notebook may read, and the folders that it may list."""
    closed = [PACKAGE.joinpath(*module.split(".")[1:]).with_suffix(".py") for module in withheld(notebook)]
    files = [PACKAGE / "__init__.py", PACKAGE / "errors.py", PACKAGE / "grading" / "__init__.py"]
    files += sorted((PACKAGE / "checks").glob("*.py"))
    files += [path for pattern in PLACES for path in sorted(PACKAGE.glob(pattern)) if path not in closed]
    files += sorted((PACKAGE / "checks" / "protocol").glob("*.py"))
    files += sorted((PACKAGE / "checks" / "protocol" / "given").glob("[!_]*.py"))
    files += [PACKAGE / "checks" / "protocol" / "given" / "__init__.py"]
    compiled = [found for path in files for found in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc")]
    folders = [PACKAGE / name for name in ("content", "grading/sandbox", "pictures", "zoo")]
    folders += [notebook.path.parent.parent]  # the released notebooks
    listed = {PACKAGE, *(parent for path in files for parent in (path.parent, path.parent / "__pycache__"))}
    return [str(path) for path in (*files, *compiled, *folders)], sorted(str(path) for path in listed)


@cache
def shown(module: str, notebook: Notebook, exercise: str) -> bytes:
    """The code of a withheld module without the answers to this exercise and to those after it, and without what
    serves these alone. In their place stand names that refuse to be used.

    Raises:
        KeyError: the module is not one that is withheld from this notebook.
    """
    if module not in withheld(notebook):
        raise KeyError(module)
    at = [one.id for one in notebook.exercises].index(exercise)
    path = PACKAGE.joinpath(*module.split(".")[1:]).with_suffix(".py")
    tree = without(ast.parse(path.read_text(encoding="utf-8")), notebook.exercises[at:], notebook.exercises[:at])
    return marshal.dumps(compile(tree, f"<{module}>", "exec", dont_inherit=True))


def without(tree: ast.Module, open_ones: Iterable[Exercise], known: Iterable[Exercise]) -> ast.Module:
    """The module with hollow names where the answers to open exercises stood. Those to known ones stay."""
    answers = {exercise.writes for exercise in open_ones if not exercise.extends}
    methods = {(exercise.extends, exercise.writes) for exercise in open_ones if exercise.extends}
    parts = {name: part for part in tree.body for name in names_of(part)}
    secret = reached(answers, parts) - {exercise.writes for exercise in known}
    others = {name for name in parts if name not in secret}
    kept = reached(others, {name: part for name, part in parts.items() if name not in answers})
    body = []
    for part in tree.body:
        names = names_of(part)
        if not names or any(name in kept for name in names):
            body.append(trimmed(part, methods))
        else:
            body += [hollow(name) for name in names]
    tree.body = body
    return ast.fix_missing_locations(tree)


def names_of(part: ast.stmt) -> list[str]:
    """What a statement at the top level defines, imports left out."""
    if isinstance(part, Definition):
        return [part.name]
    targets = part.targets if isinstance(part, ast.Assign) else [part.target] if isinstance(part, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name) and not target.id.startswith("__")]


def reached(names: Iterable[str], parts: dict[str, ast.stmt]) -> set[str]:
    """These names and all that their definitions mention, directly or not."""
    found, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        if name in parts and name not in found:
            found.add(name)
            waiting += [node.id for node in ast.walk(parts[name]) if isinstance(node, ast.Name)]
    return found


def trimmed(part: ast.stmt, methods: set[tuple[str, str]]) -> ast.stmt:
    """A class without the methods that are asked for."""
    if isinstance(part, ast.ClassDef):
        part.body = [one for one in part.body if (part.name, getattr(one, "name", "")) not in methods] or [ast.Pass()]
    return part


def hollow(name: str) -> ast.stmt:
    source = f"class {name}:\n def __init__(self, *_, **__): raise RuntimeError('{name} is not there while grading')"
    return ast.parse(source).body[0]
