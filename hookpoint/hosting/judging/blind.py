"""A write-up without what tells a judge whose it is: the section about the team, its names, its addresses.

A team that wants to be known will be: no program finds every hint. What it finds are the honest traces of a write-up
that follows the template. A name that the text also uses as a plain word stays, because "the attention of a head" must
not become "the [name] of a head" where a team is called Attention.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import islice

from hookpoint.hosting import writeup_words as words
from hookpoint.hosting.writeup_sections import LABEL, Heading, Line, headings_of, plain

__all__ = ["Authors", "without_authors"]

NAME = "[name]"
SHORTEST_PART = 3  # letters of a first or last name that is looked for on its own
MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
ADDRESS = re.compile(r"(https?://[^\s/<>()\[\]\"'`|]{1,200})/[^\s<>()\[\]\"'`|]+")
SSH = re.compile(r"git@([\w.-]{1,100}):\S+")
HOME = re.compile(r"(/home/|/Users/|\\Users\\)[^\s/\\\"'`<>|]+")


@dataclass(frozen=True)
class Authors:
    """Whose write-up it is, and the `alias` that judges see instead of the team's name."""

    team: str
    members: tuple[str, ...]
    alias: str


def without_authors(lines: list[Line], authors: Authors) -> tuple[list[Line], Callable[[str], str]]:
    """The lines without the team's section and names; and what does the same to other text of the write-up."""
    headings = headings_of(lines, words.LABELS, words.KNOWN)
    hidden = {at for heading in headings for at in own_section(heading, headings, lines)}
    kept = [line for at, line in enumerate(lines) if at not in hidden and line.kind != "meta"]
    whole = "\n".join(line.text for line in kept)
    names = [(authors.team, authors.alias), *((name, NAME) for name in parts_of(authors.members))]
    rules = [(whole_word(name), shown) for name, shown in names if not is_plain_word(name, whole)]

    def blinded(text: str) -> str:
        text = SSH.sub(r"\1/…", ADDRESS.sub(r"\1/…", text))
        text = HOME.sub(lambda path: f"{path[1]}{NAME}", MAIL.sub("[address]", text))
        for pattern, shown in rules:
            text = pattern.sub(lambda _, shown=shown: shown, text)
        return text

    return [replace(line, text=blinded(line.text)) for line in kept], blinded


def own_section(heading: Heading, headings: list[Heading], lines: list[Line]) -> range:
    """The lines of a section about the team: up to the next heading of its level, or a label's own paragraph."""
    if not re.fullmatch(words.PARTS["team"].exact, plain(heading.text)):
        return range(0)
    after = [other.at for other in headings if other.at > heading.at and other.level <= heading.level]
    if heading.level == LABEL:
        after += islice((at for at in range(heading.at, len(lines)) if not lines[at].text.strip()), 1)
    return range(heading.at, min(after, default=len(lines)))


def parts_of(members: Iterable[str]) -> list[str]:
    """Full names, then first and last ones: the longer go first, so that no half of a name is left."""
    found = set()
    for name in members:
        found |= {name, *(part for part in re.split(r"[\s-]+", name) if len(part) >= SHORTEST_PART)}
    return sorted(found, key=lambda name: (-len(name), name))


def whole_word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")


def is_plain_word(name: str, text: str) -> bool:
    """Whether the text uses the name in small letters, which people do not do with a name."""
    return name.lower() != name and whole_word(name.lower()).search(text) is not None
