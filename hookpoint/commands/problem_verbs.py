"""The verbs of `hookpoint problem`: each reads its arguments, calls one function and prints; it imports then."""

from pathlib import Path
from typing import Any

import click

from hookpoint.commands.verbs import Verbs

__all__ = ["problem"]


@click.group(cls=Verbs)
def problem() -> None:
    """The catalogue of open problems."""


@problem.command("list")
@click.argument("words", nargs=-1)
@click.option("--category", default="", help="One category, as the list has it in grey: superposition.")
@click.option("--difficulty", default="", help="A beginner, B some weeks, C harder, D ambitious.")
@click.option("--offline", is_flag=True, help="Only what can be worked on without internet.")
@click.option("--no-gpu", is_flag=True, help="Only what needs no GPU.")
@click.option("--metric", is_flag=True, help="Only what a program can score.")
@click.option("--knows", multiple=True, metavar="NOTEBOOK", help="Only what these notebooks prepare for: 12_patching.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
def list_problems(words: tuple[str, ...], knows: tuple[str, ...], as_json: bool, **wanted: Any) -> None:
    """List the problems whose text has all WORDS."""
    from hookpoint.commands.problems import show_list
    from hookpoint.problems.catalogue import Filter

    show_list(Filter(" ".join(words), knows=knows or None, **wanted), as_json)


@problem.command("show")
@click.argument("id")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show_problem(id: str, as_json: bool) -> None:
    """Show what the problem ID asks, how to begin, what it needs, and what is uncertain about it."""
    from hookpoint.commands.problems import show_one

    show_one(id, as_json)


@problem.command("new")
@click.argument("id")
@click.option(
    "--into",
    default=".",
    type=click.Path(path_type=Path),
    help="The folder to write it into, made if it is not there; else the one where you are.",
)
def new_problem(id: str, into: Path) -> None:
    """Write a notebook to begin the problem ID with: a model, a first figure, and the page to write it up on."""
    from hookpoint.commands.problems import write_starter

    write_starter(id, into)
