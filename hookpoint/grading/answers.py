"""Answers as learners write them: `tests/<part>/answers/<exercise>.py`, cells marked right="..." or wrong="...".

They are text, never imported: each is run the way a learner's cell is run, through both implementations of `Learner`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from hookpoint.content.cells import Cell
from hookpoint.errors import AuthoringError

__all__ = ["Answer", "answer_cell", "read_answers"]

MARKER = re.compile(r'# %% (right|wrong)="([^"]+)"\s*$')


@dataclass(frozen=True)
class Answer:
    """One complete answer; `right` says whether the checks must accept it."""

    label: str
    right: bool
    source: str


def read_answers(path: Path) -> list[Answer]:
    """The answers of one exercise; none if the file is not there.

    Raises:
        AuthoringError: a cell has another marker than right="..." or wrong="...".
    """
    if not path.is_file():
        return []
    answers: list[tuple[str, bool, list[str]]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("# %%"):
            marker = MARKER.match(line)
            if marker is None:
                raise AuthoringError(
                    path, number, f"`{line}` is no marker of an answer.", 'Write # %% right="..." or wrong="...".'
                )
            answers.append((marker[2], marker[1] == "right", []))
        elif answers:
            answers[-1][2].append(line)
    return [Answer(label, right, "\n".join(lines).strip() + "\n") for label, right, lines in answers]


def answer_cell(exercise: str, writes: str, source: str) -> Cell:
    """The answer as the learner's cell for this exercise."""
    return Cell(id=exercise, kind="exercise", exercise=exercise, source=source, index=0, writes=writes)
