"""How long a learner waits for a check: in a running notebook, and from a cold shell against `import torch`.

    python benchmarks/check_latency.py [NOTEBOOK ...]

The notebook figures come from a real Jupyter kernel that has run the solutions notebook: the median of several runs
of each check cell, beside the part of it that was spent in the learner's own functions (prerequisites that we stand
in for included). The shell figures alternate the two commands and give the median of each. Targets: 150 ms beyond the
learner's own code, and 0.5 s beyond `import torch`.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hookpoint.content.course import course
from hookpoint.content.workspace import create

ROOT = Path(__file__).parent.parent
RUNS = 9
SHELL_RUNS = 5

# Runs in the kernel. `own` is what is spent between entering and leaving the learner's outermost function or method.
MEASURE = """
def _measure(exercise, runs):
    import contextlib, functools, io, time, types
    from hookpoint import checks
    from hookpoint.checks.find import exercise as find
    writes = find(exercise).writes
    spent, depth = [0.0], [0]

    def timed(function):
        @functools.wraps(function)
        def call(*args, **kwargs):
            depth[0] += 1
            started = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                depth[0] -= 1
                if depth[0] == 0:
                    spent[0] += time.perf_counter() - started
        return call

    kept, figures = globals()[writes], []
    if isinstance(kept, type):
        bodies = {name: timed(body) for name, body in vars(kept).items() if isinstance(body, types.FunctionType)}
        globals()[writes] = type(kept.__name__, (kept,), bodies)
    else:
        globals()[writes] = timed(kept)
    for _ in range(runs + 1):
        spent[0] = 0.0
        with contextlib.redirect_stdout(io.StringIO()):
            started = time.perf_counter()
            checks.run(exercise)
        figures.append((time.perf_counter() - started, spent[0]))
    globals()[writes] = kept
    return figures
"""


def in_a_notebook(name: str) -> list[tuple[str, float, float, float]]:
    """Per exercise, in milliseconds: the first run, the median of the others, and the learner's own part of that."""
    from jupyter_client.manager import start_new_kernel

    notebook = course().notebook(name)
    solved = json.loads((ROOT / "solutions" / notebook.part / f"{name}.ipynb").read_text())
    manager, client = start_new_kernel(kernel_name="python3", stderr=subprocess.DEVNULL)
    try:
        for cell in solved["cells"]:
            kind = cell["metadata"]["hookpoint"]["kind"] if cell["cell_type"] == "code" else ""
            if kind in ("setup", "exercise"):
                execute(client, "".join(cell["source"]), may_fail=kind == "setup")
        execute(client, MEASURE)
        rows = []
        for exercise in notebook.exercises:
            printed = execute(client, f"import json; print(json.dumps(_measure({exercise.id!r}, {RUNS})))")
            figures = json.loads(printed.splitlines()[-1])
            total, own = (1e3 * statistics.median(column) for column in zip(*figures[1:], strict=True))
            rows.append((exercise.id, 1e3 * figures[0][0], total, own))
        return rows
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def execute(client, source: str, may_fail: bool = False) -> str:
    """What the cell printed. Raises `RuntimeError` if it failed and may not.

    Those that prepare a demonstration may: they use names from cells that only show something, which are left out.
    """
    printed = []

    def hear(message):
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])

    reply = client.execute_interactive(source, output_hook=hear, timeout=120)
    if reply["content"]["status"] != "ok" and not may_fail:
        raise RuntimeError(f"{reply['content']['ename']}: {reply['content']['evalue']}")
    return "".join(printed)


def from_a_shell(exercise: str) -> tuple[float, float]:
    """Median seconds of `hookpoint check` in a workspace that has the answer, and of `import torch`, in turns."""
    import shutil

    with tempfile.TemporaryDirectory() as folder:
        create(Path(folder))
        notebook = course().notebook(course().exercise(exercise).notebook)
        shutil.copy(ROOT / "solutions" / notebook.part / f"{notebook.name}.ipynb", Path(folder) / notebook.file)
        commands = {
            "check": [sys.executable, "-m", "hookpoint", "check", exercise],
            "torch": [sys.executable, "-c", "import torch"],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for round_ in range(SHELL_RUNS + 1):
            for name, command in commands.items():
                started = time.perf_counter()
                subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, env=os.environ)
                if round_:  # the first round warms the disk
                    seconds[name].append(time.perf_counter() - started)
    return statistics.median(seconds["check"]), statistics.median(seconds["torch"])


def main(names: list[str]) -> None:
    table = Table("exercise", "first, ms", "median, ms", "own code, ms", "beyond it, ms", title="A check in a notebook")
    for column in table.columns[1:]:
        column.justify = "right"
    for name in names or [notebook.name for notebook in course().notebooks]:
        for exercise, first, total, own in in_a_notebook(name):
            table.add_row(exercise, *(f"{figure:.0f}" for figure in (first, total, own, total - own)))
    console = Console()
    console.print(table)
    check, torch = from_a_shell("causal_mask")
    console.print(
        f"From a cold shell: hookpoint check causal_mask {check:.2f} s, python -c 'import torch' {torch:.2f} s: "
        f"{check - torch:+.2f} s, {check / torch:.2f} times."
    )


if __name__ == "__main__":
    main(sys.argv[1:])
