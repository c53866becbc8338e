"""The verbs of `hookpoint host`: each reads its arguments, calls one function and prints; it imports then."""

from collections.abc import Callable
from pathlib import Path

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
