"""The verbs of `hookpoint`. Each reads its arguments, calls one function and prints; what it needs is imported then.

Answers go to stdout and complaints to stderr. Exit code 0: all is well; 1: something failed; 2: wrong usage.
"""

import json
import sys
from pathlib import Path

import click

from hookpoint.commands.challenge_verbs import challenge
from hookpoint.commands.event_verbs import join, submit
from hookpoint.commands.host_verbs import host
from hookpoint.commands.problem_verbs import problem
from hookpoint.commands.verbs import Verbs
from hookpoint.content.course import checkout
from hookpoint.content.workspace import find_workspace, workspace
from hookpoint.errors import HookpointError, UsageError


@click.group(cls=Verbs, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="hookpoint")
@click.pass_context
def main(ctx: click.Context, debug: bool) -> None:
    """Build GPT-2 in graded notebooks, then take it apart. Without a command: where you stand and what comes next."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(status, as_json=False)


@main.command()
@click.option("--files-only", is_flag=True, help="Copy the notebooks and open nothing.")
@click.option("--no-browser", is_flag=True, help="Print the addresses and leave the browser alone.")
def start(files_only: bool, no_browser: bool) -> None:
    """Copy the notebooks into ./workspace and open them. What is there already is never overwritten."""
    from hookpoint.commands import serving
    from hookpoint.content.workspace import create

    here = find_workspace() or Path("workspace").resolve()
    copied = create(here)
    click.echo(f"{here}: {'notebooks copied: ' + str(len(copied)) if copied else 'all notebooks are there'}")
    if files_only:
        return
    if lacking := serving.missing():
        raise HookpointError(lacking)
    serving.serve(here, browser=not no_browser)


@main.command()
@click.argument("id", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object for each notebook.")
def check(id: str | None, as_json: bool) -> None:
    """Check exercise ID, or all that you have written."""
    from hookpoint.commands import checking, overview

    here = workspace()
    reports = [checking.check_one(here, id)] if id else checking.check_all(here)
    for report in reports:
        if report.trouble:
            click.echo(report.trouble, err=True)
    if as_json:
        click.echo(json.dumps([report.as_json() for report in reports], indent=1, ensure_ascii=False))
    else:
        click.echo(checking.in_full(reports[0].outcomes[0]) if id else checking.in_short(reports))
    if not all(report.ok for report in reports):
        sys.exit(1)
    if not as_json:
        click.echo(overview.next_step(overview.rows(here), here))


@main.command()
def watch() -> None:
    """Check an answer whenever you save its notebook, and move on to the next."""
    from hookpoint.commands.watching import watch_in_children

    watch_in_children(workspace())


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object for each exercise.")
def status(as_json: bool) -> None:
    """Show where each exercise stands and what comes next."""
    from hookpoint.commands import overview

    here = find_workspace()
    rows = overview.rows(here)
    if as_json:
        click.echo(json.dumps(overview.as_json(rows), indent=1, ensure_ascii=False))
        return
    overview.show(rows)
    click.echo(overview.next_step(rows, here))


@main.command()
@click.argument("id")
@click.argument("rung", type=int, required=False)
def hint(id: str, rung: int | None) -> None:
    """Open the next hint of exercise ID, or the one named by RUNG (1 to 3)."""
    from hookpoint.commands.hints import open_hint

    click.echo(open_hint(find_workspace(), id, rung))


@main.command()
@click.argument("id")
def reset(id: str) -> None:
    """Put the stub of exercise ID back into your notebook. Your cell is saved first."""
    from hookpoint.content.workspace import reset

    done = reset(workspace(), id)
    click.echo(f"`{id}` in {done.notebook} is the stub again.")
    if done.backup:
        click.echo(f"Your cell is saved as {done.backup}.")
    if done.others:
        cells = ", ".join(map(str, done.others))
        click.echo(f"Also defined in cell {cells}, which still counts: delete it to start afresh.")
    click.echo("If the notebook is open, choose File > Reload Notebook from Disk before you save.")


@main.command()
def update() -> None:
    """Bring newer text, hints and stubs into your notebooks. Everything that you wrote stays."""
    from hookpoint.content.update import update

    changes = update(workspace())
    for change in changes:
        click.echo(str(change), err=change.state == "failed")
    sys.exit(1 if any(change.state == "failed" for change in changes) else 0)


@main.command()
@click.option(
    "--check", "check_only", is_flag=True, help="Write nothing; fail if a notebook is not what its source gives."
)
@click.argument("notebooks", nargs=-1)
def build(check_only: bool, notebooks: tuple[str, ...]) -> None:
    """For authors: derive the notebooks from solutions/, all or those named (03_attention)."""
    from hookpoint.content.build import build

    paths = build(checkout(), check=check_only, only=notebooks)
    for path in paths:
        click.echo(f"{'stale' if check_only else 'built'}: {path}")
    if not paths:
        click.echo("All notebooks are what their sources give.")
    elif check_only:
        raise HookpointError(f"{len(paths)} generated files are out of date. Run `hookpoint build`.")


@main.command()
@click.argument("part")
@click.argument("name")
def new(part: str, name: str) -> None:
    """For authors: write the skeletons of notebook NAME (07_logit_lens) in PART (part2_look_inside)."""
    from hookpoint.content.skeleton import new

    for path in new(checkout(), part, name):
        click.echo(f"written: {path}")


@main.command()
@click.argument("ids", nargs=-1)
@click.option("--seeds", default=2, show_default=True, help="How many seeds each slip has to be told apart on.")
@click.option("--jobs", type=int, help="Processes to use; as many as there are cores if not given.")
def verify(ids: tuple[str, ...], seeds: int, jobs: int | None) -> None:
    """For authors: prove that the checks of all exercises, or of IDS, can be trusted."""
    from hookpoint.grading.verify import main

    sys.exit(main(ids, checkout(), seeds, jobs))


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object for each submission.")
@click.option("--csv", type=click.Path(dir_okay=False, path_type=Path), help="Also write a table of scores.")
@click.option("--feedback", type=click.Path(file_okay=False, path_type=Path), help="Also write a page for each author.")
@click.option("--gradebook", metavar="DB", help="Also enter the scores into nbgrader's gradebook: a file, or a URL.")
@click.option("--workers", type=int, default=0, help="Processes to use; as many as there are cores if not given.")
@click.option("--seed", help="Where the hidden inputs come from: the same seed gives the same verdicts again.")
@click.option("--trusted", is_flag=True, help="All of it is your own: go on where there is no sandbox.")
def grade(
    files: tuple[Path, ...],
    as_json: bool,
    csv: Path | None,
    feedback: Path | None,
    gradebook: str | None,
    workers: int,
    seed: str | None,
    trusted: bool,
) -> None:
    """For hosts: grade notebooks (or scripts, or folders of notebooks) by people you need not trust."""
    from hookpoint.commands import grading

    results = grading.grade(files, seed, workers, trusted, quiet=as_json, owned=bool(gradebook))
    if as_json:
        click.echo(grading.as_json(results))
    else:
        grading.show(results)
    grading.save(results, csv, feedback, gradebook)
    sys.exit(1 if any(result.trouble for result in results) else 0)


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the report, answers side by side.")
def similar(files: tuple[Path, ...], out: Path | None) -> None:
    """For judges: show which submissions are more alike than right answers are by nature."""
    from hookpoint.commands.grading import handed_in
    from hookpoint.grading.similarity import main as compare_all

    compare_all([one.path for one in handed_in(files)], out)


@main.group(cls=Verbs)
def zoo() -> None:
    """The small models that the package ships: see them, make them anew, prove what they show."""


@zoo.command("list")
def list_models() -> None:
    """Show every model: what there is to find in it, its size and its training time."""
    from hookpoint.commands.zoo import show_list

    show_list()


@zoo.command("train")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Train every model that the package ships.")
@click.option("--seed", type=int, help="Another seed than that of the shipped weights.")
@click.option("--fresh", is_flag=True, help="Start anew, also where an interrupted training could go on.")
@click.option("--jobs", default=1, show_default=True, help="How many models to train at a time.")
@click.option("--ship", is_flag=True, help="For authors: write into the package instead of your own folder.")
def train_models(
    names: tuple[str, ...], everything: bool, seed: int | None, fresh: bool, jobs: int, ship: bool
) -> None:
    """Train the models NAMES on this machine, and load those from now on. Ctrl-C stops; the same command goes on."""
    from hookpoint.commands.zoo import train
    from hookpoint.zoo import registry, store

    wanted = registry.names(shipped=True) if everything else names
    if not wanted:
        raise UsageError("Which model? Name one of `hookpoint zoo list`, or say --all.")
    train(wanted, store.SHIPPED if ship else store.home(), seed=seed, fresh=fresh, jobs=jobs)


@zoo.command("verify")
@click.argument("names", nargs=-1)
@click.option("--jobs", type=int, help="Processes to use; as many as there are cores if not given.")
def verify_models(names: tuple[str, ...], jobs: int | None) -> None:
    """Measure again what the models show, all or NAMES, with its controls, and compare with what was recorded."""
    from hookpoint.commands.zoo import show_proof

    sys.exit(0 if show_proof(names, jobs) else 1)


@zoo.command("fetch")
@click.argument("name")
@click.option(
    "--from", "folder", type=click.Path(path_type=Path), help="A folder that save_pretrained wrote, instead of the hub."
)
def fetch_model(name: str, folder: Path | None) -> None:
    """Bring a published GPT-2 onto this machine, from the hub or from a folder, so that it loads like the others."""
    from hookpoint.zoo.pretrained import hub

    source = folder or hub.download(name)  # before torch is imported: without a network this has to fail at once
    from hookpoint.zoo.pretrained.fetch import fetch

    manifest = fetch(name, source)
    click.echo(f"{name}: {manifest.shows} To load it: zoo.load({name!r})")


@main.command()
@click.argument("step", type=click.Choice(["release", "autograde", "feedback"]))
@click.argument("part", required=False)
@click.option(
    "--submitted",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="For autograde: the folder of submissions, STUDENT/PART/NOTEBOOK.",
)
@click.option("--db", default="", metavar="URL", help="For release: a gradebook in PostgreSQL instead of a file.")
def nbgrader(step: str, part: str | None, submitted: Path | None, db: str) -> None:
    """For classes: run nbgrader's STEP on the notebooks of PART, the first part if none is named."""
    import importlib.util

    if importlib.util.find_spec("nbgrader") is None:
        raise HookpointError(f"nbgrader is not installed: {sys.executable} -m pip install 'hookpoint[grade]'")
    from hookpoint.grading import nbgrader

    if step == "autograde":
        nbgrader.autograde(checkout(), part, submitted)
    elif step == "release":
        nbgrader.release(checkout(), part, db)
    else:
        getattr(nbgrader, step)(checkout(), part)


for verb in (join, submit, host, problem, challenge):
    main.add_command(verb)
