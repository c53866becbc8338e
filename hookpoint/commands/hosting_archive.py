"""What `hookpoint host export` and `hookpoint host import` do: call hosting, show how far it is, say what came."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from .host import demand_all, now, opened, sign_in

__all__ = ["bring_in", "export"]


def export(event: Path | None, folder: Path) -> None:
    """Writes what is left of the event into the folder, and says what may be published."""
    demand_all()
    from hookpoint.hosting.event import current
    from hookpoint.hosting.folder import find_event
    from hookpoint.hosting.leaving import ARCHIVE, leave

    with opened(find_event(event)) as database, database.reading() as session, shown("Exporting") as told:
        notes = leave(session, current(session, now()), folder, told)
    size = (folder / ARCHIVE).stat().st_size
    certificates = len(list((folder / "certificates").glob("*-*.html")))
    click.echo(f"{folder / 'index.html'}: the results, with tables in results/. You may publish these.")
    click.echo(f"{folder / 'certificates' / 'index.html'}: {certificates} certificates to print.")
    click.echo(f"{folder / ARCHIVE}: the whole event, {size / 1e6:.1f} MB. Keep private/ to yourself: see README.txt.")
    for note in notes:
        click.echo(note, err=True)


def bring_in(archive: Path, into: Path, database: str, largest: float) -> None:
    """Makes an event folder from an archive, and says what is new in it."""
    demand_all()
    from hookpoint.hosting.folder import EventFolder
    from hookpoint.hosting.machine import LOOPBACK
    from hookpoint.hosting.restore import restore
    from hookpoint.hosting.settings import EventSettings
    from hookpoint.hosting.settings_file import parsed

    folder = EventFolder(into.resolve())
    with shown("Importing") as told:
        told(str(archive))
        done = restore(archive, folder, database, largest)
    rows = done.rows
    click.echo(
        f"{printable(done.name)}: {rows['team']} teams, {rows['person']} people, {rows['submission']} submissions"
    )
    click.echo(f"  written      {folder.settings_path}")
    click.echo(f"  join code    {done.join_code}")
    settings = parsed(EventSettings, done.settings, folder.settings_path)
    for name, token in done.hosts:
        click.echo(f"  {printable(name)}'s link: {sign_in(f'http://{LOOPBACK}:{settings.server.port}', token)}")
    click.echo(
        "New: the secret, the join code, all invitations and all links. Links are shown only now; the hosts' console"
    )
    click.echo(
        f"gives each of the other {done.people} people a new one. What is handed in from now on meets new inputs."
    )
    if not done.hosts:
        click.echo("It had no host: `hookpoint host invite host NAME` makes one.")


def printable(text: str) -> str:
    """A text of an archive's author, without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


@contextmanager
def shown(what: str) -> Iterator[Callable[[str], None]]:
    """On a terminal, a line that says what is going on."""
    from rich.console import Console

    console = Console(stderr=True)
    with console.status(f"{what} ...") as status:
        yield lambda said: status.update(f"{what}: {said}") if console.is_terminal else None
