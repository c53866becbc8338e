"""Which lines of a solution are secret, and where one of them has got out.

A line is secret when it tells something: at least 12 signs, no import, no bare call of `super().__init__()`, no
argument kept as it is (`self.cfg = cfg`), no head of a counting loop, and not also shown, as a line of code, to the
learners of the same notebook.
"""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

from hookpoint.content.regions import released, solution_lines
from hookpoint.content.source import Cell

_FEWEST_SIGNS = 12
# Lines that stand in any module whatever it computes, and those of any loop or generator.
_COMMONPLACE = re.compile(
    r"(import|from) |super\(\)\.__init__\(\)$|@|return \w+$|self\.(\w+) = \2$|for _ in range\(\w+\):$"
    r"|\w+\.(step|zero_grad|backward)\(\)$|\w+ = torch\.Generator\(\)\.manual_seed\(\w+\)$"
)


def secret_lines(cells: Iterable[Cell]) -> dict[str, int]:
    """The squeezed solution lines of a notebook that learners must not be shown, each with its line in the source."""
    cells = list(cells)
    shown = {squeezed(line) for cell in cells for line in _shown(cell)}
    secrets = {}
    for cell in cells:
        for number, line in solution_lines(cell.source) if "exercise" in cell.options else ():
            if _tells(line := squeezed(line)) and line not in shown:
                secrets.setdefault(line, cell.first + number)
    return secrets


def squeezed(text: str) -> str:
    """The text with every run of white space as one blank.

    >>> squeezed("x = (a +\\n     b)")
    'x = (a + b)'
    """
    return " ".join(text.split())


def readable(file: str, text: str) -> str:
    """What a person can read in a file, squeezed: the cells and outputs of a notebook, the text of anything else."""
    if file.endswith(".ipynb"):
        with suppress(ValueError):
            return squeezed("\n".join(_strings(json.loads(text))))
    return squeezed(text)


def _strings(value: object) -> Iterator[str]:
    """Every string in a piece of JSON; a list of lines as the one text that it is."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and all(isinstance(item, str) for item in value):
        yield "".join(value)
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def _shown(cell: Cell) -> list[str]:
    if cell.kind != "code" or "only" in cell.options:
        return []
    return (released(cell.source) if "exercise" in cell.options else cell.source).split("\n")


def _tells(line: str) -> bool:
    return len(line.replace(" ", "")) >= _FEWEST_SIGNS and not _COMMONPLACE.match(line)
