"""A file that is handed in for a challenge, looked at without running or even loading anything of it.

Whether it fits is said here as far as that can be: by its size, its kind, and the name that it has to define. What it
is worth, the grader finds out.
"""

import ast
from dataclasses import dataclass
from pathlib import PurePath

from hookpoint.challenges import registry
from hookpoint.content.files import hookpoint_of, source_of
from hookpoint.content.magics import parse
from hookpoint.errors import UsageError
from hookpoint.grading.submission import Refused, content_of

from .offered import Card
from .refused import TooLarge, WrongKind

__all__ = ["LARGEST", "LARGEST_SCRIPT", "Found", "demand_fit", "found_in", "names_one"]

LARGEST, LARGEST_SCRIPT = 8 << 20, 1 << 20  # bytes: outputs and weights make files large, code does not
KINDS = {"function": (".ipynb", ".py"), "json": (".json",), "safetensors": (".safetensors",)}
MARK = b'"challenge"'
TOO_LARGE = "It is larger than {most} MB. Clear the outputs, leave out pictures, and send it again."
WHICH = "{name} does not say which challenge it answers. Choose one; with `hookpoint submit`, add --challenge ID."
OTHER = "It answers {named}, and you chose {id}. Choose {named}, or another file."
NONE = "There is no challenge {id!r}. Look at /challenges for those of this event."
WRONG_KIND = "{id} asks for {what}, and {name} is none."
NOT_DEFINED = "It does not define {name}, the function that {id} asks for.{broken}"
BROKEN = " A cell of it is not valid Python."


@dataclass(frozen=True)
class Found:
    """What a file holds: the challenge that it answers, the names that it defines, whether all of it is Python."""

    id: str
    names: frozenset[str]
    whole: bool


def names_one(content: bytes, name: str) -> bool:
    """Whether a notebook says of itself that it answers a challenge."""
    return name.endswith(".ipynb") and MARK in content and bool(_named(content))


def found_in(content: bytes, name: str, chosen: str) -> Found:
    """What is in a file of this name; `chosen` is the challenge that somebody named, if any.

    Raises:
        Refused: it is too large, unreadable, or does not say what it answers.
        UsageError: there is no such challenge.
    """
    suffix = PurePath(name).suffix
    most = LARGEST_SCRIPT if suffix == ".py" else LARGEST
    if len(content) > most:
        raise TooLarge(TOO_LARGE.format(most=most >> 20))
    named = _named(content) if suffix == ".ipynb" else ""
    id = chosen or named
    if not id:
        raise Refused(WHICH.format(name=name))
    if named and named != id:
        raise Refused(OTHER.format(named=named[:60], id=id[:60]))
    if id not in registry.IDS:
        raise UsageError(NONE.format(id=id[:60]))
    if suffix not in KINDS["function"]:
        return Found(id, frozenset(), True)
    trees = [parse(source) for source in _sources(content, suffix)]
    names = frozenset().union(*(_defined(tree) for tree in trees if tree is not None))
    return Found(id, names, None not in trees)


def demand_fit(found: Found, name: str, card: Card) -> None:
    """Refuses what the grader could not score: another kind of file, or one without the function.

    Raises:
        Refused: the text says what the challenge asks for.
    """
    form, answer = card.about["form"], card.about["answer"]
    if not name.endswith(KINDS[form]):
        what = " or ".join(KINDS[form])
        raise WrongKind(WRONG_KIND.format(id=card.id, what=f"a file of the kind {what}", name=name))
    if form == "function" and answer not in found.names:
        raise Refused(NOT_DEFINED.format(name=answer, id=card.id, broken="" if found.whole else BROKEN))


def _named(content: bytes) -> str:
    """The challenge that a notebook names, or nothing, whatever is wrong with it."""
    try:
        return str(hookpoint_of(content_of(content, ".ipynb")).get("challenge", ""))[:100]
    except Exception:  # it is no notebook, or of a strange shape: that is said when it is read for what it is
        return ""


def _sources(content: bytes, suffix: str) -> list[str]:
    found = content_of(content, suffix)
    if isinstance(found, str):
        return [found]
    try:
        return [source_of(cell) for cell in found["cells"] if cell.get("cell_type") == "code"]
    except Exception:  # cells that are no cells: numbers for sources, lists for metadata
        raise Refused("Its cells are not those of a Jupyter notebook.") from None


def _defined(tree: ast.Module) -> set[str]:
    """All names that the code may give at its top level, in whatever way."""
    names = set()
    for part in ast.walk(tree):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            names.add(part.id)
        elif isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(part.name)
        elif isinstance(part, ast.alias):
            names.add(part.asname or part.name)
    return names
