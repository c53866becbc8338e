"""`hookpoint verify`: the author's proof that every check of the course can be trusted, in parallel, as one table."""

import multiprocessing
import os
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from hookpoint.content.build import build
from hookpoint.content.course import course
from hookpoint.errors import UsageError

from .level import probe

__all__ = ["main", "verify"]

COLUMNS = ("solution", "stub", "slips", "right", "wrong", "accidents")
LIMIT = 5.0  # seconds for a call
apart = None  # the sandbox of this worker process, or what there is in its place


def main(ids: Sequence[str] = (), root: Path | None = None, seeds: int = 2, jobs: int | None = None) -> int:
    """Prints what falls short as it comes, then the table. Returns the exit code: 0 only if nothing does."""
    root = root or Path.cwd()
    if not (root / "solutions").is_dir():
        raise UsageError(
            f"There is no folder solutions/ in {root}: `hookpoint verify` runs in a checkout of the course."
        )
    named = [course().exercise(id) for id in ids]
    stale = build(root, check=True, only={exercise.notebook for exercise in named})
    for path in stale:
        print(f"{path} is not what its source gives: run `hookpoint build`", flush=True)
    proofs = verify([exercise.id for exercise in named or course().exercises], root, seeds, jobs)
    show(proofs)
    held = sum(proof.holds for proof in proofs)
    problems = len(stale) + sum(len(proof.problems) for proof in proofs)
    short = f"; {problems} problems, each above the table." if problems else "."
    print(f"\n{held} of {len(proofs)} exercises hold{short}")
    return 1 if problems else 0


def verify(ids: Iterable[str], root: Path, seeds: int = 2, jobs: int | None = None) -> list:
    """The proofs of these exercises, in their order; prints the problems of each when it is done.

    The second implementation of `Learner` is the grader's sandbox, where this machine has one.
    """
    ids = list(ids)
    jobs = min(jobs or os.cpu_count() or 1, len(ids)) or 1
    labels = ["public", *(f"verify-{number}" for number in range(1, seeds))]
    context = multiprocessing.get_context("spawn")  # torch must not be forked once it has used threads
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=start_worker) as pool:
        waiting = [pool.submit(prove_one, exercise_id, root, labels) for exercise_id in ids]
        for done in progress(as_completed(waiting), len(waiting)):
            for problem in done.result().problems:
                print(f"{problem}\n", flush=True)
        return [future.result() for future in waiting]


def start_worker() -> None:
    import atexit

    import torch

    from hookpoint.checks.child import Nursery

    from .base import Base

    global apart
    torch.set_num_threads(1)
    level = probe()
    process = Base(level) if level.enough else Nursery(limit=LIMIT)
    apart = process.box(LIMIT) if isinstance(process, Base) else process
    atexit.register(process.close)


def prove_one(exercise_id: str, root: Path, seeds: list[str]):
    from .proof import prove

    return prove(exercise_id, root, apart, seeds)


def progress(steps: Iterable, total: int):
    from rich.progress import track

    return track(steps, "Verifying", total=total, disable=not sys.stdout.isatty())


def show(proofs: list) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("exercise", *COLUMNS, "ms", "s", title="Checks that can be trusted", caption=CAPTION)
    for column in table.columns[1:]:
        column.justify = "right"
    for proof in proofs:
        cells = [f"{have}/{of}" for have, of in (getattr(proof, name) for name in COLUMNS)]
        mark = "" if proof.holds else "[bold red]✗ [/]"
        table.add_row(mark + proof.exercise, *cells, f"{proof.milliseconds:.0f}", f"{proof.seconds:.1f}")
    Console(width=None if sys.stdout.isatty() else 110).print(table)


CAPTION = (
    "as they must be / tried: solution passes, stub is 'not written yet', slips rejected by their own sentence, other "
    "right answers accepted, other wrong answers and accidents rejected; ms is the CPU of one passing check in process"
)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
