"""What grading costs: nbgrader and `hookpoint grade` on the same submissions of one of our notebooks, in one run.

    python benchmarks/grading.py [--count 30] [--notebook 03_attention] [--rounds 3]

The submissions are put together from right and wrong answers that people gave to each exercise
(`tests/<part>/answers`), with stubs and cells that do not run among them. nbgrader gets the notebook as a course of its
own and one `nbgrader autograde` over all submissions: its cheapest use. CPU is user and system time of all processes,
start-up included. The overhead is what the sandboxed grader takes per submission, start-up left out, beyond the same
checks on the same answers in one process that is up already. Medians of the rounds. Targets: at most 60 ms of overhead
for a notebook of 8 exercises, and at least 15 times less CPU in total.
"""

import argparse
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hookpoint.content.course import course
from hookpoint.content.files import notebook_text, read_notebook
from hookpoint.grading.answers import read_answers

ROOT = Path(__file__).parents[1]
SEED = "benchmark"
SOLVED = 30
IN_TURN = 10  # submissions each way before the other has its turn
TICKS = os.sysconf("SC_CLK_TCK")
BROKEN = "def {name}(:\n    return"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--count", type=int, default=30)
    asked.add_argument("--notebook", default="03_attention")
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--only", help=argparse.SUPPRESS)  # how the measured half of this script is started
    asked.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = asked.parse_args()
    if options.only:
        measured = {"ours": ours, "overhead": overhead}[options.only](options.folder, options.notebook)
        print(json.dumps(measured))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_course(folder, options.notebook, options.count)
        rounds = [one_round(folder, options.notebook) for _ in range(options.rounds)]
    show(rounds, options)


def write_course(folder: Path, name: str, count: int) -> None:
    """nbgrader's folders: `source` with the solved notebook, `submitted` with a notebook of each student."""
    notebook = course().notebook(name)
    (folder / "source" / "ps").mkdir(parents=True)
    solved = ROOT / "solutions" / notebook.part / f"{name}.ipynb"
    (folder / "source" / "ps" / f"{name}.ipynb").write_text(solved.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'benchmark'\n")
    subprocess.run(**nbgrader("generate_assignment", "ps"), cwd=folder, check=True, capture_output=True)
    released = folder / "release" / "ps" / f"{name}.ipynb"
    for number in range(count):
        target = folder / "submitted" / f"s{number:03}" / "ps" / f"{name}.ipynb"
        target.parent.mkdir(parents=True)
        target.write_text(notebook_text(answered(released, notebook, random.Random(number))), encoding="utf-8")


def nbgrader(*arguments: str) -> dict:
    """How its command is started: it looks for `alembic` on the PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {"args": [sys.executable, "-m", "nbgrader", *arguments], "env": os.environ | {"PATH": path}}


def answered(released: Path, notebook, dice: random.Random) -> dict:
    """The released notebook with somebody's answers: most of them right, some wrong, missing, or no Python."""
    content = read_notebook(released)
    for cell in content["cells"]:
        about = cell["metadata"].get("hookpoint", {})
        if about.get("kind") != "exercise":
            continue
        id = about["exercise"]
        answers = read_answers(ROOT / "tests" / notebook.part / "answers" / f"{id}.py")
        right = [answer.source for answer in answers if answer.right]
        wrong = [answer.source for answer in answers if not answer.right]
        kinds = {"right": right, "wrong": wrong, "stub": [cell["source"]], "broken": [BROKEN.format(name=id)]}
        kind = dice.choices(list(kinds), weights=(70, 18, 9, 3))[0]
        cell["source"] = dice.choice(kinds[kind])
    return content


def one_round(folder: Path, name: str) -> dict:
    theirs = nbgrader_round(folder, name)
    mine = self_run("ours", folder, name)
    beyond = self_run("overhead", folder, name)
    return {"nbgrader": theirs, "ours": mine, "overhead": beyond}


def self_run(what: str, folder: Path, name: str) -> dict:
    command = [sys.executable, str(Path(__file__)), "--only", what, "--folder", str(folder), "--notebook", name]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])


def nbgrader_round(folder: Path, name: str) -> dict:
    (folder / "gradebook.db").unlink(missing_ok=True)
    subprocess.run(**nbgrader("generate_assignment", "ps", "--force"), cwd=folder, check=True, capture_output=True)
    began, before = time.monotonic(), os.times()
    process = subprocess.Popen(
        **nbgrader("autograde", "ps", "--force"), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    with memory_of(process.pid) as memory:
        process.wait()
    after = os.times()
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    return {
        "cpu": cpu,
        "wall": time.monotonic() - began,
        "memory": memory[0],
        "passed": nbgrader_verdicts(folder, name),
    }


def nbgrader_verdicts(folder: Path, name: str) -> dict[str, bool]:
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        return {
            f"{submission.student.id} {grade.name}": grade.score == grade.max_score
            for submission in book.assignment_submissions("ps")
            for grade in submission.notebooks[0].grades
        }


def ours(folder: Path, name: str) -> dict:
    """`hookpoint grade` over all submissions, from the start of its workers on."""
    from hookpoint.grading.level import probe
    from hookpoint.grading.pool import grade_all
    from hookpoint.grading.submission import Handed

    paths = sorted((folder / "submitted").glob("*/ps/*.ipynb"))
    handed = [Handed(path, path.parts[-3]) for path in paths]
    began, results, cpu = time.monotonic(), [], 0.0
    with memory_of(os.getpid()) as memory:
        for _, result in grade_all(handed, probe(), SEED, workers=2):
            results.append(result)
            if len(results) == len(handed):
                cpu = cpu_of_tree(os.getpid())
    passed = {f"{one.submission} {v.exercise}": v.status == "passed" for one in results for v in one.verdicts}
    return {"cpu": cpu, "wall": time.monotonic() - began, "memory": memory[0], "passed": passed}


def overhead(folder: Path, name: str) -> dict:
    """CPU seconds per submission: in the sandbox, everything that is up left out, and in one process.

    Once for all submissions, once for the solved notebook alone.
    """
    import torch

    from hookpoint.grading.base import Base
    from hookpoint.grading.level import probe
    from hookpoint.grading.submission import read

    torch.set_num_threads(1)
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})  # as a worker does
    mixed = [read(path, path.parts[-3]) for path in sorted((folder / "submitted").glob("*/ps/*.ipynb"))]
    solved = [read(next((ROOT / "solutions").glob(f"*/{name}.ipynb")))] * SOLVED
    with Base(probe()) as base:
        box = base.box(core=core)
        in_sandbox(solved[0], box)
        in_process(solved[0])
        found = {"private": max(private_of_runs(box, solved[0]))}
        found |= {what: each_way(box, those) for what, those in (("mixed", mixed), ("solved", solved))}
    return found


def each_way(box, submissions: list) -> tuple[float, float]:
    """CPU seconds per submission in the sandbox and in one process, in turn: when the machine slows down, both do."""
    sandbox, boxed, plain = cpu_of(descendants(os.getpid())), 0.0, 0.0
    for at in range(0, len(submissions), IN_TURN):
        began = time.process_time()
        for submission in submissions[at : at + IN_TURN]:
            in_sandbox(submission, box)
        between = time.process_time()
        for submission in submissions[at : at + IN_TURN]:
            in_process(submission)
        boxed += between - began
        plain += time.process_time() - between
    boxed += cpu_of(descendants(os.getpid())) - sandbox
    return boxed / len(submissions), plain / len(submissions)


def in_sandbox(submission, box) -> None:
    from hookpoint.grading.grader import grade, lanes

    for lane in lanes(submission):
        grade(submission, box, SEED, lane)


def in_process(submission) -> None:
    from hookpoint.checks import InProcess, judge
    from hookpoint.content.execute import run_cells

    loaded = run_cells(submission.cells)
    for exercise in submission.notebook.exercises:
        link = InProcess(loaded.names, loaded.why_missing(submission.cells))
        judge(exercise.id, link, SEED, reveal=False)


def private_of_runs(box, submission) -> list[float]:
    """MB that a run has for itself after each exercise."""
    from hookpoint.checks import judge

    run, found = box.stage(submission.notebook).run(submission.cells), []
    mine = max(descendants(os.getpid()))  # the youngest
    for exercise in submission.notebook.exercises:
        run.exercise = exercise.id
        judge(exercise.id, run, SEED, reveal=False)
        with contextlib.suppress(OSError):
            found.append(rollup(mine, "Private_Dirty"))
    run.close()
    return found or [float("nan")]


def cpu_of_tree(pid: int) -> float:
    return cpu_of([pid, *descendants(pid)])


def cpu_of(processes: list[int]) -> float:
    """CPU seconds of processes, and of those below them that they have seen to the end."""
    total = 0.0
    for one in processes:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15])) / TICKS
    return total


def descendants(pid: int) -> list[int]:
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found, waiting = [], [pid]
    while waiting:
        above = waiting.pop()
        below = [child for child, parent in parents.items() if parent == above]
        found += below
        waiting += below
    return found


def rollup(pid: int, what: str) -> float:
    """MB of one kind, from the kernel's account of a process's memory."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith(f"{what}:"))


@contextlib.contextmanager
def memory_of(pid: int):
    """The most memory in MB that a process and those below it had together, pages that they share counted once."""
    peak, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(0.25):
            total = 0.0
            for one in (pid, *descendants(pid)):
                with contextlib.suppress(OSError, StopIteration):
                    total += rollup(one, "Pss")
            peak[0] = max(peak[0], total)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield peak
    over.set()
    thread.join()


def show(rounds: list[dict], options: argparse.Namespace) -> None:
    count, console = options.count, Console(width=None if sys.stdout.isatty() else 110)
    median = {
        who: {what: statistics.median(one[who][what] for one in rounds) for what in ("cpu", "wall", "memory")}
        for who in ("nbgrader", "ours")
    }
    table = Table("", "nbgrader", "hookpoint grade", "ratio", title=f"{count} submissions of {options.notebook}")
    for label, what, scale, unit in (
        ("CPU per submission", "cpu", 1e3 / count, "ms"),
        ("wall per submission", "wall", 1e3 / count, "ms"),
        ("memory at most", "memory", 1, "MB"),
    ):
        theirs, mine = median["nbgrader"][what] * scale, median["ours"][what] * scale
        table.add_row(label, f"{theirs:,.0f} {unit}", f"{mine:,.0f} {unit}", f"{theirs / mine:.1f}")
    console.print(table)
    for what, about in (("mixed", "these submissions"), ("solved", "the solved notebook")):
        boxed, plain = (1e3 * statistics.median(one["overhead"][what][way] for one in rounds) for way in (0, 1))
        console.print(
            f"Without start-up, {about}: {boxed:.0f} ms of CPU each, of which the checks take {plain:.0f} ms in one "
            f"process; {boxed - plain:.0f} ms are the sandbox and the wall."
        )
        if what == "mixed":
            beyond = median["nbgrader"]["cpu"] * 1e3 / count - plain
            console.print(
                f"nbgrader takes {beyond:,.0f} ms beyond the checks: {beyond / (boxed - plain):.0f} times that."
            )
    private = statistics.median(one["overhead"]["private"] for one in rounds)
    console.print(f"Private memory of a run: {private:.1f} MB.")
    theirs, mine = rounds[0]["nbgrader"]["passed"], rounds[0]["ours"]["passed"]
    same = sum(theirs.get(key) == value for key, value in mine.items())
    console.print(f"{same} of {len(mine)} verdicts are the same.")
    for key in sorted(key for key, value in mine.items() if theirs.get(key) != value):
        said = "passed" if mine[key] else "not passed"
        console.print(f"  {key}: {said} by hookpoint grade, otherwise by nbgrader", markup=False)


if __name__ == "__main__":
    main()
