"""What `hookpoint zoo` prints: the models there are, their training, and the proof of their evidence."""

import math
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table
from tqdm import tqdm

from hookpoint.errors import HookpointError
from hookpoint.zoo import names, recipe, store
from hookpoint.zoo.training import train_into
from hookpoint.zoo.verify import Finding, Proof, verify


def show_list() -> None:
    """Prints a table of all models: what each shows, its size, its training time, and where it lies."""
    table = Table("model", "what there is to find", "parameters", "kB", "train s", "where")
    for name in [*names(), *store.fetched(names())]:
        folder = store.find(name)
        if folder is None:
            made = recipe(name)
            table.add_row(name, made.shows, "", "", "", "run it live" if made.live else "missing")
            continue
        manifest = store.read_manifest(name, folder)
        where = "shipped" if folder == store.SHIPPED else "this machine"
        size, seconds = f"{manifest.bytes / 1000:,.0f}", f"{manifest.seconds:,.0f}"
        table.add_row(name, manifest.shows, f"{manifest.parameters:,}", size, seconds, where)
    _print(table)


def train(wanted: Sequence[str], folder: Path, *, seed: int | None, fresh: bool, jobs: int) -> None:
    """Trains the models one after another, or `jobs` at a time, and says for each what came out."""
    for name in wanted:
        recipe(name)  # a wrong name is said before hours of training, not after
    started, spent = time.monotonic(), 0.0
    told = _one_by_one(wanted, folder, seed, fresh) if jobs == 1 else _side_by_side(wanted, folder, seed, fresh, jobs)
    with tqdm(total=len(wanted), desc="models", file=sys.stdout, disable=jobs == 1, leave=False) as bar:
        try:
            for manifest in told:
                spent += manifest.seconds
                bar.write(_trained(manifest))
                bar.update()
        except KeyboardInterrupt:
            raise HookpointError("\nStopped. The same command goes on from here.") from None
    if len(wanted) > 1:
        wall = time.monotonic() - started
        click.echo(f"{len(wanted)} models in {wall:.0f} s ({spent:.0f} CPU-seconds of training), in {folder}")


def _trained(manifest: store.Manifest) -> str:
    missed = [figure.name for figure in manifest.figures if not figure.holds]
    return f"{manifest.name}: {manifest.updates:,} steps, {manifest.seconds:.0f} s, {manifest.bytes / 1000:,.0f} kB" + (
        f". Does not show what it should: {'; '.join(missed)}." if missed else ""
    )


def _one_by_one(wanted: Sequence[str], folder: Path, seed: int | None, fresh: bool) -> Iterator[store.Manifest]:
    for name in wanted:
        yield train_into(folder, name, seed, progress=True, fresh=fresh)


def _side_by_side(
    wanted: Sequence[str], folder: Path, seed: int | None, fresh: bool, jobs: int
) -> Iterator[store.Manifest]:
    """Each model as soon as those that it needs are done."""
    waiting, done, running = list(wanted), set(), {}
    # Ctrl-C reaches the workers too. They end without a word; their snapshots are on disk.
    quiet = {"initializer": signal.signal, "initargs": (signal.SIGINT, signal.SIG_DFL)}
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"), **quiet) as pool:
        while waiting or running:
            ready = [name for name in waiting if not (set(recipe(name).needs) & set(wanted)) - done]
            for name in ready:
                waiting.remove(name)
                running[pool.submit(train_into, folder, name, seed, progress=False, fresh=fresh)] = name
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                done.add(running.pop(future))
                yield future.result()


def show_proof(wanted: Sequence[str], jobs: int | None) -> bool:
    """Measures every figure of the models anew and prints them beside the manifests'; true if all is well."""
    wanted = wanted or [*names(shipped=True)]
    jobs = min(jobs or os.cpu_count() or 1, len(wanted))
    proofs = list(
        track(verify(wanted, jobs), "measuring", total=len(wanted), console=Console(stderr=True), transient=True)
    )
    table = Table("model", "figure", "measured", "manifest", "claim", "", title="What the zoo shows")
    for proof in proofs:
        for i, finding in enumerate(proof.findings):
            table.add_row(*_row(proof.name if i == 0 else "", finding), end_section=finding is proof.findings[-1])
    _print(table)
    _summarise(proofs)
    return all(proof.ok for proof in proofs)


def _row(name: str, finding: Finding) -> tuple[str, ...]:
    figure = finding.figure
    bounds = [f"≥ {figure.low:g}"] * (figure.low > -math.inf) + [f"≤ {figure.high:g}"] * (figure.high < math.inf)
    what = f"[dim]control:[/dim] {figure.name}" if figure.control else figure.name
    recorded = "" if finding.recorded is None else _number(finding.recorded)
    mark = f"[red]{finding.trouble}[/red]" if finding.trouble else "✓"
    return name, what, _number(figure.value), recorded, ", ".join(bounds), mark


def _summarise(proofs: Sequence[Proof]) -> None:
    for proof in proofs:
        if proof.trouble:
            click.echo(f"{proof.name}: {proof.trouble}")
        for finding in proof.findings:
            if finding.trouble:
                click.echo(f"{proof.name}: {finding.figure.name} is {_number(finding.figure.value)}: {finding.trouble}")
    held = sum(proof.ok for proof in proofs)
    figures = sum(len(proof.findings) for proof in proofs)
    size, seconds = sum(proof.bytes for proof in proofs) / 1e6, sum(proof.seconds for proof in proofs)
    click.echo(
        f"{held} of {len(proofs)} models hold, {figures} figures; {size:.1f} MB of weights, "
        f"{seconds:.0f} CPU-seconds of training."
    )


def _number(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e6 else f"{value:.3g}"


def _print(table: Table) -> None:
    Console(width=None if sys.stdout.isatty() else 140).print(table)
