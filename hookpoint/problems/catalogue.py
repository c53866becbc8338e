"""The catalogue of open problems: read once, found by id, searched and filtered."""

import difflib
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hookpoint.errors import HookpointError, UsageError

from .schema import CATEGORIES, DIFFICULTIES, KNOWN, Problem, read_file

__all__ = ["DATA", "Catalogue", "Filter", "catalogue", "read_catalogue"]

DATA = Path(__file__).with_name("data")


@dataclass(frozen=True)
class Filter:
    """What a problem has to be; what is empty or None may be anything.

    `words` must all occur in its text. `difficulty` is a letter within its range. `knows` are notebooks of the course:
    then no other notebook is needed beforehand, and nothing that no notebook teaches.
    """

    words: str = ""
    category: str = ""
    difficulty: str = ""
    offline: bool = False
    no_gpu: bool = False
    metric: bool = False
    knows: tuple[str, ...] | None = None

    def __post_init__(self):
        if self.category and self.category not in CATEGORIES:
            raise UsageError(f"There is no category {self.category!r}.{nearest(self.category, CATEGORIES)}")
        if self.difficulty and self.difficulty not in DIFFICULTIES:
            raise UsageError(f"{self.difficulty!r} is no difficulty. Choose one of {', '.join(DIFFICULTIES)}.")
        taught = {notebook for notebook in KNOWN.values() if notebook}
        for notebook in self.knows or ():
            if notebook not in taught:
                raise UsageError(f"{notebook!r} prepares for no problem.{nearest(notebook, taught)}")

    def fits(self, problem: Problem) -> bool:
        return (
            (not self.category or problem.category == self.category)
            and (not self.difficulty or within(self.difficulty, problem.difficulty))
            and (not self.offline or problem.offline)
            and (not self.no_gpu or problem.gpu != "yes")
            and (not self.metric or bool(problem.metric))
            and (self.knows is None or all(KNOWN[one] in self.knows for one in problem.prerequisites))
            and all(word in searched(problem) for word in folded(self.words).split())
        )


class Catalogue:
    """All problems, in the order of their numbers within their categories."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = tuple(sorted(problems, key=place))
        self._by_id = {problem.id: problem for problem in self.problems}

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.problems)

    def __len__(self) -> int:
        return len(self.problems)

    def problem(self, id: str) -> Problem:
        """The problem of this id.

        Raises:
            UsageError: there is none; the text offers the nearest.
        """
        if id not in self._by_id:
            raise UsageError(f"There is no problem {id!r}.{nearest(id, self._by_id)} `hookpoint problem list` has all.")
        return self._by_id[id]

    def search(self, wanted: Filter) -> tuple[Problem, ...]:
        """Those that fit, in the catalogue's order."""
        return tuple(problem for problem in self.problems if wanted.fits(problem))


@cache
def catalogue() -> Catalogue:
    """The catalogue that the package ships."""
    return read_catalogue(DATA)


def read_catalogue(folder: Path) -> Catalogue:
    """The catalogue in a folder of files, one for each category.

    Raises:
        HookpointError: some have mistakes: all of them, a line for each; or two problems have one id.
    """
    problems, faults = [], []
    for path in sorted(folder.glob("*.toml")):
        try:
            problems += read_file(path)
        except HookpointError as error:
            faults.append(str(error))
    seen: dict[str, str] = {}
    for problem in problems:
        if problem.id in seen:
            faults.append(f"{problem.category}.toml: {problem.id} is also in {seen[problem.id]}.toml. Give it another.")
        seen[problem.id] = problem.category
    if faults:
        raise HookpointError("\n".join(faults))
    return Catalogue(problems)


def place(problem: Problem) -> tuple:
    """Categories in their order; within them 2.9 before 2.10."""
    chapter, _, number = problem.id.partition(".")
    digits = "".join(c for c in number if c.isdigit())
    return list(CATEGORIES).index(problem.category), chapter, int(digits), number


def within(letter: str, difficulty: str) -> bool:
    ends = difficulty.split("-")
    return bool(difficulty) and ends[0] <= letter <= ends[-1]


@cache
def searched(problem: Problem) -> str:
    parts = (problem.id, problem.title, problem.topic, problem.summary, problem.starter, problem.metric, problem.source)
    return folded(" ".join((*parts, CATEGORIES[problem.category], *problem.prerequisites)))


def folded(text: str) -> str:
    """Letters without case and accents, so that one finds what one can type."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in apart if not unicodedata.combining(c))


def nearest(word: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {found[0]}?" if found else ""
