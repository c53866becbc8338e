"""Turning a notebook cell into plain Python: lines for IPython and the shell become comments.

A `%` or `!` inside a string, or in the middle of an expression, is Python and stays.
"""

import ast
import re

# Cell magics whose body is Python; under any other (`%%bash`, `%%html`) the whole cell is not.
PYTHON_BODIES = frozenset({"capture", "prun", "time", "timeit"})
MAGIC = re.compile(r"\s*(?:[%!?]|\w[\w.]*\?{1,2}\s*$|[\w., ]+=\s*[!%])")
# The pieces that decide where a logical line starts.
CODE = re.compile(r"\"\"\"|'''|[\"'()\[\]{}]|#.*")
STRINGS = {quote: re.compile(rf"\\.|{quote}") for quote in ('"""', "'''", '"', "'")}


def plain_python(source: str) -> str:
    """The cell without magics, line for line, so that line numbers stay the learner's own.

    >>> plain_python("%matplotlib inline\\nx = 7 % 4")
    'pass  # %matplotlib inline\\nx = 7 % 4'
    """
    if not any(mark in source for mark in "%!?") or _parses(source):
        return source
    lines = source.split("\n")
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("%%") and first[2:].split(" ")[0].strip() not in PYTHON_BODIES:
        return "\n".join(f"# {line}" for line in lines)
    return "\n".join(_without_magics(lines))


def _parses(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


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
