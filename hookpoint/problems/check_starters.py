"""The proof that starters run: each notebook from top to bottom, without a kernel, its figures drawn, within a minute.

    python -m hookpoint.problems.check_starters                     every source once
    python -m hookpoint.problems.check_starters 2.13 4.1            these problems
    python -m hookpoint.problems.check_starters --random 10 --seed 3

`--show` prints what the notebooks print and keeps their figures in a folder.
"""

import ast
import contextlib
import gc
import io
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from hookpoint.content.execute import Cell, run_cells

from .catalogue import catalogue
from .schema import Problem
from .starter import notebook, source

__all__ = ["Outcome", "check"]

SECONDS = 60.0  # of one core that a notebook may take
PATIENCE = 300.0  # seconds by the clock after which a cell is stopped, on a machine that has other work too


@dataclass
class Outcome:
    """What running a starter gave: what failed, what it printed, its figures as PNG, and its CPU-seconds."""

    problem: Problem
    failures: list[str] = field(default_factory=list)
    printed: str = ""
    figures: list[bytes] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        return not self.failures


def check(problem: Problem) -> Outcome:
    """The outcome of the problem's starter, every figure drawn; nothing is written anywhere."""
    found = Outcome(problem)
    lines = io.StringIO()

    def say(*values: object, sep: str = " ", end: str = "\n", **_options: object) -> None:
        lines.write(sep.join(map(str, values)) + end)

    def display(value: object) -> None:
        if hasattr(value, "savefig"):
            found.figures.append(drawn(value))
        elif value is not None:
            say(repr(value))

    began = time.process_time()
    cells = list(runnable(notebook(problem, "")))
    loaded = run_cells(cells, {"display": display, "print": say}, limit=PATIENCE)
    found.seconds = time.process_time() - began
    found.printed = lines.getvalue()
    found.failures = [f"cell {place}: {what.message}" for place, what in loaded.problems.items()]
    if found.seconds > SECONDS:
        found.failures.append(f"it takes {found.seconds:.0f} seconds of CPU, and may take {SECONDS:.0f}")
    if not found.figures and not found.printed:
        found.failures.append("it shows nothing")
    return found


def runnable(made: dict) -> Iterator[Cell]:
    """The notebook's code cells, each showing the value of its last line as a notebook does."""
    for index, cell in enumerate(made["cells"]):
        if cell["cell_type"] == "code":
            yield Cell(cell["id"], "own", None, showing("".join(cell["source"])), index)


def showing(code: str) -> str:
    """The code with `display` around an expression at its end, unless a semicolon follows it."""
    lines = code.splitlines()
    last = ast.parse(code).body[-1]
    if not isinstance(last, ast.Expr) or code.rstrip().endswith(";"):
        return code
    before, tail = lines[: last.lineno - 1], lines[last.lineno - 1 :]
    return "\n".join([*before, "display(", *tail, ")"])


def drawn(figure: object) -> bytes:
    """The figure as PNG."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", bbox_inches="tight")
    return picture.getvalue()


def chosen(ids: Sequence[str], many: int, seed: int) -> list[Problem]:
    """The problems named; or so many at random; or one for each source."""
    if ids:
        return [catalogue().problem(id) for id in ids]
    if many:
        return random.Random(seed).sample(list(catalogue()), many)
    return list({source(problem): problem for problem in reversed(list(catalogue()))}.values())[::-1]


def report(outcomes: list[Outcome]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("problem", "source", "CPU-seconds", "figures", "result"):
        table.add_column(name, justify="right" if name in ("CPU-seconds", "figures") else "left")
    for one in outcomes:
        said = "runs" if one.good else "; ".join(one.failures)
        table.add_row(one.problem.id, source(one.problem).stem, f"{one.seconds:.1f}", str(len(one.figures)), said)
    Console(soft_wrap=True).print(table)


@click.command()
@click.argument("ids", nargs=-1)
@click.option("--random", "many", default=0, help="So many problems, drawn at random.")
@click.option("--seed", default=0, show_default=True, help="Of the draw.")
@click.option("--show", type=click.Path(file_okay=False, path_type=Path), help="Print, and keep the figures here.")
def main(ids: tuple[str, ...], many: int, seed: int, show: Path | None) -> None:
    """Run the starter notebooks of IDS, of some at random, or of every source once, and print a table."""
    outcomes = []
    for problem in chosen(ids, many, seed):
        outcomes.append(one := check(problem))
        gc.collect()  # a notebook's functions and its namespace hold one another, with all their tensors
        if show:
            show.mkdir(parents=True, exist_ok=True)
            click.echo(f"--- {problem.id} {problem.title}\n{one.printed}")
            for number, picture in enumerate(one.figures, start=1):
                (show / f"{problem.id}_{number}.png").write_bytes(picture)
    report(outcomes)
    sys.exit(0 if all(one.good for one in outcomes) else 1)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
