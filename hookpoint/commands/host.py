"""What the verbs of `hookpoint host` do: ask, call hosting, print."""

import contextlib
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from hookpoint.errors import HookpointError, UsageError

__all__ = ["doctor", "init", "invite", "serve", "status"]

TITLE, PLACE, TEMPLATE = "Build GPT-2, then take it apart", "Here", "one_day"
NEEDED = ("alembic", "fastapi", "psutil", "segno", "sqlalchemy", "uvicorn")
COLOURS = {"ok": "green", "warn": "yellow", "mend": "red"}


def demand_all() -> None:
    """Refuses to begin where something that a host needs is not installed."""
    absent = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if absent:
        raise HookpointError(f"Not installed: {', '.join(absent)}. {sys.executable} -m pip install 'hookpoint[host]'")


def now() -> datetime:
    return datetime.now(UTC)


# host init


def init(
    folder: Path,
    title: str | None,
    place: str | None,
    timezone: str | None,
    starts: str | None,
    template: str | None,
    notebooks: str | None,
    database: str,
) -> None:
    """Makes an event and prints how its first host signs in."""
    demand_all()
    from hookpoint.hosting import setup
    from hookpoint.hosting.folder import EventFolder
    from hookpoint.hosting.schedule_templates import TEMPLATES, template_named

    where, at = EventFolder(folder.resolve()), now()
    if where.settings_path.exists():
        raise UsageError(f"{folder} holds an event already. Give another folder for a new one.")
    title = _given(title, "Title", TITLE)
    place = _given(place, "Place", PLACE)
    timezone = _given(timezone, "Time zone", setup.local_timezone(), setup.timezone_in)
    template = _given(template, f"Kind ({', '.join(TEMPLATES)})", TEMPLATE, lambda name: template_named(name) and name)
    usual = f"{setup.next_hour(timezone, at):%Y-%m-%d %H:%M}"
    when = _given(starts, "Doors open", usual, lambda text: setup.starts_in(text, timezone, template, at))
    names = _given(notebooks, "Notebooks, or all", "all", setup.notebooks_in)
    made = setup.make(where, setup.settings_for(title, place, timezone, when, template, names), at, database)
    _show_made(made, folder)


def can_ask() -> bool:
    return sys.stdin.isatty()


def _given(given: str | None, what: str, usual: str, read: Callable[[str], Any] = str) -> Any:
    """What the option says, else what somebody at the terminal says, else what is usual."""
    if given is not None or not can_ask():
        return read(usual if given is None else given)

    def asked(text: str) -> Any:
        try:
            return read(text)
        except UsageError as error:
            raise click.UsageError(str(error)) from None  # click says it and asks again

    return click.prompt(what, default=usual, value_proc=asked)


def _show_made(made: Any, folder: Path) -> None:
    from hookpoint.hosting.machine import LOOPBACK
    from hookpoint.hosting.settings import read_settings

    settings = read_settings(made.folder.settings_path)
    phases = settings.schedule().phases
    local = settings.schedule().local
    click.echo(f"{made.name}: {local(phases[0].opens):%A %Y-%m-%d %H:%M} to {local(phases[-1].closes):%A %H:%M}")
    click.echo(f"  written       {made.folder.settings_path}, which explains itself: edit it, then serve")
    click.echo(f"  join code     {made.join_code}")
    click.echo(f"  your sign-in  {sign_in(f'http://{LOOPBACK}:{settings.server.port}', made.token)}")
    click.echo("It is your key and shown only now; lost, `hookpoint host invite host NAME` makes another.")
    which = "" if folder == Path("event") else f" --event {folder}"
    click.echo(f"Next: `hookpoint host doctor{which}`, then `hookpoint host serve{which}`.")


def sign_in(address: str, token: str) -> str:
    """A link that signs in. Browsers keep what follows the # to themselves: it reaches no log and no proxy."""
    return f"{address}/sign-in#{token}"


# host doctor


def doctor(folder: Path | None, as_json: bool) -> None:
    """Prints what is well with this laptop and what is not; exit code 1 if something has to be mended."""
    from dataclasses import asdict

    from hookpoint.hosting.doctor import Site, examine
    from hookpoint.hosting.folder import find_event

    event_folder = find_event(folder) if folder else None
    with contextlib.suppress(UsageError):
        event_folder = find_event(folder)
    findings = []
    for finding in examine(Site(now(), event_folder)):
        findings.append(finding)
        if not as_json:
            _show(finding)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=1, ensure_ascii=False))
    to_mend = sum(finding.state == "mend" for finding in findings)
    if not as_json:
        click.echo(f"\n{to_mend} to mend." if to_mend else "\nReady.")
    sys.exit(1 if to_mend else 0)


def _show(finding: Any) -> None:
    state = click.style(f"{finding.state:<5}", fg=COLOURS[finding.state], bold=finding.state != "ok")
    click.echo(f"{state} {finding.what:<12} {finding.said}")
    if finding.do:
        click.echo(f"{'':<19}{finding.do}")


# host serve


def serve(folder: Path | None, **options: Any) -> None:
    """Serves the event until Ctrl-C; the options are those of `hosting.serve.Options`."""
    demand_all()
    from hookpoint.hosting.folder import find_event
    from hookpoint.hosting.serve import Options, qr
    from hookpoint.hosting.serve import serve as run

    def picture(link: str) -> None:
        if sys.stdout.isatty():
            click.echo(qr(link))

    def say(line: str) -> None:
        click.echo(line)
        sys.stdout.flush()  # into a pipe or a log as well, each line when it is said

    run(find_event(folder), Options(**options), say, picture)


# host invite and host status


def invite(folder: Path | None, role: str, name: str) -> None:
    """Makes a judge, a mentor or a host, and prints their sign-in once."""
    demand_all()
    from hookpoint.hosting import people
    from hookpoint.hosting.folder import find_event

    found = find_event(folder)
    with opened(found) as database, database.session() as session:
        person, token = people.enrol(session, None, role, name, now())
    click.echo(f"{person.name} is a {person.role} now. Give them this link; it is shown only now, and is their key:")
    click.echo(sign_in(_address(found), token))


def _address(folder: Any) -> str:
    """Where the event is served, or will be."""
    from hookpoint.hosting.machine import reachable_at
    from hookpoint.hosting.running import running
    from hookpoint.hosting.settings import read_settings

    one = running(folder)
    if one and one.addresses:
        return one.addresses[0]
    server = read_settings(folder.settings_path).server
    return reachable_at(server.address, server.port)[0]


def status(folder: Path | None, as_json: bool) -> None:
    """Prints how the event stands."""
    demand_all()
    from hookpoint.hosting.folder import find_event
    from hookpoint.hosting.glance import glance
    from hookpoint.hosting.running import running

    found = find_event(folder)
    with opened(found) as database, database.reading() as session:
        seen = glance(session, now())
    one = running(found)
    addresses = list(one.addresses) if one else []
    if as_json:
        click.echo(json.dumps(seen.as_json() | {"addresses": addresses}, indent=1, ensure_ascii=False))
        return
    for what, said in _lines(seen, addresses):
        click.echo(f"{what:<12} {said}")


def _lines(seen: Any, addresses: list[str]) -> Iterator[tuple[str, str]]:
    left = f", {_span(seen.left)} until {seen.then or 'the end'}" if seen.left else ""
    yield "event", seen.title
    yield "phase", f"{seen.phase or 'none'}{', paused' if seen.paused else ''}{left}"
    yield "server", f"{addresses[0]}, code {seen.join_code}" if addresses else "not running: `hookpoint host serve`"
    yield "people", ", ".join([_many(seen.teams, "team"), *(_many(seen.people[role], role) for role in seen.people)])
    yield "submissions", f"{seen.submissions}; {seen.waiting} wait, {seen.running} are graded, {seen.failed} failed"
    if seen.waiting:
        yield "", f"the oldest waits for {_span(seen.oldest)}"
    for name, workers, level, ago in seen.graders:
        yield "grader", f"{name}: {_many(workers, 'worker')}, heard {_span(ago)} ago. {level}"
    if seen.grading_paused or not seen.grading:
        yield "grading", "paused by a host" if seen.grading_paused else "nobody grades now"
    yield "questions", f"{seen.unanswered} without an answer"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"


@contextlib.contextmanager
def opened(folder: Any) -> Iterator[Any]:
    """The event's database for the length of the block. Tables of another version are refused and left as they are."""
    from hookpoint.hosting.store.database import open_database

    with contextlib.closing(open_database(folder.database)) as database:
        yield database
