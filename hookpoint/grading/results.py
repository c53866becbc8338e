"""What grading one submission gives: a verdict for each exercise of its notebook, and their sum."""

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from hookpoint.content.course import course_root

__all__ = ["FORMAT", "Graded", "Result", "version", "write_csv"]

PACKAGE = Path(__file__).parents[1]
FORMAT = 1  # of the JSON


@dataclass(frozen=True)
class Graded:
    """One exercise of one submission.

    `status` is `passed`, `failed`, `error`, `timeout` or `missing`; `message` is the check's, for the one who wrote the
    answer: it shows no hidden input; `slip` is the id of the slip that was recognised, or empty.

    For a challenge, `public` and `final` are what the two private splits gave, in points, with their standard errors;
    None where a split was not scored. `value` is that of the public split on the challenge's own scale, None if it
    could not be scored, and `cost` what parts equal values.
    """

    exercise: str
    status: str
    points: float
    max_points: float
    slip: str = ""
    message: str = ""
    public: float | None = None
    public_se: float = 0.0
    final: float | None = None
    final_se: float = 0.0
    value: float | None = None
    value_se: float = 0.0
    cost: float = 0.0


@dataclass(frozen=True)
class Result:
    """One submission. The same `sha256`, `version` and `seed` give the same verdicts again.

    `submission` is the name it was handed in under; `notebook` the stem of the course's notebook that it answers;
    `warnings` say what was odd about the file, for people; `trouble` says why it could not be graded, if so: then there
    are no verdicts.
    """

    submission: str
    sha256: str
    notebook: str
    version: str
    seed: str
    verdicts: tuple[Graded, ...] = ()
    warnings: tuple[str, ...] = ()
    trouble: str = ""
    seconds: float = field(default=0.0, compare=False)

    @property
    def score(self) -> float:
        return sum(graded.points for graded in self.verdicts)

    @property
    def max_score(self) -> float:
        return sum(graded.max_points for graded in self.verdicts)

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values: the host's copy, for it holds the seed."""
        plain = {"format": FORMAT, **asdict(self), "score": self.score, "max_score": self.max_score}
        return plain | {"verdicts": [asdict(graded) for graded in self.verdicts], "warnings": list(self.warnings)}


def write_csv(results: Iterable[Result], path: Path) -> None:
    """One row for each submission: its name, notebook, score, and the status of each exercise."""
    results = list(results)
    ids = list(dict.fromkeys(graded.exercise for result in results for graded in result.verdicts))
    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        rows = csv.writer(file)
        rows.writerow(["submission", "notebook", "score", "max_score", *ids, "trouble"])
        for result in results:
            status = {graded.exercise: graded.status for graded in result.verdicts}
            cells = [result.submission, result.notebook, result.score, result.max_score]
            cells += [status.get(id, "") for id in ids] + [result.trouble]
            rows.writerow([harmless(cell) for cell in cells])


def harmless(cell: Any) -> Any:
    """A spreadsheet takes text that begins like a formula for one, and the names of files come from participants."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


@cache
def version() -> str:
    """What the verdicts depend on beside the submission and the seed: the course, its checks, and the grader."""
    folders = [PACKAGE / name for name in ("challenges", "checks", "content", "grading", "interp", "model", "zoo")]
    paths = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    digest = hashlib.sha256()
    for path in [*paths, *sorted(course_root().glob("*/*.ipynb"))]:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]
