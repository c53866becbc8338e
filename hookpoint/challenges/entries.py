"""Reference answers, written as anybody would hand them in: baselines and attackers of the package, our experts.

    hookpoint/challenges/<id>/baselines/<name>.py     honest methods that one tries first
    hookpoint/challenges/<id>/attackers/<name>.py     constant, task_rule, brute_force, copy: what must not win
    solutions/challenges/<id>.py                      our best; in the repository, not in the package

The first line of a file's docstring says what it does, in words for a board; of an expert a board says nothing.
"""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hookpoint.errors import HookpointError

from .definition import Challenge

__all__ = ["ROLES", "Entry", "entries", "load"]

ROLES = ("attacker", "baseline", "expert")
PACKAGE = Path(__file__).parent
EXPERTS = PACKAGE.parents[1] / "solutions" / "challenges"


@dataclass(frozen=True)
class Entry:
    """One reference answer; `label` is what a board calls it."""

    challenge: str
    role: str
    name: str
    label: str
    path: Path


def entries(id: str) -> list[Entry]:
    """The challenge's attackers, baselines, and its expert where the repository is there."""
    found = [
        _entry(id, role, path)
        for role in ("attacker", "baseline")
        for path in sorted((PACKAGE / id / f"{role}s").glob("*.py"))
    ]
    expert = EXPERTS / f"{id}.py"
    return [*found, _entry(id, "expert", expert)] if expert.is_file() else found


def load(entry: Entry, challenge: Challenge) -> Callable[..., Any]:
    """The entry's function, ready to be called: it is our own code, and runs in this process."""
    names: dict[str, Any] = {"__name__": f"{entry.challenge}_{entry.role}_{entry.name}"}
    exec(compile(entry.path.read_text(encoding="utf-8"), str(entry.path), "exec"), names)
    if challenge.answer not in names:
        raise HookpointError(f"{entry.path} does not define {challenge.answer}.")
    return names[challenge.answer]


def _entry(id: str, role: str, path: Path) -> Entry:
    if role == "expert":  # what it does is the challenge's secret
        return Entry(id, role, "expert", "Our own answer", path)
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or path.stem.replace("_", " ")
    return Entry(id, role, path.stem, said.splitlines()[0].rstrip("."), path)
