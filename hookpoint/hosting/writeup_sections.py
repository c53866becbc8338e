"""A write-up as lines and sections: as much of Markdown as is needed to know what stands under which heading.

Every line is looked at a fixed number of times, and no more than its beginning, so that hostile text takes no longer
than other text of its length.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from hookpoint.content.files import notebook_in
from hookpoint.errors import UsageError

__all__ = ["Heading", "Line", "headings_of", "lines_of", "plain"]

LONGEST_FILE = 32_000_000  # characters, with a notebook's outputs, and with pictures
LONGEST_TEXT = 300_000  # characters that are looked at; a long write-up has 30,000
LONGEST_LINE = 4_000  # characters that are looked at: a picture may be written out in one
MOST_LINES = 20_000
MOST_HEADINGS = 500  # that are taken for headings
MOST_VALUES = 1_000_000  # in a notebook's JSON: each costs a hundred bytes of memory or more
LONGEST_HEADING = 200  # characters that are looked at
LONGEST_UNDERLINED = 60
LABEL = 7  # the level of a label: below all headings

FENCE = re.compile(r"[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+)?(`{3,}|~{3,})(.*)")
ATX = re.compile(r"\s{0,3}(#{1,6})(?:\s+(.*))?$")
UNDERLINE = re.compile(r"\s{0,3}(?:=+|-{2,})\s*$")
INDENTED = re.compile(r"(?: {4}| {0,3}\t)\s*\S")
BLOCK = re.compile(r"\s*[-*+>|]")  # what begins like this is no text of an underlined heading
TAGGED = re.compile(r"\s{0,3}<h([1-6])\b[^<>]*>(.*)", re.IGNORECASE)
BOLD = re.compile(r"\s{0,3}(?:[-*+]\s+)?(?:\*\*|__)([^*_]{1,80})(?:\*\*|__)\s*:?(.*)")
FIELD = re.compile(r"\s{0,3}([A-Za-z][\w -]{0,40}):(.*)")


@dataclass(frozen=True)
class Line:
    """A line as a reader sees it: without comments. `kind` is text, code, fence, or meta for the fields of a header.

    `number` counts from 1, in the text or in its cell; `cell` counts a notebook's cells from 1 and is 0 for Markdown.
    """

    number: int
    text: str
    kind: str = "text"
    cell: int = 0


@dataclass(frozen=True)
class Heading:
    """A heading, or a label at the beginning of a line: `level` is 1 to 6, or LABEL. `at` is its place among the lines.

    `rest` is the text after a label, on the same line.
    """

    at: int
    level: int
    text: str
    rest: str = ""


def lines_of(text: str) -> list[Line]:
    """The lines of a write-up: Markdown, or a notebook's JSON.

    Raises:
        UsageError: it is too long, or the JSON of no notebook.
    """
    bounded(len(text), LONGEST_FILE, "characters")
    text = text.removeprefix("\ufeff")
    if text[:100].lstrip().startswith("{") and '"cells"' in text:
        lines = [line for at, cell in enumerate(cells_of(text), start=1) for line in lines_of_cell(cell, at)]
    else:
        lines = list(lines_of_markdown(split(text)))
    bounded(sum(len(line.text) for line in lines), LONGEST_TEXT, "characters")
    return lines or [Line(1, "")]


def cells_of(text: str) -> list[tuple[str, str]]:
    """Kind and source of a notebook's cells."""
    bounded(sum(text.count(mark) for mark in "[{,"), MOST_VALUES, "values")
    try:
        cells = [(str(cell["cell_type"]), cell["source"]) for cell in notebook_in(text)["cells"]]
    except json.JSONDecodeError as error:
        raise UsageError(f"It is no notebook: line {error.lineno}: {error.msg}. Save it again in Jupyter.") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UsageError("It is no notebook: it has no list of cells. Save it again in Jupyter.") from None
    bounded(sum(source.count("\n") + 1 for _, source in cells), MOST_LINES, "lines")
    return cells


def bounded(length: int, most: int, what: str) -> None:
    if length > most:
        raise UsageError(f"The write-up has {length:,} {what}, more than {most:,}. Leave data and outputs out of it.")


def lines_of_cell(cell: tuple[str, str], at: int) -> Iterator[Line]:
    kind, source = cell
    if kind == "markdown":
        yield from lines_of_markdown(split(source), at)
    elif kind == "code":
        yield from (Line(number, text, "code", at) for number, text in enumerate(split(source), start=1))
    yield Line(len(split(source)), "", "text", at)  # cells do not run into each other


def split(text: str) -> list[str]:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    bounded(text.count("\n") + 1, MOST_LINES, "lines")
    return [line[:LONGEST_LINE] for line in text.split("\n")]


def lines_of_markdown(texts: list[str], cell: int = 0) -> Iterator[Line]:
    """The lines with what they are; comments become empty lines, so that the numbers stay right."""
    start = header_end(texts)
    fence, comment, before = "", False, "\n"
    for number, text in enumerate(texts, start=1):
        if number <= start:
            yield Line(number, "" if number in (1, start) else text, "meta", cell)
            continue
        mark = None if comment else FENCE.match(text)
        if fence:
            closes = mark and mark[1].startswith(fence) and not mark[2].strip()
            fence = "" if closes else fence
            yield Line(number, text, "fence" if closes else "code", cell)
        elif mark and not (mark[1][0] == "`" and "`" in mark[2]):
            fence = mark[1]
            yield Line(number, text, "fence", cell)
        else:
            shown, comment = without_comments(text, comment)
            indented = INDENTED.match(shown) and (not before.strip() or INDENTED.match(before))
            yield Line(number, shown, "code" if indented else "text", cell)
            before = shown


def header_end(texts: list[str]) -> int:
    """How many lines the fields between `---` and `---` at the beginning take; 0 if there are none."""
    if texts[0].rstrip() != "---":
        return 0
    for number, text in enumerate(texts[1:50], start=2):
        if text.rstrip() in ("---", "..."):
            return number
        if text.strip() and not re.match(r"\s|-\s|#|[\w-]+\s*:", text):
            return 0
    return 0


def without_comments(text: str, inside: bool) -> tuple[str, bool]:
    """The text outside `<!-- -->`, and whether a comment is still open at its end."""
    shown, at = [], 0
    while at < len(text):
        mark = "-->" if inside else "<!--"
        found = text.find(mark, at)
        if not inside:
            shown.append(text[at:] if found < 0 else text[at:found])
        if found < 0:
            break
        at, inside = found + len(mark), not inside
    return "".join(shown), inside


def headings_of(lines: list[Line], label: re.Pattern[str], known: re.Pattern[str]) -> list[Heading]:
    """All headings, in order, and among them the labels (`**Claim:** ...`, `Claim: ...`) whose text is a `label`.

    A line above `---`, or one with a number above `===`, is one only if something `known` is in it: many people divide
    their text with such lines, and a list may stand above one.
    """
    found = []
    for at, line in enumerate(lines):
        if line.kind not in ("text", "meta"):
            continue
        if line.kind == "text" and (atx := ATX.match(line.text)):
            found.append(Heading(at, len(atx[1]), (atx[2] or "").rstrip().rstrip("#")))
        elif line.kind == "text" and (tag := TAGGED.match(line.text)):
            found.append(Heading(at, int(tag[1]), tag[2]))
        elif line.kind == "text" and (level := underlined(lines, at, known)):
            found.append(Heading(at, level, line.text))
        elif (match := BOLD.match(line.text) or FIELD.match(line.text)) and label.fullmatch(plain(match[1])):
            found.append(Heading(at, LABEL, match[1], match[2]))
        if len(found) == MOST_HEADINGS:
            break
    return found


def underlined(lines: list[Line], at: int, known: re.Pattern[str]) -> int:
    """The level of a heading that has a line of `=` or `-` below it; 0 if it is none."""
    text = lines[at].text.strip()
    if at + 1 == len(lines) or not text or BLOCK.match(text):
        return 0
    below = lines[at + 1]
    if below.kind != "text" or below.cell != lines[at].cell or not UNDERLINE.match(below.text):
        return 0
    if "=" in below.text and not text[0].isdigit():
        return 1
    ours = len(text) <= LONGEST_UNDERLINED and not text.endswith(".") and known.search(plain(text))
    return (1 if "=" in below.text else 2) if ours else 0


def plain(heading: str) -> str:
    """A heading in small letters, without number, marks and punctuation around it."""
    words = re.sub(r"[*_`#\[\]\\]|\([^()]*\)|\{[^{}]*\}|<[^<>]*>|’", " ", heading[:LONGEST_HEADING]).lower()
    words = re.sub(r"^[\W\d_]+|[\W_]+$", "", words)
    return " ".join(re.sub(r"^(?:[ivx]{1,4}|[a-k])[.)]\s+", "", words).split())
