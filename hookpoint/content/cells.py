"""The code cells of a learner's notebook, each matched with what it answers.

Metadata says which cell is which. Colab and VS Code drop it; then the name a cell defines, or its text, does.
Running the cells is left to `execute`.
"""

import ast
import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hookpoint.content.course import Course, course
from hookpoint.content.files import fingerprint, hookpoint_of, read_notebook
from hookpoint.content.magics import parse
from hookpoint.errors import HookpointError, UsageError

CHECK = re.compile(r"\A\s*checks\.run\(\s*[\"'](\w+)[\"'].*\)\s*\Z")
DEFINES = re.compile(r"^(?:async\s+def|def|class)\s+(\w+)", re.MULTILINE)
GAP = "# YOUR CODE HERE"
BODIES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Module)
LONGEST_ID = 64  # in nbformat
PERCENT = re.compile(r"^# ?%%(.*)$")
MARKER = re.compile(r"(\w+)=\"([^\"]*)\"")


@dataclass(frozen=True)
class Cell:
    """One code cell.

    `kind` is `setup`, `exercise`, `check`, `demo` (ours, unchanged) or `own` (the learner's, or ours with changes);
    `index` counts all cells of the file; `writes` is the name that the exercise asks for.
    """

    id: str
    kind: str
    exercise: str | None
    source: str
    index: int
    writes: str = ""


def load_cells(path: Path, released: Course | None = None) -> list[Cell]:
    """The code cells of a notebook (`.ipynb`) or a script (`.py`, with or without `# %%` lines).

    Raises:
        HookpointError: the file cannot be read or is no notebook.
    """
    path = Path(path)
    if path.suffix != ".py":
        return cells_in(read_notebook(path), path.stem, released)
    try:
        return cells_in(path.read_text(encoding="utf-8-sig"), path.stem, released)
    except (OSError, UnicodeDecodeError) as error:
        raise HookpointError(f"{path} cannot be read: {error}.") from None


def cells_in(content: dict | str, stem: str, released: Course | None = None) -> list[Cell]:
    """The code cells of a notebook that has been read, or of a script's text; `stem` is the file's name."""
    released = released or course()
    raw = _script_cells(content) if isinstance(content, str) else _notebook_cells(content)
    notebook = released.notebook(notebook_name(content, stem))
    exercises = notebook.exercises if notebook else released.exercises
    writes = {exercise.writes: exercise.id for exercise in exercises}
    demos = frozenset().union(*(released_notebook.demos for released_notebook in released.notebooks))
    cells = [_cell(*cell, writes, demos) for cell in raw]
    return [piece for cell in cells for piece in _pieces(cell, writes)]


def notebook_name(content: dict | str, stem: str) -> str:
    """The notebook that the content says it is; else what its file is called."""
    return stem if isinstance(content, str) else str(hookpoint_of(content).get("notebook", stem))


def _notebook_cells(notebook: dict) -> list[tuple[int, str, str, dict]]:
    """The code cells: index, id, source, metadata."""
    return [
        (index, str(cell.get("id", ""))[:LONGEST_ID], _with_plain_ends(cell["source"]), hookpoint_of(cell))
        for index, cell in enumerate(notebook["cells"])
        if cell.get("cell_type") == "code"
    ]


def _script_cells(text: str) -> list[tuple[int, str, str, dict]]:
    """The same of a percent script; a script without `# %%` lines is one cell."""
    cells: list[tuple[str, list[str]]] = [("", [])]
    for line in _with_plain_ends(text).split("\n"):
        if header := PERCENT.match(line):
            cells.append((header.group(1), []))
        else:
            cells[-1][1].append(line)
    return [
        (index, "", "\n".join(lines).strip("\n"), _markers(header))
        for index, (header, lines) in enumerate(cells)
        if "[markdown]" not in header and any(line.strip() for line in lines)
    ]


def _with_plain_ends(text: str) -> str:
    """The text with the line ends that Python counts written as "\\n", so that its line numbers are ours."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _markers(header: str) -> dict:
    markers = dict(MARKER.findall(header))
    return {"kind": "exercise", "exercise": markers["exercise"]} if "exercise" in markers else {}


def _cell(index: int, id: str, source: str, meta: Mapping, writes: Mapping[str, str], demos: frozenset[str]) -> Cell:
    kind, exercise = meta.get("kind", "own"), meta.get("exercise")
    if kind == "exercise" and exercise in writes.values():
        name = next(name for name, known in writes.items() if known == exercise)
        return Cell(id, kind, exercise, source, index, name)
    if check := CHECK.match(source):
        return Cell(id, "check", check.group(1), source, index)
    if kind == "demo" and fingerprint(source) == meta.get("hash") or fingerprint(source) in demos:
        return Cell(id, "demo", None, source, index)
    return Cell(id, "setup" if kind == "setup" else "own", None, source, index)


def _pieces(cell: Cell, writes: Mapping[str, str]) -> list[Cell]:
    """The cell cut where each exercise's definition starts, so that a slip in one answer costs only that one.

    Most cells hold one answer or none and stay whole.
    """
    if cell.kind not in ("exercise", "own"):
        return [cell]
    starts = {name: line for name, line in definitions(cell.source).items() if name in writes}
    if not starts or (cell.writes and cell.writes not in starts):
        return [cell]
    if len(starts) == 1:
        (name,) = starts
        return [replace(cell, kind="exercise", exercise=writes[name], writes=name)]
    lines, cuts = cell.source.split("\n"), sorted((line, name) for name, line in starts.items())
    ends = [line for line, _ in cuts[1:]] + [len(lines)]
    # What stands above the first definition (imports, as a rule) runs before it and must not fall with it.
    above = [replace(cell, kind="own", exercise=None, writes="", source="\n".join(lines[: cuts[0][0]]))]
    return (above if above[0].source.strip() else []) + [
        replace(cell, kind="exercise", exercise=writes[name], writes=name, source="\n".join(lines[start:end]))
        for (start, name), end in zip(cuts, ends, strict=True)
    ]


def definitions(source: str) -> dict[str, int]:
    """The functions and classes at the top level, each with the 0-based line it starts on (decorators included).

    Works on a cell with a syntax error too, by the look of its lines: that cell's exercise still needs a name.
    """
    tree = parse(source)
    if tree is None:
        found = ((DEFINES.match(line), at) for at, line in enumerate(source.split("\n")))
        return {match.group(1): at for match, at in found if match}
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    nodes = [node for node in tree.body if isinstance(node, kinds)]
    return {node.name: min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1 for node in nodes}


def is_stub(source: str, writes: str = "") -> bool:
    """Whether the cell still has a gap that the release left: it raises `NotImplementedError` where the answer goes.

    A learner's own abstract method is no gap, nor is a line that stands after `return` and is never reached.
    """
    tree = parse(source) if "NotImplementedError" in source else None
    if tree is None:
        return False
    lines = source.split("\n")
    named = [node for node in tree.body if writes and getattr(node, "name", "") == writes]
    asked = {inner for node in named or [tree] for inner in ast.walk(node) if isinstance(inner, BODIES)}
    return any(
        node in asked or any(GAP in line for line in lines[max(statement.lineno - 2, 0) : statement.lineno - 1])
        for node in ast.walk(tree)
        for statement in _reached(getattr(node, "body", ()))
        if _gives_up(statement)
    )


def _reached(body: object) -> Iterable[ast.stmt]:
    """The statements of a body up to its first `return`."""
    statements = body if isinstance(body, list) else []
    return itertools.takewhile(lambda statement: not isinstance(statement, ast.Return), statements)


def _gives_up(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.Raise) or statement.exc is None:
        return False
    error = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
    return isinstance(error, ast.Name) and error.id == "NotImplementedError"


def answer(cells: Iterable[Cell], exercise: str) -> Cell | None:
    """The cell that counts as the answer: the last one that is Python and no stub, else the last one."""
    candidates = [cell for cell in cells if cell.kind == "exercise" and cell.exercise == exercise]
    whole = [cell for cell in candidates if parse(cell.source) is not None and not is_stub(cell.source, cell.writes)]
    return (whole or candidates or [None])[-1]


def answer_hash(cells: Iterable[Cell], exercise: str) -> str:
    """A fingerprint of the answer as it is now; empty when there is none or only a stub."""
    cell = answer(cells, exercise)
    return "" if cell is None or is_stub(cell.source, cell.writes) else fingerprint(cell.source.strip())


def typed_in(names: Mapping[str, object], writes: str) -> str:
    """The text of the notebook cell that last defined the name, out of a kernel's own history; empty elsewhere.

    A notebook on disk may be older than the kernel, so the kernel is asked.
    """
    history = names.get("In")
    typed = [text for text in history if isinstance(text, str)] if isinstance(history, list) else []
    return next((text.strip() for text in reversed(typed) if writes in definitions(text)), "")


def exercise_in(cells: Iterable[Cell], exercise: str) -> Cell:
    """The answer cell of the exercise.

    Raises:
        UsageError: the learner's notebook has none any more.
    """
    cell = answer(cells, exercise)
    if cell is None:
        raise UsageError(
            f"Your notebook has no cell that defines `{exercise}`. `hookpoint reset {exercise}` puts the stub back."
        )
    return cell
