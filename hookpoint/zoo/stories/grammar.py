"""Sentences with labels: a template is text with named slots, and filling them says which words stand in which slot."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_SLOT = re.compile(r"\{(\w+)\}")


class Span(NamedTuple):
    """A labelled stretch of a text.

    Attributes:
        role: What it is there for: "IO", "S1", "subject", "answer" ...
        word: The text of it.
        start: Index of its first character.
        end: Index after its last character.
    """

    role: str
    word: str
    start: int
    end: int


class Passage(NamedTuple):
    """One unit of text of one family, mostly a sentence or two, with all that is known about it.

    Attributes:
        text: The text. It begins with a space, so that its first word is the token it is everywhere else.
        family: Which kind: "ioi", "agreement", "fact" ...
        template: Which template of the family, e.g. "ioi/together" or "fact/city/lives". It is a name, not an index,
            so that it stays valid when templates are added.
        split: "train", or how it differs from everything in training: "new_names", "new_templates", "held_out" (both).
        spans: The labelled words in the order of the text.
        facts: What else is true of it: {"number": "plural"}, {"order": "ABBA"} ...
    """

    text: str
    family: str
    template: str
    split: str
    spans: tuple[Span, ...]
    facts: Mapping[str, str]

    def span(self, role: str) -> Span:
        """The first span with that role.

        Raises:
            KeyError: The passage has none.
        """
        for span in self.spans:
            if span.role == role:
                return span
        raise KeyError(f"{self.template} has no {role!r}; it has {sorted({span.role for span in self.spans})}.")

    def before(self, role: str) -> str:
        """The text up to a role's word, without the space that belongs to that word: what predicts it."""
        return self.text[: self.span(role).start - 1]


class Template:
    """Text with slots, such as " When {IO} and {S1} went to the {place}, {S2} gave a {object} to {answer}."

    Each slot's name becomes a role. A slot may occur twice, and then holds the same word twice.

    Args:
        name: What `Passage.template` says.
        text: The text, beginning with a space.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text
        # Literals and slots take turns, so filling is one pass without searching.
        pieces = _SLOT.split(text)
        self._pairs = tuple(zip(pieces[::2], pieces[1::2], strict=False))
        self._tail = pieces[-1]
        self.roles = tuple(pieces[1::2])

    def renamed(self, roles: Mapping[str, str]) -> "Template":
        """The same template with other role names."""
        return Template(self.name, _SLOT.sub(lambda slot: "{" + roles.get(slot[1], slot[1]) + "}", self.text))

    def fill(
        self, words: Mapping[str, str], *, split: str = "train", facts: Mapping[str, str] | None = None
    ) -> Passage:
        """The passage with `words[role]` in each slot."""
        parts, spans, at = [], [], 0
        for literal, role in self._pairs:
            word = words[role]
            start = at + len(literal)
            at = start + len(word)
            parts += (literal, word)
            spans.append(Span(role, word, start, at))
        parts.append(self._tail)
        family = self.name.partition("/")[0]
        return Passage("".join(parts), family, self.name, split, tuple(spans), facts or {})


def templates(family: str, texts: Mapping[str, str]) -> tuple[Template, ...]:
    """One template for each name and text, the names prefixed by the family."""
    return tuple(Template(f"{family}/{name}", text) for name, text in texts.items())


def joined(passages: Sequence[Passage], template: str, facts: Mapping[str, str] | None = None) -> Passage:
    """Several passages as one, with the spans of all of them where they now stand."""
    spans, at = [], 0
    for passage in passages:
        spans += [Span(span.role, span.word, span.start + at, span.end + at) for span in passage.spans]
        at += len(passage.text)
    text = "".join(passage.text for passage in passages)
    return Passage(text, template.partition("/")[0], template, passages[0].split, tuple(spans), facts or {})


def opened(passage: Passage, opening: str) -> Passage:
    """The passage with an adverbial before it: " When Mary ..." becomes " Later when Mary ...", all labels moved along.

    Args:
        passage: What follows.
        opening: Such as " Later". A name keeps its capital letter after it, any other first word loses it.
    """
    text = passage.text
    if not any(span.start == 1 for span in passage.spans):
        text = text[0] + text[1].lower() + text[2:]
    shifted = tuple(
        Span(span.role, span.word, span.start + len(opening), span.end + len(opening)) for span in passage.spans
    )
    return passage._replace(text=opening + text, spans=shifted)
