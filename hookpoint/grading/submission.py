"""One file that was handed in: read with suspicion, and matched with the notebook of the course that it answers.

Outputs, check cells and metadata of the file decide nothing: which exercises there are, and what they are worth, the
course says.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from hookpoint.content.cells import DEFINES, Cell, cells_in, is_stub, notebook_name, parse
from hookpoint.content.course import Notebook, course
from hookpoint.content.files import notebook_in
from hookpoint.errors import HookpointError

__all__ = ["LARGEST_FILE", "Handed", "Refused", "Submission", "read", "read_bytes"]

LARGEST_FILE = 32 << 20  # pictures in outputs make notebooks large
MOST_VALUES = 1_000_000  # in the JSON: each costs a hundred bytes of memory or more
LARGEST_CODE = 100_000  # characters of all code cells; the longest notebook of the course has 20,000
MOST_CELLS = 1_000


class Refused(HookpointError):
    """The file is no submission that can be graded; the text says why, for the one who handed it in."""


@dataclass(frozen=True)
class Handed:
    """A file that was handed in, and the name to report it under."""

    path: Path
    name: str


@dataclass(frozen=True)
class Submission:
    """A submission: its name, the fingerprint of its bytes, the notebook that it answers, its code cells, oddities."""

    name: str
    sha256: str
    notebook: Notebook
    cells: tuple[Cell, ...]
    warnings: tuple[str, ...]


def read(path: Path, name: str | None = None) -> Submission:
    """The submission in a file (`.ipynb`, or `.py` with or without `# %%` lines).

    Raises:
        Refused: it is too large, no notebook, no text, or answers none of the course's exercises.
    """
    return read_bytes(load(path), path.name, name or str(path))


def read_bytes(data: bytes, file_name: str, name: str | None = None) -> Submission:
    """The submission in the bytes of a file of this name, as `read` has it. Nothing is opened.

    Raises:
        Refused: as for `read`.
    """
    if len(data) > LARGEST_FILE:
        raise Refused(f"It is larger than {LARGEST_FILE >> 20} MB. Clear the outputs and hand it in again.")
    named = PurePath(file_name)
    cells, notebook = matched(content_of(data, named.suffix), named.stem)
    return Submission(
        name or file_name, hashlib.sha256(data).hexdigest(), notebook, tuple(cells), oddities(cells, notebook)
    )


def load(path: Path) -> bytes:
    """The file's bytes, or more than it may have. Only a regular file is opened: a pipe or a device would never end."""
    try:
        if not path.is_file():
            raise Refused("It is not a file." if path.exists() else "There is no such file.")
        with path.open("rb") as file:
            return file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        raise Refused(f"It cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def content_of(data: bytes, suffix: str) -> dict | str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("It is not UTF-8 text.") from None
    if suffix == ".py":
        return text
    if sum(text.count(mark) for mark in "[{,") > MOST_VALUES:
        raise Refused("It holds too much data for a notebook. Clear the outputs and hand it in again.")
    try:
        return notebook_in(text)
    except Exception:  # whatever is wrong with the file, it is no notebook
        if '"worksheets"' in text:
            raise Refused("It is a notebook of the old format 3. Save it with Jupyter and hand it in again.") from None
        raise Refused("It is not a Jupyter notebook: no JSON with a list of cells.") from None


def matched(content: dict | str, stem: str) -> tuple[list[Cell], Notebook]:
    """The code cells, and the notebook that they answer: named by the file, else the one most of whose names it has."""
    try:
        code = code_of(content)
        bound(len(code), sum(map(len, code)))
        notebook = course().notebook(notebook_name(content, stem)) or most_likely(code, stem)
        # Whatever the file says that it is: its cells are matched with the exercises of this notebook.
        cells = cells_in(content, notebook.name, replace(course(), notebooks=(notebook,)))
        bound(len(cells))  # a script has been cut into cells only now
        return cells, notebook
    except Refused:
        raise
    except Exception:  # cells that are no cells: numbers for sources, lists for metadata
        raise Refused("Its cells are not those of a Jupyter notebook.") from None


def bound(cells: int, characters: int = 0) -> None:
    if cells > MOST_CELLS:
        raise Refused(f"It has {cells:,} code cells, and may have {MOST_CELLS:,}.")
    if characters > LARGEST_CODE:
        raise Refused(f"It has {characters:,} characters of code, and may have {LARGEST_CODE:,}.")


def code_of(content: dict | str) -> list[str]:
    """The texts of the code cells; a script is one."""
    if isinstance(content, str):
        return [content]
    return [cell["source"] for cell in content["cells"] if cell.get("cell_type") == "code"]


def most_likely(code: list[str], stem: str) -> Notebook:
    """The notebook whose name the file's name holds ("Copy of 03_attention"), else the one most of whose names it
    defines.
    """
    names = set(DEFINES.findall("\n".join(code)))
    votes = {one: sum(exercise.writes in names for exercise in one.exercises) for one in course().notebooks}
    best = next((one for one in votes if one.name in stem), max(votes, key=votes.__getitem__))
    if not votes[best] and best.name not in stem:
        raise Refused("It defines nothing that an exercise of the course asks for.")
    return best


def oddities(cells: list[Cell], notebook: Notebook) -> tuple[str, ...]:
    """What the one who handed it in may want to know."""
    said = []
    for exercise in notebook.exercises:
        answers = [cell for cell in cells if cell.exercise == exercise.id and cell.kind == "exercise"]
        written = [cell for cell in answers if not is_stub(cell.source, cell.writes)]
        if not answers:
            said.append(f"{exercise.id}: no cell defines {exercise.asked}.")
        elif len(written) > 1:
            places = ", ".join(str(cell.index + 1) for cell in written)
            said.append(f"{exercise.id}: answered in cells {places}; the last of them that runs counts.")
        if any(parse(cell.source) is None for cell in answers):
            said.append(f"{exercise.id}: a cell that answers it is not valid Python.")
    return tuple(said)
