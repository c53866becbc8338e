"""What `hookpoint host bundle` does: bring what laptops need, show how far it is, verify it."""

import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

__all__ = ["bundle", "check"]


def bundle(
    folder: Path,
    platforms: Sequence[str],
    pythons: Sequence[str],
    extras: Sequence[str],
    options: Sequence[str],
    cuda: bool,
) -> None:
    """Fills the folder and verifies it. The network is needed for what is not there yet, and for nothing after."""
    from hookpoint.hosting.bundle.make import Order, make
    from hookpoint.hosting.bundle.targets import here, target

    mine = platform.python_version().rpartition(".")[0]
    targets = [target(one, python) for one in platforms or [here()] for python in pythons or [mine]]
    order = Order(tuple(dict.fromkeys(targets)), ("learn", *extras), tuple(options), cuda)
    click.echo("This needs the network: some 0.4 GB for each kind of laptop, less where they share wheels.", err=True)
    with progress() as told:
        made = make(folder, order, told)
    _show(folder, made)
    click.echo(
        "Copy the folder to sticks. Each laptop: `sh install.sh`, or install.bat on Windows; README.txt says more."
    )


def check(folder: Path) -> None:
    """Verifies a bundle, on whatever it has been copied to."""
    from hookpoint.hosting.bundle.check import check

    _show(folder, check(folder))


def _show(folder: Path, found: Any) -> None:
    from hookpoint.hosting.bundle.texts import megabytes

    targets = ", ".join(map(str, found.targets))
    click.echo(
        f"{folder}: whole, {megabytes(found.bytes)} in {found.files} files, installs without a network on {targets}"
    )


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on a terminal; else a line for each thing that is begun."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda what, done, total: click.echo(f"{done}/{total} {what}" if total else what, err=True)
        return
    columns = SpinnerColumn(), MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total or None)
