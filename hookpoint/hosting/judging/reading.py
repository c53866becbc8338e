"""A write-up as a page shows it: safe HTML made from what strangers wrote.

Nothing of theirs reaches the page but text and carried. Raw HTML is shown as text, links lead nowhere, and a picture
is a PNG or JPEG that the file carries itself: nothing is ever fetched from outside.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from hookpoint.content.files import notebook_in
from hookpoint.errors import UsageError
from hookpoint.hosting.writeup_sections import Line, lines_of

from .blind import Authors, without_authors

__all__ = ["readable"]

MOST_PICTURES = 40
LARGEST_PICTURE = 2_000_000  # characters of base64
MOST_OF_PICTURES = 8_000_000
MOST_MARKDOWN = 100_000  # characters of one text that are set as Markdown; what is longer is shown as it was typed
MOST_OUTPUT = 4_000  # characters of what one cell printed
MOST_PRINTED = 100_000  # of what all of them did
MAGIC = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
WRITTEN_OUT = re.compile(r"!\[([^\[\]\n]*)\]\(data:(image/(?:png|jpeg));base64,([A-Za-z0-9+/=]+)\)")

SETTER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


@dataclass
class Carried:
    """What a write-up carries beside its text: pictures, by the name that the text calls them, and printed lines."""

    shown: dict[str, Markup] = field(default_factory=dict)
    length: int = 0
    printed: int = 0

    def add(self, name: str, kind: str, coded: Any) -> None:
        """Keeps a picture that is one, and for which there is room."""
        coded = "".join(coded.split()) if isinstance(coded, str) else ""
        room = len(self.shown) < MOST_PICTURES and self.length + len(coded) <= MOST_OF_PICTURES
        if room and len(coded) <= LARGEST_PICTURE and is_picture(kind, coded):
            self.length += len(coded)
            self.shown[name] = Markup(f'<img alt="" src="data:{kind};base64,{coded}">')  # checked: base64 alone

    def output(self, text: str) -> str:
        """What is shown of the text that a cell printed."""
        text = text[: min(MOST_OUTPUT, MOST_PRINTED - self.printed)]
        self.printed += len(text)
        return text


def readable(content: bytes, authors: Authors | None = None) -> Markup:
    """The write-up, Markdown or a notebook, as safe HTML; without what tells whose it is, if `authors` are given."""
    text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    carried, cells = Carried(), {}
    text = taken_out(text, carried)
    try:
        lines = lines_of(text)
        if any(line.cell for line in lines):
            cells = dict(enumerate(notebook_in(text)["cells"], start=1))
    except UsageError:
        return as_it_is(text[:MOST_MARKDOWN], authors)
    lines, blinded = without_authors(lines, authors) if authors else (lines, str)
    parts = []
    for cell, of_cell in groupby((line for line in lines if line.kind != "meta"), key=lambda line: line.cell):
        source = "\n".join(line.text for line in of_cell)
        if cell and cells[cell].get("cell_type") == "code":
            parts.append(code_cell(source, cells[cell], cell, carried, blinded))
        else:
            attach(cells.get(cell, {}), cell, carried)
            parts.append(set_as_markdown(source, cell, carried))
    return Markup("\n").join(parts)


def as_it_is(text: str, authors: Authors | None) -> Markup:
    """A text that is no write-up, as it was typed; blind all the same."""
    lines = [Line(number, line) for number, line in enumerate(text.split("\n"), start=1)]
    lines = without_authors(lines, authors)[0] if authors else lines
    return Markup("<pre>{}</pre>").format("\n".join(line.text for line in lines))


def taken_out(text: str, carried: Carried) -> str:
    """The text with each picture that is written out in it replaced by its name: lines are cut at a length."""

    def named(match: re.Match[str]) -> str:
        name = f"picture:{match.start()}"
        carried.add(name, match[2], match[3])
        return f"![{match[1]}]({name})"

    return WRITTEN_OUT.sub(named, text)


def attach(cell: Mapping[str, Any], number: int, carried: Carried) -> None:
    attachments = cell.get("attachments")
    for name, bundle in attachments.items() if isinstance(attachments, dict) else ():
        for kind in MAGIC:
            if isinstance(bundle, dict) and kind in bundle:
                carried.add(f"{number}/attachment:{name}", kind, bundle[kind])


def set_as_markdown(source: str, cell: int, carried: Carried) -> Markup:
    rest = source[MOST_MARKDOWN:]
    tokens = SETTER.parse(source[:MOST_MARKDOWN])
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"  # the page has a title of its own
        if token.children:
            token.children = plain_links(token.children, cell, carried)
    body = Markup(SETTER.renderer.render(tokens, SETTER.options, {}))  # made with html=False: theirs is escaped
    return body + Markup("<pre>{}</pre>").format(rest) if rest else body


def plain_links(tokens: list[Token], cell: int, carried: Carried) -> list[Token]:
    """The tokens of a line, with links as their text and the host they lead to, and pictures that we have."""
    kept, open_links = [], []
    for token in tokens:
        if token.type == "link_open":
            open_links.append(str(token.attrGet("href") or ""))
        elif token.type == "link_close":
            host = host_of(open_links.pop() if open_links else "")
            if host and not (kept and kept[-1].type == "text" and host in kept[-1].content):
                kept.append(Token("text", "", 0, content=f" ({host})"))
        elif token.type == "image":
            source = str(token.attrGet("src") or "")
            ours = carried.shown.get(source) or carried.shown.get(f"{cell}/{source}")
            said = f"[picture: {token.content or 'not in this file'}]"
            kept.append(Token("html_inline", "", 0, content=ours) if ours else Token("text", "", 0, content=said))
        else:
            kept.append(token)
    return kept


def host_of(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def code_cell(
    source: str, cell: Mapping[str, Any], number: int, carried: Carried, blinded: Callable[[str], str]
) -> Markup:
    """A code cell folded away, with what it printed and drew below it."""
    source, count = source.rstrip("\n"), source.strip().count("\n") + 1
    parts = [Markup("<details><summary>Code, {} line{}</summary><pre><code>{}</code></pre></details>").format(
        count, "s" * (count != 1), source)] if source.strip() else []  # fmt: skip
    outputs = cell.get("outputs")
    for at, output in enumerate(outputs if isinstance(outputs, list) else ()):
        output = output if isinstance(output, dict) else {}
        data = output.get("data") if isinstance(output.get("data"), dict) else {}
        kind = next((kind for kind in MAGIC if kind in data), None)
        name = f"{number}/output:{at}"
        if kind:
            carried.add(name, kind, joined(data[kind]))
        if name in carried.shown:
            parts.append(Markup("<p>{}</p>").format(carried.shown[name]))
        else:
            printed = blinded(carried.output(joined(output.get("text") or data.get("text/plain") or "")))
            parts += [Markup('<pre class="output">{}</pre>').format(printed)] if printed.strip() else []
    return Markup("\n").join(parts)


def joined(value: Any) -> str:
    """Notebooks keep text as one string or as a list of lines."""
    return "".join(part for part in value if isinstance(part, str)) if isinstance(value, list) else str(value)


def is_picture(kind: str, coded: str) -> bool:
    try:
        begin = base64.b64decode(coded[:64], validate=True)
        return re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", coded) is not None and begin.startswith(MAGIC[kind])
    except (binascii.Error, ValueError):
        return False
