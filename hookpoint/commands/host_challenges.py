"""What `hookpoint host challenges` and `hookpoint host finals` do: make instances, score what counts, say how far."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from hookpoint.errors import UsageError

from .host import demand_all, now, opened

__all__ = ["challenges", "finals"]

PAUSE = 0.5  # seconds between two looks at the queue
NOTHING = "The event offers no challenges. `challenges` in event.toml takes those of `hookpoint challenge list`."
STRANGE = "The event does not offer {id}. It offers {all}."
NOBODY = "Nobody grades now: `hookpoint host serve` does. They wait until then."


def challenges(folder: Path | None, ids: Sequence[str], only_list: bool, workers: int) -> None:
    """Makes what is missing, or lists what there is; says beforehand how long it takes."""
    demand_all()
    from hookpoint.hosting import instances, machine
    from hookpoint.hosting.folder import find_event
    from hookpoint.hosting.settings import read_settings

    found, cores = find_event(folder), workers or machine.cores()
    asked = _asked(ids, read_settings(found.settings_path).challenges)
    with opened(found) as database, instances.makers(cores) as pool:
        cards = instances.cards_of(asked, pool)
        with database.reading() as session:
            todo = instances.steps(session, {id: about for id, (about, _) in cards.items()})
        _list(cards, todo, min(cores, max(1, len(todo))))
        if only_list:
            return
        instances.keep_cards(database, cards, now())
        notes = _make(database, todo, pool)
    for note in notes:
        click.echo(note, err=True)
    click.echo("All instances are there." if ids else "All instances of the event are there.")


def _asked(ids: Sequence[str], offered: Sequence[str]) -> list[str]:
    if not offered:
        raise UsageError(NOTHING)
    for id in ids:
        if id not in offered:
            raise UsageError(STRANGE.format(id=id, all=", ".join(offered)))
    return [id for id in offered if id in ids or not ids]


def _list(cards: Mapping[str, tuple[dict, str]], todo: Sequence[Any], cores: int) -> None:
    """A line for each challenge, and how long what is missing takes."""
    from hookpoint.hosting.instances import wanted

    seconds = 0.0
    for id, (about, _) in cards.items():
        missing = sum(step.challenge == id for step in todo)
        takes = missing * about["make_seconds"]
        seconds += takes
        of = sum(wanted(about).values())
        more = f", {_span(takes)} of one core" if missing else ""
        click.echo(f"{id:<22} {about['standing']:<11} {of - missing} of {of} instances{more}")
    if todo:
        click.echo(f"{len(todo)} to make: about {_span(seconds / cores)} on {cores} core{'s' * (cores != 1)}.")


def _make(database: Any, todo: Sequence[Any], pool: Any) -> list[str]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from hookpoint.hosting import instances

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("instances", total=len(todo))

        def tell(step: Any) -> None:
            progress.update(task, advance=1, description=f"{step.challenge}, {step.split} {step.number}")

        return instances.make(database, todo, pool, tell)


def finals(folder: Path | None, wait: bool) -> None:
    """Begins the final scores, and follows them until all are there."""
    demand_all()
    from hookpoint.hosting import event
    from hookpoint.hosting import finals as scoring
    from hookpoint.hosting.folder import find_event
    from hookpoint.hosting.glance import glance

    with opened(find_event(folder)) as database:
        with database.session() as session:
            begun = scoring.begin(session, None, event.current(session, now()))
        with database.reading() as session:
            state, grading = scoring.state(session), glance(session, now()).grading
        click.echo(f"{state.counting} answers count; {state.scored} have their final score, {begun} begin now.")
        if state.waiting and not grading:
            click.echo(NOBODY)
            return
        while wait and state.waiting:
            time.sleep(PAUSE)
            with database.reading() as session:
                state = scoring.state(session)
    if state.done:
        click.echo("All final scores are there. The console publishes the final board: Judging.")
    elif state.failed:
        click.echo(f"{state.failed} could not be scored. The same command tries them again; the console says why.")


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
