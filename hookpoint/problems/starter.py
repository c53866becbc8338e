"""The starter notebook of a problem: the right model, a first figure with its control, and the page to write it up on.

The sources lie in `starters`: one of its own where there is one, else that of the problem's family.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from hookpoint.content.starters import filled, prose, starter_notebook
from hookpoint.errors import HookpointError, UsageError

from .catalogue import catalogue
from .families import family
from .schema import KNOWN, Problem

__all__ = ["STARTERS", "file_name", "has_own", "notebook", "own_ids", "source", "write"]

STARTERS = Path(__file__).with_name("starters")


def own_source(id: str) -> Path:
    """Where the starter of this problem alone lies, if there is one."""
    return STARTERS / f"{id.replace('.', '_')}.py"


def has_own(problem: Problem) -> bool:
    """Whether the problem has a starter that nothing else has."""
    return own_source(problem.id).is_file()


def own_ids() -> tuple[str, ...]:
    """The problems that have a starter of their own, in the catalogue's order."""
    return tuple(problem.id for problem in catalogue() if has_own(problem))


def source(problem: Problem) -> Path:
    """The percent source of the problem's starter."""
    own = own_source(problem.id)
    return own if own.is_file() else STARTERS / "general" / f"{family(problem)}.py"


def notebook(problem: Problem, template: str) -> dict:
    """The problem's starter as a notebook.

    Args:
        problem: What it is about.
        template: The Markdown page of a write-up, put at the end with a cell for each section.
    """
    told = {} if has_own(problem) else {"id": problem.id, "title": problem.title, "summary": problem.summary}
    title, *rest = filled(source(problem), told)
    cells = [title, prose(about(problem)), *rest, *map(prose, sections(template))]
    return starter_notebook(cells, {"problem": problem.id, "title": problem.title})


def write(id: str, folder: Path, template: str) -> Path:
    """The starter notebook that was written for a problem into a folder, which is made if need be.

    Raises:
        UsageError: there is no such problem, or its notebook is there already; that is never overwritten.
        HookpointError: the file cannot be written.
    """
    problem = catalogue().problem(id)
    path = folder / file_name(problem)
    text = json.dumps(notebook(problem, template), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        what = (
            "is there already and stays as it is" if path.exists() else "cannot be made: a file has the folder's name"
        )
        raise UsageError(f"{path} {what}. Say --into ANOTHER_FOLDER for a fresh one.") from None
    except OSError as error:
        raise HookpointError(f"{path} cannot be written: {error.strerror or error}.") from None
    return path


def file_name(problem: Problem) -> str:
    """`2.13_closing_brackets_correctly.ipynb`."""
    plain = unicodedata.normalize("NFKD", problem.title.casefold()).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "_", plain.replace("'", "")).strip("_")
    # A name of moderate length, cut between words.
    slug = words if len(words) <= 50 else words[:50].rpartition("_")[0]
    return f"{problem.id}_{slug}.ipynb"


def about(problem: Problem) -> str:
    """What the catalogue knows of the problem, for somebody who begins with it."""
    return "\n".join(f"- **{what}:** {said}" for what, said in facts(problem))


def facts(problem: Problem) -> Iterator[tuple[str, str]]:
    yield "Source", problem.source
    yield "How the catalogue would begin", problem.starter
    yield "The whole problem needs", f"{problem.model}. GPU: {problem.gpu}. Internet: {problem.internet}."
    known = [f"{one} (notebook `{KNOWN[one]}`)" if KNOWN[one] else one for one in problem.prerequisites]
    yield "Know first", ", ".join(known) or "nothing in particular"
    yield "Difficulty", problem.difficulty or "not known"
    yield "Scored by", problem.metric or "no honest metric is known: people judge it"
    for doubt in problem.doubts:
        yield "Note", doubt


def sections(template: str) -> list[str]:
    """The page cut at its headings of the second order, so that each section is a cell to write in."""
    return [part for part in re.split(r"^(?=## )", template, flags=re.MULTILINE) if part.strip()]


def sources() -> Iterator[Path]:
    """Every source there is: own ones, then the general ones."""
    for folder in (STARTERS, STARTERS / "general"):
        yield from (path for path in sorted(folder.glob("*.py")) if path.stem != "__init__")
