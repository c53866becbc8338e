"""The template of a write-up, and what a write-up lacks: named by line, never scored.

A team that is told of something missing that is there stops reading what it is told. So each rule asks for the least
sign that the thing is there, and what a rule cannot see it takes to be right. Judges read the rest.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from . import writeup_words as words
from .writeup_sections import Heading, Line, headings_of, lines_of, plain

__all__ = ["Finding", "template", "validate"]

LONGEST_CLAIM = 20_000  # characters of it that are looked at
TEMPLATE = Path(__file__).with_name("writeup_template.md")


@dataclass(frozen=True)
class Finding:
    """Something that is missing. `cell` counts a notebook's cells from 1 and is 0 for Markdown; `line` is in it."""

    cell: int
    line: int
    what: str

    def __str__(self) -> str:
        return f"{f'cell {self.cell}, ' if self.cell else ''}line {self.line}: {self.what}"


@cache
def template() -> str:
    """The page that a team fills in: Markdown that says all that a write-up needs."""
    return TEMPLATE.read_text(encoding="utf-8")


def validate(text: str) -> list[Finding]:
    """What a write-up lacks, in the order of its lines; nothing if it lacks nothing that can be seen.

    Args:
        text: Markdown, or a notebook's JSON, of which the text cells are read; a code cell is a code block.

    Raises:
        UsageError: the text is too long, or the JSON of no notebook.
    """
    lines = lines_of(text)
    headings = headings_of(lines, words.LABELS, words.KNOWN)
    sections = sections_of(lines, headings)
    found = [*left_over(lines), *untitled(lines, headings)]
    for id, part in words.PARTS.items():
        section = sections[id]
        if not section:
            what = f'There is no heading "{part.heading}". Add it, with its section.'
            found.append(Finding(lines[-1].cell, lines[-1].number, what))
        elif not any(words.PLACEHOLDER.search(line.text) for line in section):
            found += lacking(id, part, section, sections)
    return sorted(found, key=lambda finding: (finding.cell, finding.line))


def sections_of(lines: list[Line], headings: list[Heading]) -> dict[str, list[Line]]:
    """For each part the lines under its headings, with these; a part that has no heading has no lines.

    They go up to the next heading of a part that is not of a lower level: other headings are the team's own.
    """
    own = {id: assigned(part, headings) for id, part in words.PARTS.items()}
    known = sorted({heading.at: heading for each in own.values() for heading in each}.values(), key=lambda h: h.at)
    at_heading = {heading.at: heading for heading in headings}
    sections = {}
    for id, each in own.items():
        spans = [(h.at, min((k.at for k in known if k.at > h.at and k.level <= h.level), default=None)) for h in each]
        sections[id] = [part for first, end in spans for line in range(first, len(lines) if end is None else end)
                        for part in pieces(lines[line], at_heading.get(line))]  # fmt: skip
    return sections


def assigned(part: words.Part, headings: list[Heading]) -> list[Heading]:
    """The headings of a part: the exact ones if there are any, of the highest level among them."""
    title = title_of(headings)
    own = [h for h in headings if re.fullmatch(part.exact, plain(h.text))]
    own = own or [h for h in headings if h is not title and re.search(part.words, plain(h.text))]
    return [h for h in own if h.level == min(each.level for each in own)]


def title_of(headings: list[Heading]) -> Heading | None:
    """The heading that is the title: the first one, unless it is that of a section."""
    first = headings[0] if headings else None
    return None if first is None or words.LABELS.fullmatch(plain(first.text)) else first


def pieces(line: Line, heading: Heading | None) -> list[Line]:
    """The line; if it is a heading, then that, and what stands behind a label."""
    if heading is None:
        return [line]
    return [replace(line, text=heading.text, kind="heading"), replace(line, text=heading.rest, kind="text")]


def left_over(lines: list[Line]) -> Iterator[Finding]:
    for line in lines:
        if words.PLACEHOLDER.search(line.text):
            yield at(line, "This is the template's text. Write your own over it, brackets included.")


def untitled(lines: list[Line], headings: list[Heading]) -> Iterator[Finding]:
    before = lines[: headings[0].at if headings else len(lines)]
    named = any(words.TITLE.fullmatch(plain(heading.text)) for heading in headings)
    if not (named or title_of(headings) or any(says_something(line) for line in before)):
        yield at(lines[0], "There is no title. Begin with a line `# The title of your project`.")


def lacking(id: str, part: words.Part, section: list[Line], sections: dict[str, list[Line]]) -> Iterator[Finding]:
    """What one section lacks: if it is empty, that alone."""
    content = [line for line in section if says_something(line)]
    if not content:
        yield at(section[0], f'The section "{part.heading}" is empty. Write it, if only one sentence.')
    elif all(words.UNDONE.fullmatch(line.text) for line in content):
        yield at(content[0], f'The section "{part.heading}" is still to be written.')
    elif id == "claim" and re.fullmatch(part.exact, plain(section[0].text)):
        yield from more_than_a_sentence(section)
    elif id == "prediction" and not words.CAN_FAIL.search(words.NO_MEASURE.sub(" ", shown(content))):
        what = "The prediction could not come out otherwise. Say a number, a comparison or a direction."
        yield at(content[0], what)
    elif id == "evidence":
        yield from unfounded(section, sections.values(), sections["method"])
    elif id == "commands" and not has_code(content):
        yield at(content[0], "The commands are in no code block. Put them between two lines of three backticks.")


def more_than_a_sentence(section: list[Line]) -> Iterator[Finding]:
    headings = [place for place, line in enumerate(section) if line.kind == "heading"]
    lines = section[1 : headings[1] if len(headings) > 1 else None]
    text = "\n".join(line.text.lstrip(" \t>") if line.kind == "text" else "" for line in lines)[:LONGEST_CLAIM]
    text = words.ASIDE.sub(lambda aside: re.sub(r"\S", "x", aside[0]), text)
    for end in words.END.finditer(text):
        if ends_sentence(end):
            what = "The claim has more than one sentence. Keep the one that could be false; the rest goes below."
            yield at(lines[text.count("\n", 0, end.end() - 1)], what)
            return


def ends_sentence(end: re.Match[str]) -> bool:
    """Whether what looks like the end of a sentence is neither an abbreviation, an initial nor an ordinal number."""
    if end[4]:
        return True
    word = end[1].lower().strip("\"'“‘„«()*_[]")
    short = word in words.SHORT or len(word) < 2 or word.isdigit() or re.fullmatch(r"(?:\w\.)+\w", word)
    return end[3].isupper() and (end[2][0] in "!?" or end[2] == "." and not short)


def unfounded(section: list[Line], everything: Iterable[list[Line]], method: list[Line]) -> Iterator[Finding]:
    """Evidence without a control, pictures without n, and results without any n in the whole write-up."""
    rows = [line for line in section if line.kind == "text" and re.search(r"\|.*\d|\d.*\|", line.text)]
    if len(rows) < 2 and not words.CONTROL.search(shown(section)):  # two rows of numbers are compared
        yield at(section[0], "The evidence has no control. Show the same measurement where the effect must not appear.")
    described = counted(method)
    for piece in between_headings(section):
        pictures = [line for line in piece if line.kind == "text" and words.PICTURE.search(line.text)]
        if pictures and not described and not counted(piece):
            for line in pictures:
                if not words.DRAWN.search(line.text):
                    yield at(line, "This figure is without n. Say of how many prompts, seeds or models it is made.")
    results = [line for line in section if line.kind == "text" and words.RESULT.search(line.text)]
    if results and not any(counted(each) for each in everything):
        yield at(results[0], "The results are without n. Say of how many prompts, seeds or models they are made.")


def between_headings(section: list[Line]) -> list[list[Line]]:
    found: list[list[Line]] = []
    for line in section:
        if line.kind == "heading":
            found.append([])
        found[-1].append(line)
    return found


def counted(lines: list[Line]) -> bool:
    """Whether an n is said, in words or as the column of a table that has numbers."""
    rows = [line.text for line in lines if line.kind == "text" and "|" in line.text]
    column = any(words.COUNT_COLUMN.match(cell) for row in rows for cell in row.split("|"))
    filled = any(re.search(r"\d", row) for row in rows)
    return bool(column and filled or words.COUNTED.search(words.NUMBERED.sub(" ", shown(lines))))


def has_code(content: list[Line]) -> bool:
    return any(line.kind == "code" for line in content) or bool(words.CODE.search(shown(content)))


@cache
def scaffold() -> frozenset[str]:
    """The template's own lines, such as the head of its table."""
    return frozenset(squeezed(line.text) for line in lines_of(template()) if line.kind == "text")


def squeezed(text: str) -> str:
    return " ".join(re.split(r"[\s|]+", text))


def says_something(line: Line) -> bool:
    if line.kind in ("heading", "fence") or line.kind == "text" and squeezed(line.text) in scaffold():
        return False
    if line.kind == "code":
        return bool(line.text.strip())
    return bool(words.PICTURE.search(line.text) or re.search(r"[^\W_]", words.TAG.sub("", line.text)))


def shown(lines: list[Line]) -> str:
    return "\n".join(line.text for line in lines)


def at(line: Line, what: str) -> Finding:
    return Finding(line.cell, line.number, what)
