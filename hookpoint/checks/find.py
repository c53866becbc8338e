"""From an exercise's id to its checks. A check module is imported only when its exercise is judged."""

import difflib
import importlib
from functools import cache
from pathlib import Path

from hookpoint.content.course import plain
from hookpoint.errors import UsageError

from .exercise import Exercise

__all__ = ["exercise", "ids"]

HERE = Path(__file__).parent


@cache
def modules() -> dict[str, str]:
    """Module name by exercise id: every file in a notebook's folder, except those that start with an underscore."""
    found = {}
    for path in sorted(HERE.glob("*/*.py")):
        if path.parent.name != "protocol" and not path.stem.startswith("_"):
            found[path.stem] = f"{__package__}.{path.parent.name}.{path.stem}"
    return found


def ids() -> list[str]:
    """The ids of all exercises that have checks."""
    return list(modules())


@cache
def exercise(exercise_id: str) -> Exercise:
    """The exercise of this id; case and underscores do not matter.

    Raises:
        UsageError: there is none; suggests the nearest.
    """
    by_name = {plain(id): id for id in modules()}
    if plain(exercise_id) not in by_name:
        near = difflib.get_close_matches(exercise_id, modules(), n=1)
        hint = f" Did you mean `{near[0]}`?" if near else " `hookpoint status` lists them all."
        raise UsageError(f"There is no exercise `{exercise_id}`.{hint}")
    exercise_id = by_name[plain(exercise_id)]
    found = importlib.import_module(modules()[exercise_id]).EXERCISE
    assert found.id == exercise_id, f"{modules()[exercise_id]} declares the exercise {found.id}"
    return found
