"""Running a learner's cells one by one, so that whatever one of them does costs only itself.

Matching cells with exercises is done by `cells`; judging the names that come out is left to `hookpoint.checks`.
"""

import contextlib
import io
import linecache
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, TracebackType

from hookpoint.content.alarm import OutOfTime, alarm
from hookpoint.content.cells import Cell, is_stub, load_cells
from hookpoint.content.magics import plain_python

__all__ = ["Cell", "Loaded", "Problem", "load_cells", "run_cells"]

SKIPPED = ("check", "demo")


@dataclass(frozen=True)
class Problem:
    """Why a cell did not run: `kind` is syntax, error, timeout or stub; `message` is one line; `line` is the cell's."""

    kind: str
    message: str
    line: int | None = None


@dataclass
class Loaded:
    """The learner's namespace, and what went wrong on the way.

    A problem stands under the exercise's id if it left that exercise without a definition, else under its cell's index.
    """

    names: dict[str, object]
    problems: dict[str | int, Problem]

    def why_missing(self, cells: Iterable[Cell]) -> dict[str, str]:
        """One line for each name that an exercise asks for and that is not there because its cell did not run."""
        return {cell.writes: self.problems[cell.exercise].message for cell in cells if cell.exercise in self.problems}


def run_cells(
    cells: Iterable[Cell],
    names: dict | None = None,
    limit: float | None = 10.0,
    folder: Path | None = None,
    before: Callable[[Cell], object] = lambda cell: None,
) -> Loaded:
    """The names after all cells ran in order in one namespace, starting from `names`.

    The last valid definition wins: neither a stub nor a cell that fails replaces an answer that ran.

    Args:
        limit: seconds for one cell; kept only in the main thread, where alarms ring.
        folder: where the notebook lies, so that the learner's own files next to it can be imported and opened.
        before: called with each cell that is about to run.
    """
    cells = list(cells)
    names = {"__name__": "__main__", "__builtins__": __builtins__, "display": _show_nothing, **(names or {})}
    asked = {cell.writes for cell in cells if cell.writes}
    valid: dict[str, object] = {}
    run = [cell for cell in cells if cell.kind not in SKIPPED]
    with _quiet(), _inside(folder), _own_interrupts():
        ran = []
        for cell, file in _filed(run):
            before(cell)
            ran.append((cell, _run_cell(cell, file, names, asked, valid, limit)))
    problems = {
        cell.exercise if cell.exercise and cell.writes not in names else cell.index: problem
        for cell, problem in ran
        if problem
    }
    return Loaded(names, problems)


def _filed(cells: list[Cell]) -> Iterator[tuple[Cell, str]]:
    """Each cell with the file name that its code carries in tracebacks; told apart where one exercise has several."""
    taken: set[str] = set()
    for cell in cells:
        name = cell.exercise or f"cell {cell.index + 1}"
        name = f"{name}, cell {cell.index + 1}" if name in taken else name
        taken.add(name)
        yield cell, f"<learner: {name}>"


def _run_cell(
    cell: Cell, file: str, names: dict, asked: set[str], valid: dict[str, object], limit: float | None
) -> Problem | None:
    """Run one cell and keep, for each name that an exercise asks for, the last definition that counts."""
    before = {name: names[name] for name in asked & names.keys()}
    problem = _execute(cell, file, names, limit)
    for name in asked & names.keys():
        if name in before and names[name] is before[name]:
            continue
        if problem is None and not (name == cell.writes and is_stub(cell.source, name)):
            valid[name] = names[name]
        elif name in valid:
            names[name] = valid[name]
    return problem


def _execute(cell: Cell, filename: str, names: dict, limit: float | None) -> Problem | None:
    source = plain_python(cell.source)
    try:
        code = compile(source, filename, "exec", dont_inherit=True)
    except SyntaxError as error:
        return Problem("syntax", f"SyntaxError: {error.msg}{_at(error.lineno)}", error.lineno)
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return Problem("syntax", f"The cell cannot be compiled: {error}")
    # Without this, inspect.getsource and tracebacks would find no text for code that lies in no file.
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    problem = None
    try:
        with alarm(limit):
            problem = _guarded(code, names)
    except OutOfTime:
        line = problem.line if problem else None
        return Problem("timeout", f"The cell was stopped after {limit:g} s{_at(line)}", line)
    return problem


def _guarded(code: CodeType, names: dict) -> Problem | None:
    """Run the code; what it raises becomes one line, made here because asking for its text runs learner's code too."""
    try:
        exec(code, names)
    except _Interrupted:
        raise
    except BaseException as error:
        line = _line_of(error.__traceback__, code.co_filename)
        kind = "stub" if isinstance(error, NotImplementedError) else "error"
        return Problem(kind, f"{_described(error)}{_at(line)}", line)
    return None


def _described(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = ""
    name = type(error).__name__
    return f"{name}: {text[:300]}" if text else name


def _at(line: int | None) -> str:
    return f" (line {line} of the cell)" if line else ""


def _line_of(trace: TracebackType | None, filename: str) -> int | None:
    """The line of the cell that was running: the innermost frame that lies in it."""
    line = None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == filename:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


class _Interrupted(KeyboardInterrupt):
    """Ctrl-C by the person, which ends us; a cell that raises KeyboardInterrupt itself does not."""


@contextlib.contextmanager
def _own_interrupts() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise _Interrupted

    outer = signal.getsignal(signal.SIGINT)
    # None stands for a handler that another language installed: it cannot be put back, so it stays.
    if outer is None:
        yield
        return
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, outer)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No output, no input to wait for, and no window that a plot could open."""
    stdin, backend = sys.stdin, os.environ.get("MPLBACKEND")
    sys.stdin = io.StringIO()
    os.environ.setdefault("MPLBACKEND", "Agg")
    try:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            yield
    finally:
        sys.stdin = stdin
        if backend is None:
            os.environ.pop("MPLBACKEND", None)


@contextlib.contextmanager
def _inside(folder: Path | None) -> Iterator[None]:
    """The learner's folder as working directory and first place for imports, as their kernel has it."""
    if folder is None:
        yield
        return
    path, entry = list(sys.path), str(folder)
    try:
        with contextlib.chdir(folder):
            sys.path.insert(0, entry)
            yield
    finally:
        sys.path[:] = path


def _show_nothing(*_things: object, **_options: object) -> None:
    """Stands for IPython's `display`, which a notebook has without importing it."""
