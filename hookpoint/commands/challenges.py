"""`hookpoint challenge list | show | prove`: the challenges in a terminal, or as JSON."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import fields

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from hookpoint.challenges.definition import Challenge
from hookpoint.challenges.proof import Proof, measure, read, write
from hookpoint.challenges.registry import challenge, challenges

__all__ = ["as_plain", "prove_all", "show_list", "show_one"]

NOT_PLAIN = ("generate", "score", "given")


def as_plain(one: Challenge) -> dict:
    """The challenge as values of JSON."""
    plain = {field.name: getattr(one, field.name) for field in fields(one) if field.name not in NOT_PLAIN}
    return {"id": one.id, "title": one.title, "ranked": one.ranked} | plain


def show_list(ranked: bool, as_json: bool) -> None:
    """Prints the challenges, a line each; or one JSON object a line."""
    found = [one for one in challenges() if one.ranked or not ranked]
    if as_json:
        for one in found:
            click.echo(json.dumps(as_plain(one), ensure_ascii=False))
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("id", "", "difficulty", "title"):
        table.add_column(name, style="" if name != "id" else "bold")
    for one in found:
        table.add_row(one.id, one.standing, one.difficulty, escape(one.title))
    Console().print(table)


def show_one(id: str, as_json: bool) -> None:
    """Prints all that a team should know of one challenge.

    Raises:
        UsageError: there is no such challenge.
    """
    one = challenge(id)
    if as_json:
        click.echo(json.dumps(as_plain(one), ensure_ascii=False, indent=1))
        return
    console = Console(highlight=False)
    console.print(f"[bold]{escape(one.title)}[/]  [dim]{one.id}, {one.standing}, {one.difficulty}[/]\n")
    console.print(escape(f"{one.asks}\n\n{one.why}\n"))
    console.print(escape(one.contract), style="cyan")
    console.print(f"\nScore: {one.unit}. {one.seconds:g} s for each instance, {one.attempts} attempts at an event.")
    if proof := read(id):
        console.print(results([proof]))
    console.print(f"[dim]hookpoint challenge new {id}[/]")


def prove_all(ids: Sequence[str], seeds: Sequence[int], keep: bool) -> int:
    """Prints the table of the proof; gives 1 if a challenge is not sound, else 0."""
    chosen = [challenge(id) for id in ids] or list(challenges())
    console, faults, proofs = Console(), [], []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for one in chosen:
            task = progress.add_task(one.id, total=None)
            proof = measure(
                one, seeds, lambda said, task=task, id=one.id: progress.update(task, description=f"{id}: {said}")
            )
            progress.remove_task(task)
            proofs.append(proof)
            faults += [f"{one.id}: {said}" for said in proof.faults(one)]
            if keep:
                write(proof)
    console.print(results(proofs))
    for said in faults:
        console.print(f"[red]{escape(said)}[/]", highlight=False)
    return 1 if faults else 0


def results(proofs: Iterable[Proof]) -> Table:
    """A row for each entry: the mean, the smallest and the greatest value, and what it took."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("challenge", "", "entry", "mean", "lowest", "highest", "points", "cost", "seconds"):
        table.add_column(name, justify="left" if name in ("challenge", "", "entry") else "right")
    for proof in proofs:
        one = challenge(proof.challenge)
        for row in proof.entries:
            good = [value for value in row.values if value is not None] or [float("nan")]
            numbers = [row.mean, min(good), max(good)]
            cells = [*(f"{number:.3f}" for number in numbers), f"{one.points(row.mean):.0f}"]
            cells += [f"{sum(row.costs) / len(row.costs):.0f}" if one.cost else "", f"{max(row.seconds):.2f}"]
            table.add_row(proof.challenge, row.role, escape(row.label), *cells)
        made = sum(proof.make_seconds) / len(proof.make_seconds)
        table.add_row(proof.challenge, "", f"to make one of {len(proof.seeds)}", "", "", "", "", "", f"{made:.2f}")
        table.add_section()
    return table
