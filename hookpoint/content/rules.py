"""What a source may not do, each rule with the place, the mistake and the way to mend it.

Every rule looks at all cells of a file and yields what it finds, so an author sees all problems at once. Rules about
the course as a whole, such as an id used in two notebooks, are left to `build`.
"""

import ast
import difflib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from hookpoint.content.leak import secret_lines, squeezed
from hookpoint.content.regions import faults, has_marker, released
from hookpoint.content.source import MARKERS, Cell
from hookpoint.errors import AuthoringError

ID = re.compile(r"[a-z][a-z0-9_]{0,49}")
TITLE = re.compile(r"# (?:\d+[a-z]?\s*[·.:–—-]\s*)?(?P<title>\S.*)")
HEADING = re.compile(r"## Exercise: `(?P<id>[^`]+)` (?P<stars>★{1,3})(?=\n|$)")
HEADING_FORM = "## Exercise: `ID` ★★"

Problems = Iterator[AuthoringError]

# For each kind of cell, the sets of options that its marker may have.
FORMS = {
    "markdown": ({"hint", "rung"}, {"only"}, set()),
    "code": ({"exercise", "minutes"}, {"check", "points"}, {"only"}, set()),
}
KEYS = sorted(set().union(*FORMS["markdown"], *FORMS["code"]))


def problems(path: Path, cells: list[Cell]) -> list[AuthoringError]:
    """Everything that the rules refuse in these cells of the file at `path`."""
    found = [*_markers(path, cells)]
    meant = [_as_meant(cell) for cell in cells]
    for rule in RULES:
        found += rule(path, meant)
    return found


def snake_case(name: str) -> str:
    """The exercise id that belongs to a name in code.

    >>> snake_case("LayerNorm"), snake_case("GPT2"), snake_case("MLP"), snake_case("causal_mask")
    ('layer_norm', 'gpt2', 'mlp', 'causal_mask')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def defined_names(module: ast.Module) -> list[str]:
    """The names that the top level of a cell defines or assigns, in order."""
    names = []
    for statement in module.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.append(statement.name)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names += [target.id for target in targets if isinstance(target, ast.Name)]
    return names


def _closest(word: str, known: list[str]) -> str | None:
    return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=0.6)), None)


def _as_meant(cell: Cell) -> Cell:
    """The cell with misspelt options put right, so that one slip is not reported once more by every other rule."""
    options = {key if key in KEYS else _closest(key, KEYS) or key: value for key, value in cell.options.items()}
    return replace(cell, options=options)


def _markers(path: Path, cells: list[Cell]) -> Problems:
    for cell in cells:
        unknown = [key for key in cell.options if key not in KEYS]
        for key in unknown:
            meant = _closest(key, KEYS)
            what = f"There is no marker `{key}`."
            yield AuthoringError(path, cell.line, what, f"Did you mean `{meant}`?" if meant else MARKERS)
        if not unknown and set(cell.options) not in FORMS[cell.kind]:
            yield AuthoringError(path, cell.line, _misformed(cell), MARKERS)
        for key, value in _as_meant(cell).options.items():
            if wrong := _wrong_value(key, value):
                yield AuthoringError(path, cell.line, *wrong)


def _misformed(cell: Cell) -> str:
    """Says of known options in a wrong combination which is missing or too many."""
    given = set(cell.options)
    wanted = next((form for form in FORMS[cell.kind] if form & given), None)
    if wanted and wanted - given:
        return f"`{min(wanted & given)}` needs `{min(wanted - given)}` beside it."
    if wanted:
        return f"`{min(given - wanted)}` does not go with `{min(wanted & given)}`."
    return f"A {'prose' if cell.kind == 'markdown' else 'code'} cell cannot be marked `{min(given)}`."


def _wrong_value(key: str, value: str | int) -> tuple[str, str] | None:
    if key in ("minutes", "points", "rung") and not (isinstance(value, int) and value > 0):
        return f"`{key}` must be a whole number above 0; here it is {value!r}.", f"Write it without quotes: `{key}=2`."
    if key in ("exercise", "check", "hint") and not (isinstance(value, str) and ID.fullmatch(value)):
        return f"{value!r} is not an exercise id.", "Write the learner's name for it in snake_case, in double quotes."
    if key == "only" and value != "solutions":
        return f"`only` cannot be {value!r}.", 'Write `only="solutions"`: the cell is left out of exercises/.'
    return None


def _title(path: Path, cells: list[Cell]) -> Problems:
    if cells and not (cells[0].kind == "markdown" and TITLE.match(cells[0].source)):
        what = "The notebook does not begin with a title."
        yield AuthoringError(path, cells[0].first, what, "Begin the first cell, a `# %% [markdown]`, with `# # Title`.")


def _code(path: Path, cells: list[Cell]) -> Problems:
    for cell in cells:
        if cell.kind == "code":
            yield from _syntax(path, cell, cell.source, "Python cannot read this code")


def _syntax(path: Path, cell: Cell, source: str, what: str) -> Problems:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError) as error:
        line = cell.first + (getattr(error, "lineno", None) or 1) - 1
        yield AuthoringError(path, line, f"{what}: {getattr(error, 'msg', error)}.", "Mend the code.")


def _regions(path: Path, cells: list[Cell]) -> Problems:
    for cell in cells:
        if "exercise" in cell.options:
            for number, what, mend in faults(cell.source):
                yield AuthoringError(path, cell.first + number, what, mend)
        elif has_marker(cell.source):
            number = next(n for n, line in enumerate(cell.source.split("\n")) if has_marker(line))
            what = "A solution region stands outside an answer cell, where it would not be taken out."
            yield AuthoringError(path, cell.first + number, what, 'Mark the cell `# %% exercise="ID" minutes=10`.')


def _answers(path: Path, cells: list[Cell]) -> Problems:
    """Refuses an answer cell that, once its solution is out, does not define what the exercise is called after."""
    for cell in cells:
        if "exercise" not in cell.options or list(faults(cell.source)) or list(_syntax(path, cell, cell.source, "")):
            continue
        stub = released(cell.source)
        if broken := list(_syntax(path, cell, stub, "Without its solution this cell is no Python")):
            mend = "Let the region hold whole statements, below the signature and its docstring."
            yield AuthoringError(path, cell.first, broken[0].what, mend)
            continue
        id, names = cell.options["exercise"], defined_names(ast.parse(stub))
        if not names:
            mend = f"Put the signature of `{id}` above `### BEGIN SOLUTION`."
            yield AuthoringError(path, cell.first, "Without its solution this answer cell defines nothing.", mend)
        elif id not in map(snake_case, names):
            listed = ", ".join(f"`{name}`" for name in names)
            what = f"Exercise `{id}` defines {listed}; none of these is `{id}` in snake_case."
            yield AuthoringError(path, cell.first, what, f"Call the exercise `{snake_case(names[-1])}`, or rename.")


def _repeated(path: Path, cells: list[Cell]) -> Problems:
    for key in ("exercise", "check"):
        seen = {}
        for cell in cells:
            if (id := cell.options.get(key)) in seen:
                what = f"`{key}` has the id `{id}` twice; the first is on line {seen[id]}."
                yield AuthoringError(path, cell.line, what, "Give each its own id.")
            elif id is not None:
                seen[id] = cell.line


def _ladder(path: Path, cells: list[Cell]) -> Problems:
    """Refuses an exercise that is not heading, hints 1, 2, 3, answer, check, in this order."""
    for place, cell in enumerate(cells):
        if (id := cell.options.get("exercise")) is None:
            continue
        hints = [n for n, other in enumerate(cells) if other.options.get("hint") == id]
        rungs = [cells[n].options.get("rung") for n in hints]
        heads = [n for n, other in enumerate(cells) if _heading_id(other) == id]
        checks = [n for n, other in enumerate(cells) if other.options.get("check") == id]
        if len(heads) != 1:
            what = f"Exercise `{id}` has {'no heading' if not heads else f'{len(heads)} headings'}."
            yield AuthoringError(path, cell.line, what, f"Begin one cell of prose with `# {HEADING_FORM}`.")
        if rungs != [1, 2, 3]:
            what = f"Exercise `{id}` needs hints with the rungs 1, 2, 3; it has {', '.join(map(str, rungs)) or 'none'}."
            mend = "Ask a question that points at the idea, then give the plan, then the recipe without code."
            yield AuthoringError(path, cells[hints[0]].line if hints else cell.line, what, mend)
        if not checks:
            mend = f'Add `# %% check="{id}" points=2` with the line `checks.run("{id}")`.'
            yield AuthoringError(path, cell.line, f"Exercise `{id}` has no check.", mend)
        ordered = [*heads[:1], *hints, place, *checks[:1]]
        if ordered != sorted(ordered):
            what = f"The cells of exercise `{id}` are out of order."
            yield AuthoringError(path, cell.line, what, "Put heading, hints, answer and check in this order.")


def _strays(path: Path, cells: list[Cell]) -> Problems:
    """Refuses checks, hints and headings of exercises that are not in this notebook, and headings misformed."""
    ids = [cell.options["exercise"] for cell in cells if "exercise" in cell.options]
    for cell in cells:
        heading = _heading_id(cell)
        for word, id in (*cell.options.items(), ("heading", heading)):
            if word in ("check", "hint", "heading") and id is not None and id not in ids:
                meant = _closest(str(id), list(map(str, ids)))
                mend = f"Did you mean `{meant}`?" if meant else f'Add its answer, `# %% exercise="{id}" minutes=10`.'
                yield AuthoringError(path, cell.line, f"This {word} belongs to no exercise: `{id}`.", mend)
        for number, line in enumerate(cell.source.split("\n") if cell.kind == "markdown" else ()):
            if re.match(r"#+ Exercise\b", line) and not (number == 0 and heading):
                mend = f"Write `# {HEADING_FORM}` with one to three stars, as the first line of its cell."
                yield AuthoringError(path, cell.first + number, "This heading of an exercise is not in our form.", mend)


def _heading_id(cell: Cell) -> str | None:
    match = HEADING.match(cell.source) if cell.kind == "markdown" else None
    return match["id"] if match else None


def _hint_leaks(path: Path, cells: list[Cell]) -> Problems:
    """Refuses a hint that quotes a whole line of a solution, unless the notebook shows that line anyway."""
    secrets = secret_lines(cells)
    for cell in cells:
        if "hint" in cell.options:
            text = squeezed(cell.source)
            for line in (line for line in secrets if line in text):
                what = f"This hint gives away a line of the solution: `{line}`."
                yield AuthoringError(path, cell.line, what, "Say the step in words.")


def _checks(path: Path, cells: list[Cell]) -> Problems:
    for cell in cells:
        id = cell.options.get("check")
        if id is not None and cell.source != f'checks.run("{id}")':
            what = "A check cell holds one line and nothing else."
            yield AuthoringError(path, cell.first, what, f'Write exactly `checks.run("{id}")`.')


RULES = (_title, _code, _regions, _answers, _repeated, _ladder, _strays, _hint_leaks, _checks)
