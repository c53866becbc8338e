"""An answer to a challenge as it is handed in: read with suspicion, and nothing of it is run or unpickled here.

A function comes in a notebook or a script. Of a notebook, what counts is the cells marked as the answer, and cells that
only import and define something: pictures and measurements stay at home.
"""

import ast
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load

from hookpoint.content.cells import Cell
from hookpoint.content.files import hookpoint_of, notebook_in, source_of
from hookpoint.content.magics import parse, plain_python
from hookpoint.errors import HookpointError

from .definition import Challenge
from .registry import challenge

__all__ = ["LARGEST", "Answer", "BadFile", "named_in", "read_answer"]

LARGEST = 8 << 20  # bytes of a file; outputs may make a notebook large
LARGEST_CODE = 100_000  # characters
MOST_TENSORS = 1_000
DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
WRAPPED = "hookpoint_answer"  # the name that is called
WRAPPER = """from hookpoint.challenges.plain import plain as hookpoint_plain
def {0}(*args, **kwargs):
    return hookpoint_plain({1}(*args, **kwargs))
"""


class BadFile(HookpointError):
    """The file is no answer to the challenge; the text says why, for the one who handed it in."""


@dataclass(frozen=True)
class Answer:
    """An answer: `cells` define the function where one is asked for, else `value` is what the file holds."""

    challenge: str
    sha256: str
    cells: tuple[Cell, ...] = ()
    value: Any = None


def named_in(data: bytes, file_name: str) -> str:
    """The challenge that a notebook says it answers, or nothing."""
    if PurePath(file_name).suffix != ".ipynb":
        return ""
    try:
        return str(hookpoint_of(notebook_in(data.decode("utf-8-sig"))).get("challenge", ""))[:100]
    except Exception:  # whatever is wrong with it, it names no challenge
        return ""


def read_answer(data: bytes, file_name: str, id: str = "") -> Answer:
    """The answer in the bytes of a file: of the challenge `id`, or of that which a notebook names.

    Raises:
        BadFile: it is too large, of the wrong kind, unreadable, or defines no answer.
        UsageError: there is no such challenge.
    """
    if len(data) > LARGEST:
        raise BadFile(f"It is larger than {LARGEST >> 20} MB. Clear the outputs and hand it in again.")
    named = named_in(data, file_name)
    if not (id or named):
        raise BadFile(f"{file_name} does not say which challenge it answers. Say it: --challenge ID")
    if id and named and id != named:
        raise BadFile(f"It answers {named}, and you chose {id}.")
    one = challenge(id or named)
    suffix, digest = PurePath(file_name).suffix, hashlib.sha256(data).hexdigest()
    if one.form != "function":
        return Answer(one.id, digest, value=READERS[one.form](data, suffix))
    return Answer(one.id, digest, tuple(code_of(one, text_of(data), suffix)))


def text_of(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile("It is not UTF-8 text.") from None


def code_of(one: Challenge, text: str, suffix: str) -> list[Cell]:
    """The cells that count, and the one by which the function is called."""
    if suffix == ".py":
        sources = [plain_python(text)]
    elif suffix == ".ipynb":
        sources = counting(text, one.answer)
    else:
        raise BadFile(f"{one.id} asks for a notebook (.ipynb) or a script (.py) that defines {one.answer}.")
    if sum(map(len, sources)) > LARGEST_CODE:
        raise BadFile(f"It has more than {LARGEST_CODE:,} characters of code.")
    trees = [parse(source) for source in sources]
    defining = [tree is not None and defines(tree, one.answer) for tree in trees]
    if not any(defining):
        broken = " A cell is not valid Python." if None in trees else ""
        raise BadFile(f"It does not define {one.answer}.{broken}")
    cells = [
        Cell(one.id, "exercise", one.id, source, at, one.answer) if here else Cell(f"own-{at}", "own", None, source, at)
        for at, (source, here) in enumerate(zip(sources, defining, strict=True))
    ]
    return [*cells, Cell(WRAPPED, "own", None, WRAPPER.format(WRAPPED, one.answer), len(cells))]


def counting(text: str, name: str) -> list[str]:
    """The sources of a notebook's cells that belong to the answer."""
    try:
        cells = [cell for cell in notebook_in(text)["cells"] if cell.get("cell_type") == "code"]
        found = [plain_python(source_of(cell)) for cell in cells if belongs(cell, name)]
    except Exception:  # whatever is wrong with it
        raise BadFile("It is not a Jupyter notebook: no JSON with a list of cells.") from None
    return found


def belongs(cell: Mapping[str, Any], name: str) -> bool:
    if hookpoint_of(cell).get("kind") == "answer":
        return True
    tree = parse(source_of(cell))
    return tree is not None and (defines(tree, name) or all(only_defines(part) for part in tree.body))


def defines(tree: ast.Module, name: str) -> bool:
    """Whether a name is defined at the top level, by `def`, `class`, an assignment or an import."""
    for part in tree.body:
        if getattr(part, "name", None) == name:
            return True
        targets = part.targets if isinstance(part, ast.Assign) else [getattr(part, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return True
        if isinstance(part, ast.Import | ast.ImportFrom) and any(name == (a.asname or a.name) for a in part.names):
            return True
    return False


def only_defines(part: ast.stmt) -> bool:
    """Whether a statement imports, defines, or gives a name to a constant."""
    if isinstance(part, DEFINITIONS):
        return True
    if isinstance(part, ast.Expr):
        return isinstance(part.value, ast.Constant)
    if isinstance(part, ast.Assign | ast.AnnAssign) and part.value is not None:
        try:
            ast.literal_eval(part.value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return False
        return True
    return False


def json_of(data: bytes, suffix: str) -> Any:
    """The value in a JSON file. A key that stands there twice and numbers that are none are refused."""
    if suffix != ".json":
        raise BadFile("It asks for a .json file.")
    try:
        return json.loads(text_of(data), object_pairs_hook=once, parse_constant=no_number)
    except RecursionError:
        raise BadFile("It is nested too deeply.") from None
    except ValueError as error:
        raise BadFile(f"It is not JSON: {error}.") from None


def once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadFile("A key stands twice in one object.")
    return found


def no_number(name: str) -> None:
    raise BadFile(f"{name} is no number.")


def tensors_of(data: bytes, suffix: str) -> dict[str, Any]:
    """The tensors in a safetensors file."""
    if suffix != ".safetensors":
        raise BadFile("It asks for a .safetensors file; pickles (.pt, .pth) are never opened.")
    try:
        found = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise BadFile(f"It is no safetensors file: {error}.") from None
    if len(found) > MOST_TENSORS:
        raise BadFile(f"It holds more than {MOST_TENSORS:,} tensors.")
    return found


READERS = {"json": json_of, "safetensors": tensors_of}
