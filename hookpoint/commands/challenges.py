"""`hookpoint challenge list | show | prove`: the challenges in a terminal, or as JSON."""

import json
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import fields
from multiprocessing import get_context

import click
from rich.console import Console, Group
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from hookpoint.challenges.definition import Challenge
from hookpoint.challenges.proof import Proof, read, write
from hookpoint.challenges.registry import IDS, challenge, challenges

__all__ = ["as_plain", "prove_all", "show_kept", "show_list", "show_one"]

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


def prove_all(ids: Sequence[str], seeds: Sequence[int], keep: bool, jobs: int) -> int:
    """Measures the challenges anew and prints the table of the proof; gives 1 if one is not sound, else 0."""
    chosen = [challenge(id).id for id in ids] or list(IDS)
    console, began, proofs = Console(), time.monotonic(), {}
    with (
        Progress(console=Console(stderr=True), transient=True) as progress,
        ProcessPoolExecutor(jobs, get_context("spawn")) as pool,
    ):
        task = progress.add_task(f"{len(chosen)} challenges, {len(seeds)} instances each", total=len(chosen))
        for done in as_completed([pool.submit(proved, id, tuple(seeds)) for id in chosen]):
            proof = done.result()
            proofs[proof.challenge] = proof
            progress.update(task, advance=1, description=f"{proof.challenge} is done")
            if keep:
                write(proof)
    faults = show_proofs([proofs[id] for id in chosen])
    console.print(f"{len(chosen)} challenges on seeds {seeds[0]} to {seeds[-1]}: {time.monotonic() - began:.0f} s.")
    return 1 if faults else 0


def proved(id: str, seeds: tuple[int, ...]) -> Proof:
    """The proof of one challenge, in a process of its own, where torch is needed."""
    from hookpoint.challenges.measuring import measure

    return measure(challenge(id), seeds)


def show_kept(ids: Sequence[str]) -> int:
    """Prints what was measured last, without measuring; gives 1 if a challenge is not sound or was never measured."""
    chosen = [challenge(id).id for id in ids] or list(IDS)
    proofs = {id: read(id) for id in chosen}
    faults = show_proofs([proof for proof in proofs.values() if proof])
    for id in (id for id, proof in proofs.items() if proof is None):
        Console().print(f"[red]{id} was never measured.[/]")
        faults = True
    return 1 if faults else 0


def show_proofs(proofs: Sequence[Proof]) -> bool:
    """Prints the table and what is not sound; whether something is not."""
    console = Console()
    console.print(results(proofs))
    faults = [f"{proof.challenge}: {said}" for proof in proofs for said in proof.faults(challenge(proof.challenge))]
    for said in faults:
        console.print(f"[red]{escape(said)}[/]", highlight=False)
    if not faults:
        console.print("\nEach holds what its standing promises.")
    return bool(faults)


def results(proofs: Iterable[Proof]) -> Group:
    """For each challenge a heading and a row for each entry: mean, smallest and greatest value, and what it took."""
    return Group(*(part for proof in proofs for part in (heading(proof), rows_of(proof))))


def heading(proof: Proof) -> Text:
    """What the challenge is, what gives all points, and what one instance took to make."""
    one = challenge(proof.challenge)
    full = one.ceiling if one.pass_mark is None else one.pass_mark
    made = sum(proof.make_seconds) / len(proof.make_seconds)
    many = f"{len(proof.seeds)} instances, {made:.1f} s each to make"
    said = f"  {one.standing}, {one.unit}; all points from {full:g}; {many}"
    return Text.assemble("\n", (proof.challenge, "bold"), (said, "dim"))


def rows_of(proof: Proof) -> Table:
    one = challenge(proof.challenge)
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("", min_width=8)
    table.add_column("", min_width=22)
    for name in ("mean", "lowest", "highest", "points", "cost", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in proof.entries:
        good = [value for value in row.values if value is not None] or [float("nan")]
        numbers = [f"{number:.3f}" for number in (row.mean, min(good), max(good))]
        points = f"{one.points(row.mean):.0f}" if one.counts else ""
        cost = f"{sum(row.costs) / len(row.costs):.0f}" if one.cost else ""
        table.add_row(row.role, row.name, *numbers, points, cost, f"{max(row.seconds):.2f}")
    return table
