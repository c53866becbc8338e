"""The verbs of those who take part in an event: `hookpoint join` and `hookpoint submit`."""

from pathlib import Path

import click

__all__ = ["join", "submit"]


@click.command()
@click.argument("address", required=False)
@click.argument("code", required=False)
@click.option("--name", help="Your name, as others will see it.")
@click.option("--team", help="Found a team of this name.")
@click.option("--invitation", help="The invitation of a team that is there.")
@click.option("--again", is_flag=True, help="Join although you have joined already.")
def join(
    address: str | None, code: str | None, name: str | None, team: str | None, invitation: str | None, again: bool
) -> None:
    """Join the event at ADDRESS with its CODE, or with your own token. Alone: say where you have joined."""
    from hookpoint.commands import event

    if address is None:
        event.show_where()
    else:
        event.join(address, code, name, team, invitation, again)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--challenge", default="", metavar="ID", help="The challenge that they answer; starters name theirs.")
@click.option("--no-wait", is_flag=True, help="Do not wait for the verdicts.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object for each file.")
def submit(files: tuple[Path, ...], challenge: str, no_wait: bool, as_json: bool) -> None:
    """Hand in notebooks, answers to challenges, and write-ups (.md), at the event that you have joined. The same file
    twice counts once.
    """
    from hookpoint.commands import event

    event.submit(files, wait=not no_wait, as_json=as_json, challenge=challenge)
