"""Turning a notebook cell into plain Python: lines for IPython and the shell become comments.

A `%` or `!` inside a string, or in the middle of an expression, is Python and stays. The text may be anybody's: what
takes the parser or a pattern minutes is seen before.
"""

import ast
import re
import unicodedata
import warnings
from itertools import groupby

# What the parser warns of (`"\d"`) is not for those who read or grade.
FILE = "<a cell>"
warnings.filterwarnings("ignore", module=FILE)
# Cell magics whose body is Python; under any other (`%%bash`, `%%html`) the whole cell is not.
PYTHON_BODIES = frozenset({"capture", "prun", "time", "timeit"})
MARKS = re.compile(r"[%!?]")
MAGIC = re.compile(r"\s*(?:[%!?]|\w[\w.]*\?{1,2}\s*$|[\w.,][\w., ]*=\s*[!%])")
# The pieces that decide where a logical line starts.
CODE = re.compile(r"\"\"\"|'''|[\"'()\[\]{}]|#.*")
MOST_ACCENTS = 30  # on one letter
STRINGS = {quote: re.compile(rf"\\.|{quote}") for quote in ('"""', "'''", '"', "'")}


def plain_python(source: str) -> str:
    """The cell without magics, line for line, so that line numbers stay the learner's own.

    >>> plain_python("%matplotlib inline\\nx = 7 % 4")
    'pass  # %matplotlib inline\\nx = 7 % 4'
    """
    return source if not MARKS.search(source) or _parsed(source) is not None else _plain(source)


def parse(source: str) -> ast.Module | None:
    """The syntax tree of a cell, magics left out, or None if it is not Python."""
    tree = _parsed(source)
    return _parsed(_plain(source)) if tree is None and MARKS.search(source) else tree


def _plain(source: str) -> str:
    lines = source.split("\n")
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("%%") and first[2:].split(" ")[0].strip() not in PYTHON_BODIES:
        return "\n".join(f"# {line}" for line in lines)
    return "\n".join(_without_magics(lines))


def _parsed(source: str) -> ast.Module | None:
    if not source.isascii() and _accents(source) > MOST_ACCENTS:
        return None
    try:
        return ast.parse(source, FILE)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return None


def _accents(source: str) -> int:
    """The longest row of combining characters: the parser sorts them, in a time that grows with their square."""
    rows = groupby(source, key=lambda character: unicodedata.combining(character) > 0)
    return max((len(list(row)) for combining, row in rows if combining), default=0)


def _without_magics(lines: list[str]) -> list[str]:
    """Comment out magics at the start of logical lines; `pass` keeps a block that held nothing else valid."""
    plain: list[str] = []
    quote, depth, continued = "", 0, False
    for line in lines:
        if not (quote or depth or continued) and MAGIC.match(line):
            indent = line[: len(line) - len(line.lstrip())]
            plain.append(f"{indent}pass  # {line.lstrip()}")
            continue
        plain.append(line)
        quote, depth = _state_after(line, quote, depth)
        continued = line.endswith("\\")
    return plain


def _state_after(line: str, quote: str, depth: int) -> tuple[str, int]:
    """The string and the number of brackets that are open at the end of the line."""
    at = 0
    while match := (STRINGS[quote] if quote else CODE).search(line, at):
        piece, at = match.group(), match.end()
        if quote:
            quote = "" if piece == quote else quote
        elif piece in STRINGS:
            quote = piece
        elif piece in "([{":
            depth += 1
        elif piece in ")]}":
            depth = max(depth - 1, 0)
    return (quote if len(quote) == 3 else ""), depth
