"""`hookpoint host rehearse`: shows how it goes, and what came of it."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hookpoint.errors import HookpointError, UsageError
from hookpoint.grading.level import probe

__all__ = ["rehearse"]

COUNTED = ("joined", "handed in")
FAILED = 1


def rehearse(teams: int, seed: int, workers: int, database: str, keep: Path | None, as_json: bool) -> None:
    """Plays the event, prints what was found, and ends with 1 if something was not as it must be.

    Raises:
        HookpointError: this machine cannot grade what people hand in, or the server does not start.
        UsageError: there is something in the folder to keep.
    """
    from hookpoint.hosting.rehearsal.play import play, seconds_for

    level = probe()
    if not level.enough:
        raise HookpointError(f"Without a sandbox nothing can be graded: {level}. `hookpoint host doctor` says more.")
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise UsageError(f"{keep} is not empty. Name a new folder, in which the rehearsal's event is kept.")
    console = Console(stderr=True)
    console.print(f"{teams} teams, about {seconds_for(teams) + 30:.0f} seconds. Ctrl-C stops.")
    seen: Counter[str] = Counter()
    with console.status("") as status:

        def say(act: str, number: int) -> None:
            seen[act] += number
            if act not in COUNTED:
                console.print(f"[dim]{act}.[/]")
            status.update(", ".join(f"{seen[what]:,} {what}" for what in COUNTED))

        played = play(teams, seed, workers, database, keep, say)
    if as_json:
        plain = asdict(played) | {"good": played.good, "teams": teams, "seed": seed}
        click.echo(json.dumps(plain, indent=1, default=str))
    else:
        show(played, Console())
    if not played.good:
        raise SystemExit(FAILED)


def show(played, console: Console) -> None:
    table = Table("what must be true", "of", "not so")
    for finding in played.findings:
        mark = "[green]0[/]" if finding.good else f"[red]{finding.bad or 'never tried'}[/]"
        table.add_row(finding.what, f"{finding.all:,}", mark)
        for example in finding.examples:
            table.add_row(f"  [red]{escape(example)}[/]", "", "")
    console.print(table)
    times = Table("seconds", "median", "99 of 100", "longest", "of")
    for what, one in played.figures.items():
        times.add_row(what, f"{one.p50:.2f}", f"{one.p99:.2f}", f"{one.longest:.2f}", f"{one.count:,}")
    console.print(times)
    verdict = (
        "[green]Nothing lost, nothing doubled, nothing wrong.[/]" if played.good else "[red]Something is wrong.[/]"
    )
    console.print(
        f"{verdict} {played.handed_in:,} notebooks in {played.seconds:.0f} s;"
        f" {played.tried_again:,} requests were tried again while the server was away."
    )
