"""The verbs of `hookpoint host`: each reads its arguments, calls one function and prints; it imports then."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hookpoint.commands.verbs import Verbs

__all__ = ["host", "which_event"]


@click.group(cls=Verbs)
def host() -> None:
    """For hosts: run an event on this laptop. No internet, no Docker, no root."""


def which_event(verb: Callable) -> Callable:
    """The option --event of a verb that works on an event that is there: its value goes to `folder.find_event`."""
    return click.option(
        "--event",
        "folder",
        type=click.Path(file_okay=False, path_type=Path),
        help="The event's folder, if you are neither in it nor beside it.",
    )(verb)


@host.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--event-server", default="", metavar="ADDRESS", help="People sign in with their tokens of this event.")
def jupyterhub(folder: Path, event_server: str) -> None:
    """Write into FOLDER what JupyterHub needs to give everyone a workspace on this machine."""
    from hookpoint.hosting.jupyterhub.recipe import write_recipe

    for path in write_recipe(folder, event_server):
        click.echo(f"written: {path}")
    click.echo(f"To start it: cd {folder} && jupyterhub")


@host.command()
@click.argument("folder", default="event", type=click.Path(file_okay=False, path_type=Path))
@click.option("--title", help="What the event is called.")
@click.option("--place", help="Where people come to.")
@click.option("--timezone", help="Whose clock counts: Europe/Berlin. This machine's if not given.")
@click.option("--starts", help='When the doors open by that clock: "2027-03-05 18:00"; or now, to try it out.')
@click.option("--template", help="three_hours, one_day, weekend or class_two_weeks.")
@click.option("--notebooks", help='Those that count, "02_embed_and_mlp 03_attention"; all if not given.')
@click.option("--database", default="", metavar="URL", help="A database in PostgreSQL instead of a file.")
def init(folder: Path, database: str, **about: str | None) -> None:
    """Make an event in FOLDER (./event): settings to edit, a database, and your key as its first host."""
    from hookpoint.commands import host

    host.init(folder, database=database, **about)


@host.command()
@which_event
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object for each thing.")
def doctor(folder: Path | None, as_json: bool) -> None:
    """Look whether this laptop is fit to host, and say what to mend."""
    from hookpoint.commands import host

    host.doctor(folder, as_json)


@host.command()
@which_event
@click.option("--port", type=click.IntRange(0, 65535), help="Another port than that of event.toml; 0 is any free one.")
@click.option("--bind", help="Another address to listen at: 127.0.0.1 is this laptop alone.")
@click.option("--workers", type=click.IntRange(0), default=0, help="Graders to run; as many as cores if not given.")
@click.option("--no-grading", is_flag=True, help="Serve only: another machine grades.")
@click.option(
    "--scheduler", default="", metavar="ADDRESS", help="Grade on the workers of this Dask scheduler: tls://..."
)
@click.option("--insecure-scheduler", is_flag=True, help="It may do without TLS: nobody else is in that network.")
def serve(folder: Path | None, no_grading: bool, **options: Any) -> None:
    """Serve the event to the room, and grade what is handed in. Ctrl-C ends it, the same command goes on."""
    from hookpoint.commands import host

    host.serve(folder, grading=not no_grading, **options)


@host.command()
@click.argument("role", type=click.Choice(["judge", "mentor", "host"]))
@click.argument("name")
@which_event
def invite(role: str, name: str, folder: Path | None) -> None:
    """Let NAME in as a judge, a mentor or a host: prints their link, once."""
    from hookpoint.commands import host

    host.invite(folder, role, name)


@host.command()
@which_event
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(folder: Path | None, as_json: bool) -> None:
    """Show how the event stands: phase, people, queue, graders."""
    from hookpoint.commands import host

    host.status(folder, as_json)


@host.command()
@click.argument("ids", nargs=-1)
@which_event
@click.option("--list", "only_list", is_flag=True, help="Make nothing: say what is there, and how long the rest takes.")
@click.option("--workers", type=click.IntRange(0), default=0, help="Processes to use; as many as cores if not given.")
def challenges(ids: tuple[str, ...], folder: Path | None, only_list: bool, workers: int) -> None:
    """Make the private instances of the event's challenges, or of IDS. Ctrl-C stops; the same command goes on."""
    from hookpoint.commands import host_challenges

    host_challenges.challenges(folder, ids, only_list, workers)


@host.command()
@which_event
@click.option("--no-wait", is_flag=True, help="Do not wait until all is scored.")
def finals(folder: Path | None, no_wait: bool) -> None:
    """After submitting has ended: score each team's best answer to each challenge on the second split, once."""
    from hookpoint.commands import host_challenges

    host_challenges.finals(folder, wait=not no_wait)


@host.command()
@click.option("--teams", type=click.IntRange(2, 2_000), default=50, show_default=True, help="How many play.")
@click.option("--seed", default=0, show_default=True, help="Another seed, other teams and other answers.")
@click.option("--workers", type=click.IntRange(0), default=0, help="Graders to run; as many as cores if not given.")
@click.option("--database", default="", metavar="URL", help="An empty database in PostgreSQL instead of a file.")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), help="Keep the event in this new folder.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rehearse(**options: Any) -> None:
    """Play a whole event with simulated teams on this laptop, accidents included, and check what comes of it."""
    from hookpoint.commands.rehearsing import rehearse

    rehearse(**options)


@host.command()
@click.argument("out", metavar="FOLDER", type=click.Path(file_okay=False, path_type=Path))
@which_event
def export(out: Path, folder: Path | None) -> None:
    """Write what is left of the event into FOLDER: results, certificates, tables, and an archive of all."""
    from hookpoint.commands import hosting_archive

    hosting_archive.export(folder, out)


@host.command("import")
@click.argument("archive", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--into",
    default="event",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of the event, which must not hold one yet.",
)
@click.option("--database", default="", metavar="URL", help="An empty database in PostgreSQL instead of a file.")
@click.option("--largest", default=16.0, show_default=True, metavar="GB", help="What the archive may unpack to.")
def bring_in(archive: Path, into: Path, database: str, largest: float) -> None:
    """Make the event in ARCHIVE an event again, in a new folder, with a new secret and new links for everyone."""
    from hookpoint.commands import hosting_archive

    hosting_archive.bring_in(archive, into, database, largest)


@host.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Only verify the bundle that is there. Needs no network.")
@click.option(
    "--platform",
    "platforms",
    multiple=True,
    help="linux-x86_64, windows-amd64, macos-arm64, linux-aarch64; this machine's if not given.",
)
@click.option("--python", "pythons", multiple=True, help="3.11, 3.12 or 3.13; this one if not given.")
@click.option("--extra", "extras", multiple=True, help="Also what this extra of hookpoint needs: interp.")
@click.option("--index-url", metavar="URL", help="Where pip looks, instead of where it is set up to look.")
@click.option("--extra-index-url", multiple=True, metavar="URL", help="Where it looks as well: PyTorch's CPU wheels.")
@click.option("--find-links", multiple=True, metavar="PLACE", help="A folder of wheels, in which it looks as well.")
@click.option("--cuda", is_flag=True, help="Take the torch for graphics cards if pip chooses it: gigabytes.")
def bundle(
    folder: Path,
    check: bool,
    index_url: str | None,
    extra_index_url: tuple[str, ...],
    find_links: tuple[str, ...],
    **options: Any,
) -> None:
    """Fill FOLDER, for a stick, with all that learners need: their laptops install from it without a network."""
    from hookpoint.commands import hosting_bundle

    if check:
        return hosting_bundle.check(folder)
    places = [f"--index-url={index_url}"] if index_url else []
    places += [f"--extra-index-url={one}" for one in extra_index_url]
    hosting_bundle.bundle(folder, options=[*places, *(f"--find-links={one}" for one in find_links)], **options)
