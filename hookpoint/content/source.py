"""Reads a source in percent format: its text becomes cells that know their lines.

The parser is ours, and strict, so that a mistake is named with file and line. Whatever it accepts, jupytext reads as
the same cells, so a source can be opened as a notebook in any editor. What the cells mean is left to `lesson`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from hookpoint.errors import AuthoringError

MARKERS = """The five markers, beside the plain `# %%` and `# %% [markdown]`:
    # %% [markdown] hint="ID" rung=1
    # %% exercise="ID" minutes=10
    # %% check="ID" points=2
    # %% [markdown] only="solutions"
    # %% only="solutions\""""

_MARKER = re.compile(r'# %%(?P<markdown> \[markdown\])?(?P<options>( [a-z_]+=("[^"]*"|-?\d+))*) *')
_OPTION = re.compile(r'([a-z_]+)=(?:"([^"]*)"|(-?\d+))')
# Everything that some editor takes for the beginning of a cell.
_LIKE_A_MARKER = re.compile(r"\s*#\s*(%%|<codecell>\s*$|In\[[0-9 ]*\]:?\s*$)")
# A comment, a triple quote, or a string that ends on its line (an unclosed one takes the rest of the line).
_TOKEN = re.compile(r"""#.*|\"{3}|'{3}|"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?""")
_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}(?!.*`)|~{3,})(?P<info>.*)")
# Comments that a notebook editor turns into commands when it opens the file: magics, shell lines, help.
_COMMAND = re.compile(
    r"\s*#[# ]*(%{1,3}[A-Za-z]|[?!]\s*[A-Za-z.~$\\/{}])"
    r"|\s*(# )*\S*\?\s*$"
    r"|#[# ]*(cat|cd|cp|mv|rm|rmdir|mkdir|copy|ddir|echo|ls|ldir|ren)(\s*$|\s[^=,])"
    r"|#[# ]*[A-Za-z_][\w$]*\s*=\s*[%!]"
    r"|#[# ]*# ?\+"
)


@dataclass(frozen=True)
class Cell:
    """One cell as its author wrote it.

    Args:
        options: What the marker says, such as `{"exercise": "causal_mask", "minutes": 10}`.
        source: The text without marker, without comment signs if it is prose, without blank lines around it.
        line: The marker's line in the file, counted from 1.
        first: The line of the first line of `source`.
    """

    kind: Literal["markdown", "code"]
    options: dict[str, str | int]
    source: str
    line: int
    first: int


def read_source(path: Path) -> list[Cell]:
    """The cells of a percent file.

    Raises:
        AuthoringError: the file is not in our form; it names every place.
    """
    cells, problems = parse(path, read_text(path))
    if problems:
        raise AuthoringError.gathered(problems)
    return cells


def read_text(path: Path) -> str:
    """The text of a source file, whatever its line ends and with or without a byte-order mark."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise AuthoringError(path, line, "This is not UTF-8 text.", "Save the file as UTF-8.") from None


def parse(path: Path, text: str) -> tuple[list[Cell], list[AuthoringError]]:
    """The cells, read as well as can be, and every problem of form that was met on the way."""
    lines = text.splitlines()
    quoted = _quoted(lines)
    starts = [n for n, line in enumerate(lines) if not quoted[n] and _LIKE_A_MARKER.match(line)]
    problems = list(_before_the_first(path, lines, starts))
    cells = []
    for start, end in pairwise([*starts, len(lines)]):
        cell, marker_problems = _marker(path, lines[start], start)
        body = _Body.trimmed(lines, start + 1, end)
        if cell.kind == "markdown":
            problems += [*marker_problems, *_prose_problems(path, body)]
            body = body.uncommented()
            problems += _fence_problems(path, body)
        else:
            problems += [*marker_problems, *_code_problems(path, body, quoted)]
        cells.append(Cell(cell.kind, cell.options, "\n".join(body.lines), start + 1, body.start + 1))
    return cells, problems


def _quoted(lines: list[str]) -> list[bool]:
    """For each line, whether it begins inside a triple-quoted string, where nothing is a marker."""
    quoted, quote = [], ""
    for line in lines:
        quoted.append(bool(quote))
        position = 0
        while position < len(line):
            if quote:
                # As editors do, without regard to a backslash in front.
                closing = line.find(quote, position)
                quote, position = (quote, len(line)) if closing < 0 else ("", closing + 3)
            elif token := _TOKEN.search(line, position):
                quote, position = (token[0] if token[0] in ('"""', "'''") else ""), token.end()
            else:
                break
    return quoted


def _before_the_first(path: Path, lines: list[str], starts: list[int]) -> Iterator[AuthoringError]:
    """Refuses text above the first marker; the header that jupytext adds on saving is passed over."""
    begin = 0
    if lines[:2] == ["# ---", "# jupyter:"] and "# ---" in lines[1:]:
        begin = lines.index("# ---", 1) + 1
    if not starts:
        yield AuthoringError(path, 1, "There is no cell in this file.", "Begin with `# %% [markdown]` and a title.")
        return
    stray = next((n for n in range(begin, starts[0]) if lines[n].strip()), None)
    if stray is not None:
        yield AuthoringError(path, stray + 1, "There is text before the first cell.", "Put a marker `# %%` above it.")


def _marker(path: Path, line: str, number: int) -> tuple[Cell, list[AuthoringError]]:
    """A cell without text yet. A marker that is not in our form is read as far as it can be."""
    match = _MARKER.fullmatch(line)
    kind = "markdown" if (match["markdown"] if match else "[" in line) else "code"
    options = {key: text if digits == "" else int(digits) for key, text, digits in _OPTION.findall(line)}
    cell = Cell(kind, options, "", number + 1, number + 2)
    if match:
        return cell, []
    what = f"This looks like a cell marker, but it is not one: `{line.strip()}`."
    return cell, [AuthoringError(path, number + 1, what, f"{_did_you_mean(line)}{MARKERS}")]


def _did_you_mean(line: str) -> str:
    if re.search(r"\bm\w*d\w*\b", line) and " [markdown]" not in line:
        return "Did you mean `# %% [markdown]`? "
    return "Did you mean `# %%`? " if re.fullmatch(r"\s*#\s*%%\s*", line) else ""


@dataclass(frozen=True)
class _Body:
    """The lines of one cell and the number (from 0) of the first of them in the file."""

    lines: list[str]
    start: int

    @classmethod
    def trimmed(cls, lines: list[str], start: int, end: int) -> "_Body":
        while start < end and not lines[start].strip():
            start += 1
        while start < end and not lines[end - 1].strip():
            end -= 1
        return cls(lines[start:end], start)

    def uncommented(self) -> "_Body":
        plain = [line.removeprefix("#").removeprefix(" ") for line in self.lines]
        inner = _Body.trimmed(plain, 0, len(plain))
        return _Body(inner.lines, self.start + inner.start)


def _prose_problems(path: Path, body: _Body) -> Iterator[AuthoringError]:
    for number, line in enumerate(body.lines, body.start + 1):
        if line != "#" and not line.startswith("# "):
            what = "A line of prose must begin with `# `, or be `#` alone."
            yield AuthoringError(path, number, what, "Put `# ` in front, or begin a code cell with `# %%`.")
        elif line.startswith(("# #", "# %")) and _COMMAND.match(line):
            yield _read_as_command(path, number, line)


def _fence_problems(path: Path, body: _Body) -> Iterator[AuthoringError]:
    """Refuses an open code fence: editors read the markers that follow as part of the text."""
    opened, fence = 0, ""
    for number, line in enumerate(body.lines, body.start + 1):
        match = _FENCE.match(line)
        if fence:
            if match and match["fence"].startswith(fence) and not match["info"].strip():
                fence = ""
        elif match:
            opened, fence = number, match["fence"]
    if fence:
        what = f"The fence `{fence}` is not closed in this cell."
        yield AuthoringError(path, opened, what, f"Put `# {fence}` under the last line of the fenced text.")


def _code_problems(path: Path, body: _Body, quoted: list[bool]) -> Iterator[AuthoringError]:
    for number, line in enumerate(body.lines, body.start + 1):
        if not quoted[number - 1] and line.lstrip().startswith("#") and _COMMAND.match(line):
            yield _read_as_command(path, number, line)


def _read_as_command(path: Path, number: int, line: str) -> AuthoringError:
    what = f"A notebook editor would take this line for a command and drop a comment sign: `{line.strip()}`."
    return AuthoringError(path, number, what, "Begin the line with another word.")
