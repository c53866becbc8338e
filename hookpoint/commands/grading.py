"""`hookpoint grade`: what was handed in becomes verdicts, as a table, JSON, CSV, pages for those who handed it in."""

import json
import secrets
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from hookpoint.errors import UsageError
from hookpoint.grading.level import demand, probe
from hookpoint.grading.results import Result, write_csv
from hookpoint.grading.submission import Handed

__all__ = ["grade", "handed_in", "show"]

SIGNS = {"passed": "✓", "failed": "✗", "error": "!", "timeout": "…", "missing": "·"}


def grade(
    paths: Sequence[Path], seed: str | None, workers: int, trusted: bool, quiet: bool, owned: bool
) -> list[Result]:
    """The results in the order of the files, graded in parallel under a progress bar; says which sandbox holds.

    With `owned` each file must lie where its owner can be told.

    Raises:
        UsageError: there is nothing to grade, or this machine cannot confine what it would run.
    """
    handed = handed_in(paths)
    for one in handed if owned else ():
        owner(one.name)
    level = probe()
    demand(level, trusted)
    from hookpoint.grading.pool import grade_all  # with torch, which a mistake in the command should not wait for

    seed = seed or secrets.token_hex(8)
    click.echo(f"{level} Seed: {seed}", err=True)
    found: dict[int, Result] = {}
    for at, result in progress(grade_all(handed, level, seed, workers), len(handed), quiet):
        found[at] = result
    return [found[at] for at in range(len(handed))]


def handed_in(paths: Iterable[Path]) -> list[Handed]:
    """The files, and for a folder all notebooks in it, named by where in it they lie."""
    found: dict[Path, Handed] = {}
    for path in paths:
        inside = sorted(one for one in path.rglob("*.ipynb") if ".ipynb_checkpoints" not in one.parts)
        for one in inside if path.is_dir() else [path]:
            name = one.relative_to(path) if path.is_dir() else one
            found.setdefault(one.absolute(), Handed(one, name.as_posix()))
    if not found:
        raise UsageError("There is nothing to grade: name notebooks (.ipynb), scripts (.py), or a folder of notebooks.")
    return list(found.values())


def progress(steps: Iterable, total: int, quiet: bool) -> Iterable:
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(steps, "Grading", total, console=console, disable=quiet or not console.is_terminal)


def show(results: Sequence[Result]) -> None:
    """A row for each submission with a sign for each exercise; then what was odd."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 110)
    table = Table("submission", "notebook", "score", " ".join(("exercises",)), caption=legend())
    for result in results:
        signs = "".join(SIGNS[graded.status] for graded in result.verdicts)
        score = f"{result.score:g} of {result.max_score:g}" if not result.trouble else "not graded"
        table.add_row(escape(shown(result.submission)), result.notebook, score, signs)
    console.print(table)
    for result in results:
        for line in [*([result.trouble] if result.trouble else []), *result.warnings]:
            console.print(f"{shown(result.submission)}: {line}", markup=False, highlight=False)


def legend() -> str:
    return "  ".join(f"{sign} {status}" for status, sign in SIGNS.items())


def shown(name: str) -> str:
    """A file's name, which its author chose, as it may be shown in a terminal."""
    from hookpoint.checks.protocol.printable import printable

    return printable(name)


def as_json(results: Sequence[Result]) -> str:
    return json.dumps([result.as_json() for result in results], indent=1)


def save(results: Sequence[Result], csv: Path | None, feedback: Path | None, gradebook: str | None) -> None:
    """Writes what was asked for beside the table, and says where."""
    if gradebook:
        enter(results, gradebook)
    if csv:
        write_csv(results, csv)
        click.echo(f"written: {csv}", err=True)
    if feedback:
        from hookpoint.grading.feedback import write

        click.echo(f"written: {len(write(results, feedback))} files in {feedback}", err=True)


def enter(results: Sequence[Result], gradebook: str) -> None:
    """Enters the scores for the students whose folders the files lie in."""
    from hookpoint.grading.gradebook import record

    by_part: dict[str, list[Result]] = {}
    for result in results:
        by_part.setdefault(owner(result.submission)[1], []).append(result)
    for part, found in by_part.items():
        done = record(found, gradebook, lambda result: owner(result.submission)[0], part)
        click.echo(f"{part}: {done.changed} scores of {done.students} students entered or changed.", err=True)
        for line in done.left_out:
            click.echo(line, err=True)


def owner(name: str) -> tuple[str, str]:
    """The student and the part that a file belongs to, by where it lies, as nbgrader has it."""
    parts = Path(name).parts
    if len(parts) < 3:
        raise UsageError(
            f"Whose is {shown(name)}? For a gradebook, name the folder in which STUDENT/PART/NOTEBOOK.ipynb lie."
        )
    return parts[-3], parts[-2]
