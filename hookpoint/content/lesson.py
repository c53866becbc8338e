"""What the cells of one source mean: a lesson with its exercises.

A lesson that exists is sound: everything that `rules` refuses has been refused. Writing it out as a notebook is left
to `notebook`.
"""

import ast
from dataclasses import dataclass
from pathlib import Path

from hookpoint.content import rules
from hookpoint.content.regions import released
from hookpoint.content.rules import HEADING, TITLE, defined_names, snake_case
from hookpoint.content.source import Cell, parse, read_text
from hookpoint.errors import AuthoringError


@dataclass(frozen=True)
class ExerciseSpec:
    """One exercise as its markers and its heading describe it.

    Args:
        id: `layer_norm`, the same in heading, markers, check, test and message.
        writes: The name that the learner defines, such as `LayerNorm`.
        line: Where its answer cell begins in the source.
    """

    id: str
    writes: str
    minutes: int
    points: int
    stars: int
    line: int


@dataclass(frozen=True)
class Lesson:
    """One source file, read and found sound."""

    path: Path
    part: str
    name: str
    title: str
    cells: tuple[Cell, ...]
    exercises: tuple[ExerciseSpec, ...]

    def exercise(self, id: str) -> ExerciseSpec:
        """The exercise with this id, which must be one of this lesson's."""
        return next(each for each in self.exercises if each.id == id)


def read_lesson(path: Path) -> Lesson:
    """The lesson in `solutions/<part>/<name>.py`.

    Raises:
        AuthoringError: anything that `source` or `rules` refuses; all problems of the file at once.
    """
    cells, problems = parse(path, read_text(path))
    problems = [*problems, *rules.problems(path, cells)]
    if problems:
        raise AuthoringError.gathered(problems)
    title = TITLE.match(cells[0].source)["title"]
    exercises = tuple(_exercise(cell, cells) for cell in cells if "exercise" in cell.options)
    return Lesson(path, path.parent.name, path.stem, title, tuple(cells), exercises)


def _exercise(answer: Cell, cells: list[Cell]) -> ExerciseSpec:
    id = answer.options["exercise"]
    names = defined_names(ast.parse(released(answer.source)))
    check = next(cell for cell in cells if cell.options.get("check") == id)
    headings = (HEADING.match(cell.source) for cell in cells if cell.kind == "markdown")
    heading = next(match for match in headings if match and match["id"] == id)
    return ExerciseSpec(
        id=id,
        writes=next(name for name in names if snake_case(name) == id),
        minutes=answer.options["minutes"],
        points=check.options["points"],
        stars=len(heading["stars"]),
        line=answer.line,
    )
