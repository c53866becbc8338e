"""`hookpoint challenge new | score`: the notebook to begin with, and what an answer is worth on public instances."""

import json
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from hookpoint.challenges.answers import WRAPPED, Answer, read_answer
from hookpoint.challenges.at_home import marked, public
from hookpoint.challenges.definition import BadAnswer, Challenge
from hookpoint.challenges.proof import Proof, read
from hookpoint.challenges.registry import challenge
from hookpoint.challenges.scoring import Scored, scored
from hookpoint.challenges.starter import starter
from hookpoint.content.execute import run_cells
from hookpoint.content.files import notebook_text, write_text
from hookpoint.errors import HookpointError, UsageError

__all__ = ["score_file", "write_starter"]


def write_starter(id: str, into: Path) -> None:
    """Writes the starter notebook, and says what comes next. A file that is there already is left alone.

    Raises:
        UsageError: there is no such challenge, or the file is there.
    """
    notebook, path = starter(id), into / f"{id}.ipynb"
    if path.exists():
        raise UsageError(f"{path} is there already, and stays as it is. Another folder: --into FOLDER")
    into.mkdir(parents=True, exist_ok=True)
    write_text(path, notebook_text(notebook))
    click.echo(f"{path}\nOpen it in Jupyter. What its answer is worth: hookpoint challenge score {id} {path}")


def score_file(id: str, file: Path, as_json: bool) -> None:
    """Prints what the answer in a file is worth on the public instances, part by part.

    Raises:
        HookpointError: the file is no answer, the function raises, or what it gives back cannot be scored.
    """
    one = challenge(id)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
    answer, marks = read_answer(data, file.name, id), []
    subject = answer.value if one.form != "function" else function(one, answer)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for number in progress.track(range(one.public), description=one.id):
            marks.append(marked(one, public(id, number), subject))
    result = scored(one, marks)
    if as_json:
        click.echo(json.dumps(plain(result), indent=1))
        return
    console = Console(highlight=False)
    console.print(by_instance(one, result))
    low, high = result.interval
    console.print(f"{escape(one.unit)}: [bold]{result.value:.3f}[/], 95 % interval {low:.3f} to {high:.3f}")
    if one.counts:
        console.print(f"{result.points:.1f} of 100 points, if private instances went the same way.")
    if proof := read(id):
        console.print(compared(proof))


def function(one: Challenge, answer: Answer) -> Callable[..., Any]:
    """The function that the cells define; what it raises is told without our own lines."""
    loaded = run_cells(answer.cells, limit=None)
    if one.answer not in loaded.names:
        why = "; ".join(problem.message for problem in loaded.problems.values())
        raise HookpointError(f"{one.answer} is not there. {why}")

    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            return loaded.names[WRAPPED](*args, **kwargs)
        except BadAnswer:
            raise
        except Exception as error:
            raise HookpointError(f"{one.answer} raised {type(error).__name__}: {error} ({place(error)}).") from None

    return called


def place(error: Exception) -> str:
    """Where in the learner's cells it was raised."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith("<learner")]
    frames = [frame for frame in frames if WRAPPED not in frame.name]
    return f"line {frames[-1].lineno}, in {frames[-1].name}" if frames else "outside your cells"


def plain(result: Scored) -> dict:
    """The result as values of JSON."""
    low, high = result.interval
    numbers = {"value": result.value, "low": low, "high": high, "points": result.points, "cost": result.cost}
    return numbers | {"instances": [{"value": one.value, "cost": one.cost, **one.parts} for one in result.marks]}


def by_instance(one: Challenge, result: Scored) -> Table:
    """A row for each public instance, with what its value is made of."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    parts = list(dict.fromkeys(name for mark in result.marks for name in mark.parts))
    for name in ("public instance", "value", *([one.cost] if one.cost else []), *parts):
        table.add_column(escape(name), justify="right")
    for number, mark in enumerate(result.marks):
        cost = [f"{mark.cost:.0f}"] if one.cost else []
        table.add_row(str(number), f"{mark.value:.3f}", *cost, *(f"{mark.parts.get(name, 0):.3f}" for name in parts))
    return table


def compared(proof: Proof) -> Table:
    """What the attackers and the baselines got when the challenge was proved sound."""
    table = Table(box=None, padding=(0, 2, 0, 0), title=f"on {len(proof.seeds)} other instances", title_justify="left")
    for name in ("", "", "mean"):
        table.add_column(name)
    for row in proof.entries:
        table.add_row(row.role, escape(row.label), f"{row.mean:.3f}")
    return table
