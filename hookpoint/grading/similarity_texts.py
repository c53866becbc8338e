"""What is compared: the answers of submissions, texts that people may have pasted, and right answers written apart."""

import ast
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from hookpoint.content.cells import Cell, answer, cells_in, is_stub, load_cells, parse
from hookpoint.content.course import PACKAGE, Course, Exercise
from hookpoint.content.files import read_notebook
from hookpoint.errors import HookpointError

from .answers import read_answers
from .similarity_notes import aliases, of_note
from .similarity_report import visible
from .similarity_trees import Gram, fingerprints

__all__ = ["Reader", "Text", "display_names"]

LONGEST_ANSWER = 20_000  # characters: seven times the course's longest
LONGEST_CODE = 100_000  # characters of all code cells: a megabyte of code takes the parser seconds and 400 MB
LONGEST_NAME = 100  # of an import
LARGEST_FILE = 50_000_000  # bytes, with all pictures


@dataclass
class Text:
    """The answers of a submission, or a known text, by exercise.

    `grams` has those that can be compared; `troubles` says what cannot; `notes` are the imports and calls of note.
    """

    name: str
    sources: dict[str, str] = field(default_factory=dict)
    grams: dict[str, Counter[Gram]] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, exercise: str, source: str, grams: Counter[Gram], common: frozenset[Gram]) -> None:
        """Take this as what the text says on the exercise, less what everybody was given."""
        self.sources[exercise] = source
        self.grams[exercise] = Counter({gram: times for gram, times in grams.items() if gram not in common})


@dataclass(frozen=True)
class Helper:
    source: str
    tree: ast.stmt


class Reader:
    """Reads texts as answers to the exercises of one course."""

    def __init__(self, course: Course):
        self.course = course
        self.root = course.root.parent  # in a checkout, where solutions/ and tests/ are
        self.stubs = {e.id: frozenset(fingerprints(parse(e.stub) or ast.Module([], []))) for e in course.exercises}

    @cached_property
    def given(self) -> frozenset[str]:
        """Every code cell of the released notebooks."""
        return frozenset(cell.source.strip() for name in self.notebooks for cell in self.notebooks[name])

    @cached_property
    def notebooks(self) -> dict[str, list[Cell]]:
        """The released notebooks."""
        return {notebook.name: load_cells(notebook.path, self.course) for notebook in self.course.notebooks}

    @cached_property
    def imported(self) -> dict[str, dict[str, str]]:
        """What the names that each released notebook imports stand for."""
        trees = {name: [_nodes(cell) for cell in cells] for name, cells in self.notebooks.items()}
        return {name: aliases(itertools.chain(*nodes)) for name, nodes in trees.items()}

    @cached_property
    def given_notes(self) -> dict[str, frozenset[str]]:
        """What is of note in each released notebook itself."""
        return {
            name: frozenset().union(*(of_note(_nodes(cell), self.imported[name]) for cell in cells))
            for name, cells in self.notebooks.items()
        }

    def submission(self, path: Path, name: str) -> Text:
        """The answers in the file. What is wrong with it or with one of them is among the text's troubles."""
        text = Text(name)
        try:
            cells = _cells(path, self.course)
        except HookpointError as error:
            text.troubles.append(str(error).replace(str(path), name))
            return text
        except Exception as error:  # a participant's file: whatever it holds may cost only itself
            text.troubles.append(f"{name} cannot be read: {type(error).__name__}.")
            return text
        trees = {cell: parse(cell.source) for cell in cells if cell.source.strip() not in self.given}
        helpers = _helpers(trees)
        for exercise in dict.fromkeys(cell.exercise for cell in trees if cell.kind == "exercise"):
            candidates = [cell for cell in trees if cell.kind == "exercise" and cell.exercise == exercise]
            cell = answer(candidates, exercise) if len(candidates) > 1 else candidates[0]
            self._add_answer(text, cell, trees[cell], helpers)
        self._add_notes(text, trees)
        return text

    def _add_answer(self, text: Text, cell: Cell, tree: ast.Module | None, helpers: Mapping[str, Helper]) -> None:
        if tree is None:
            text.troubles.append(f"`{cell.exercise}` is not Python that can be read.")
        elif len(cell.source) > LONGEST_ANSWER:
            text.troubles.append(f"`{cell.exercise}` has {len(cell.source):,} characters: too long to compare.")
        elif "NotImplementedError" not in cell.source or not is_stub(cell.source, cell.writes):
            called = _called(tree, {name: helper for name, helper in helpers.items() if name != cell.writes})
            whole = ast.Module([*(helper.tree for helper in called), *tree.body], [])
            source = "\n\n".join([*(helper.source for helper in called), cell.source])
            text.add(cell.exercise, source, fingerprints(whole), self.stubs[cell.exercise])

    def _add_notes(self, text: Text, trees: Mapping[Cell, ast.Module | None]) -> None:
        nodes = {cell: list(ast.walk(tree)) for cell, tree in trees.items() if tree and cell.kind != "check"}
        exercises = dict.fromkeys(cell.exercise for cell in nodes if cell.kind == "exercise")
        notebooks = {self.course.exercise(exercise).notebook for exercise in exercises}
        names = {}
        for name in sorted(notebooks):
            names |= self.imported[name]
        names |= aliases(itertools.chain(*nodes.values()))
        given = frozenset().union(*(self.given_notes[name] for name in notebooks))
        for cell, its_nodes in nodes.items():
            where = f"`{cell.exercise}`" if cell.exercise else f"cell {cell.index + 1}"
            text.notes += [f"{where}: {name[:LONGEST_NAME]}" for name in sorted(of_note(its_nodes, names) - given)]

    def read(self, against: Mapping[str, str], exercises: Iterable[Exercise]) -> list[Text]:
        """Known texts; each may hold an answer to any exercise.

        Raises:
            HookpointError: one of them is not Python.
        """
        texts = []
        for name, source in against.items():
            tree = parse(source)
            if tree is None:
                raise HookpointError(f"The known text {name} is not Python, so nothing can be compared with it.")
            texts.append(Text(name))
            grams = fingerprints(tree)
            for exercise in exercises:
                texts[-1].add(exercise.id, source, grams, self.stubs[exercise.id])
        return texts

    def known(self, exercises: Sequence[Exercise]) -> list[Text]:
        """The course's solutions, if this is a checkout, and the modules of hookpoint.model."""
        ours = Text("our solution")
        for exercise in exercises:
            path = self.root / "solutions" / exercise.part / f"{exercise.notebook}.py"
            cell = answer(load_cells(path, self.course), exercise.id) if path.is_file() else None
            tree = parse(cell.source) if cell else None
            if cell and tree:
                ours.add(exercise.id, cell.source, fingerprints(tree), self.stubs[exercise.id])
        modules = sorted((PACKAGE / "model").glob("*.py"))
        sources = {f"hookpoint/model/{path.name}": path.read_text(encoding="utf-8") for path in modules}
        return [ours, *self.read(sources, exercises)]

    def written_apart(self, exercise: Exercise) -> list[Counter[Gram]]:
        """The right answers of the course's tests, if this is a checkout: each in a style of its own."""
        path = self.root / "tests" / exercise.part / "answers" / f"{exercise.id}.py"
        trees = [parse(each.source) for each in read_answers(path) if each.right]
        text = Text("")
        found = []
        for tree in filter(None, trees):
            text.add(exercise.id, "", fingerprints(tree), self.stubs[exercise.id])
            found.append(text.grams[exercise.id])
        return found


def _nodes(cell: Cell) -> list[ast.AST]:
    """All nodes of the cell's tree; none if it is not Python."""
    tree = parse(cell.source)
    return [] if tree is None else list(ast.walk(tree))


def _helpers(trees: Mapping[Cell, ast.Module | None]) -> dict[str, Helper]:
    """The functions and classes in cells of the learner's own, where an answer may have been moved to."""
    found = {}
    for cell, tree in trees.items():
        own = tree.body if tree and cell.kind == "own" and len(cell.source) <= LONGEST_ANSWER else []
        for node in own:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                lines = cell.source.split("\n")[node.lineno - 1 : node.end_lineno]
                found[node.name] = Helper("\n".join(lines), node)
    return found


def _called(tree: ast.AST, helpers: dict[str, Helper]) -> list[Helper]:
    """The helpers that a tree names, and those that they name."""
    found: dict[str, Helper] = {}
    waiting = [tree] if helpers else []
    while waiting:
        named = {node.id for node in ast.walk(waiting.pop()) if isinstance(node, ast.Name)}
        for name in sorted(named & helpers.keys() - found.keys()):
            found[name] = helpers[name]
            waiting.append(helpers[name].tree)
    return list(found.values())


def _cells(path: Path, released: Course) -> list[Cell]:
    """The code cells of a participant's file, unless it is so large that reading them would cost others their turn.

    Raises:
        HookpointError: it cannot be read, or has too much code.
    """
    if not path.is_file():  # a pipe would wait for ever
        raise HookpointError(f"{path} cannot be read: it is no file.")
    if (size := path.stat().st_size) > LARGEST_FILE:
        raise HookpointError(f"{path} has {size:,} bytes: too large to compare.")
    content = path.read_text(encoding="utf-8") if path.suffix == ".py" else read_notebook(path)
    code = len(content)
    if isinstance(content, dict):
        code = sum(len(cell["source"]) for cell in content["cells"] if cell.get("cell_type") == "code")
    if code > LONGEST_CODE:
        raise HookpointError(f"{path} has {code:,} characters of code: too much to compare.")
    return cells_in(content, path.stem, released)


def display_names(paths: Sequence[Path]) -> list[str]:
    """What to call each file: its name, with as many folders before it as tell it from the others."""
    for count in range(1, max((len(path.parts) for path in paths), default=1) + 1):
        names = [visible("/".join(path.parts[-count:])) for path in paths]
        if len(set(names)) == len(names):
            return names
    return [f"{visible(path.name)} ({number})" for number, path in enumerate(paths, start=1)]
