"""`hookpoint problem list | show | new`: the catalogue in a terminal, or as JSON, and a notebook to begin with."""

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hookpoint.hosting import writeup
from hookpoint.problems import starter
from hookpoint.problems.catalogue import Filter, catalogue
from hookpoint.problems.schema import CATEGORIES, KNOWN, Problem

__all__ = ["show_list", "show_one", "write_starter"]

NEEDS = {"no": "no", "helps": "helps, not needed to begin", "yes": "yes"}


def show_list(wanted: Filter, as_json: bool) -> None:
    """Prints the problems that fit, a line each; or one JSON object a line."""
    found = catalogue().search(wanted)
    if as_json:
        for problem in found:
            click.echo(json.dumps(as_plain(problem), ensure_ascii=False))
        return
    console = Console()
    category = ""
    for problem in found:
        if problem.category != category:
            category = problem.category
            console.print(f"\n[bold]{CATEGORIES[category]}[/]  [dim]{category}[/]")
        marks = f"{problem.difficulty or '?':4}{'' if problem.offline else 'online '}"
        console.print(f"  {problem.id:6} [dim]{marks}[/]{escape(problem.title)}", soft_wrap=True, highlight=False)
    console.print(f"\n{len(found)} of {len(catalogue())} problems. `hookpoint problem show ID` says what each asks.")


def show_one(id: str, as_json: bool) -> None:
    """Prints all that is known of one problem.

    Raises:
        UsageError: there is no such problem.
    """
    problem = catalogue().problem(id)
    if as_json:
        click.echo(json.dumps(as_plain(problem), ensure_ascii=False, indent=1))
        return
    console = Console(highlight=False)
    console.print(f"[bold]{problem.id}  {escape(problem.title)}[/]")
    console.print(f"[dim]{CATEGORIES[problem.category]}{f', {problem.topic}' if problem.topic else ''}[/]\n")
    console.print(escape(problem.summary) + "\n")
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for what, said in lines(problem):
        table.add_row(f"[bold]{what}[/]", escape(said))
    console.print(table)
    console.print(f"\n[dim]hookpoint problem new {problem.id}[/]  writes a notebook to begin with")


def write_starter(id: str, folder: Path) -> None:
    """Writes a problem's starter notebook and prints where it is.

    Raises:
        UsageError: there is no such problem, or the notebook is there already.
    """
    path = starter.write(id, folder, writeup.template())
    click.echo(f"written: {path}")
    kind = "made for this problem" if starter.has_own(catalogue().problem(id)) else "that of its family of problems"
    click.echo(f"Its first figure is {kind}; it runs offline in under a minute. Open it with JupyterLab.")


def lines(problem: Problem) -> list[tuple[str, str]]:
    told = [(one, KNOWN[one]) for one in problem.prerequisites]
    known = ", ".join(f"{one} (notebook {notebook})" if notebook else one for one, notebook in told)
    return [
        ("begin with", problem.starter),
        ("scored by", problem.metric or "no honest metric is known: people judge it"),
        ("know first", known or "nothing in particular"),
        ("model", problem.model),
        ("GPU", NEEDS[problem.gpu]),
        ("internet", NEEDS[problem.internet]),
        ("difficulty", problem.difficulty or "not known"),
        ("source", problem.source),
        *(("note", doubt) for doubt in problem.doubts),
    ]


def as_plain(problem: Problem) -> dict:
    return asdict(problem) | {"offline": problem.offline, "doubts": list(problem.doubts)}
