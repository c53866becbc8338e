"""The verbs of `hookpoint challenge`: each reads its arguments, calls one function and prints; it imports then."""

from pathlib import Path

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


@challenge.command("new")
@click.argument("id")
@click.option("--into", type=click.Path(path_type=Path), default=Path(), help="The folder to write to.")
def new(id: str, into: Path) -> None:
    """Write the starter notebook of the challenge ID: it scores a baseline within five minutes."""
    from hookpoint.commands.challenge_files import write_starter

    write_starter(id, into)


@challenge.command("score")
@click.argument("id")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def score(id: str, file: Path, as_json: bool) -> None:
    """Score the answer in FILE to the challenge ID on the public instances. It runs here, without a sandbox."""
    from hookpoint.commands.challenge_files import score_file

    score_file(id, file, as_json)


@challenge.command("prove")
@click.argument("ids", nargs=-1)
@click.option("--seeds", default=8, show_default=True, help="How many instances that nobody has seen.")
@click.option("--first", default=9001, show_default=True, help="The first of their seeds.")
@click.option("--jobs", default=2, show_default=True, help="How many challenges are measured at the same time.")
@click.option("--keep", is_flag=True, help="Keep what was measured beside the challenge: boards show it.")
@click.option("--kept", is_flag=True, help="Measure nothing, and show what was measured last.")
def prove(ids: tuple[str, ...], seeds: int, first: int, jobs: int, keep: bool, kept: bool) -> None:
    """Run attackers, baselines and our expert on fresh instances, and say whether each challenge is sound."""
    from hookpoint.commands.challenges import prove_all, show_kept

    raise SystemExit(show_kept(ids) if kept else prove_all(ids, range(first, first + seeds), keep, jobs))
