"""The verbs of `hookpoint challenge`: each reads its arguments, calls one function and prints; it imports then."""

import click

from hookpoint.commands.verbs import Verbs

__all__ = ["challenge"]


@click.group(cls=Verbs)
def challenge() -> None:
    """Problems with an answer key, scored automatically."""


@challenge.command("list")
@click.option("--ranked", is_flag=True, help="Only those that are ranked.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
def list_challenges(ranked: bool, as_json: bool) -> None:
    """List the challenges."""
    from hookpoint.commands.challenges import show_list

    show_list(ranked, as_json)


@challenge.command("show")
@click.argument("id")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show_challenge(id: str, as_json: bool) -> None:
    """Show what the challenge ID asks, what is handed in, how it is scored, and what was measured of it."""
    from hookpoint.commands.challenges import show_one

    show_one(id, as_json)


@challenge.command("prove")
@click.argument("ids", nargs=-1)
@click.option("--seeds", default=8, show_default=True, help="How many instances that nobody has seen.")
@click.option("--first", default=9001, show_default=True, help="The first of their seeds.")
@click.option("--keep", is_flag=True, help="Keep what was measured beside the challenge: boards show it.")
def prove(ids: tuple[str, ...], seeds: int, first: int, keep: bool) -> None:
    """Run attackers, baselines and our expert on fresh instances, and say whether each challenge is sound."""
    from hookpoint.commands.challenges import prove_all

    raise SystemExit(prove_all(ids, range(first, first + seeds), keep))
