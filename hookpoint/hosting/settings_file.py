"""Settings as TOML that explains itself, and back: dataclasses whose fields say what they take and what they mean."""

import dataclasses
import json
import textwrap
import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from hookpoint.errors import UsageError

from .settings_kinds import Read, in_one_line, nearest, shown

__all__ = ["many", "one", "parsed", "rendered", "setting"]

Place = tuple[str | int, ...]  # where a value stands: ("phases", 0, "name")
WIDTH = 110


def setting(read: Read, comment: str, default: Any = dataclasses.MISSING) -> Any:
    """A field for one key: what it takes, what it means, and what it is if it is left out."""
    return dataclasses.field(default=default, metadata={"read": read, "comment": comment})


def one(table: type, comment: str) -> Any:
    """A field for one table, each key of which has a default."""
    return dataclasses.field(default_factory=table, metadata={"table": table, "comment": comment})


def many(table: type, comment: str, default: tuple) -> Any:
    """A field for a table that may stand many times."""
    return dataclasses.field(default=default, metadata={"tables": table, "comment": comment})


def parsed(root: type, text: str, path: Path) -> Any:
    """What the text says, as a `root`.

    Raises:
        UsageError: all that is wrong, a line for each with the line of the file.
    """
    try:
        raw = tomllib.loads(text)
    except ValueError:
        raise UsageError(_unreadable(text, path)) from None
    reader = Reader(root)
    settings = reader.table(root, raw, ())
    if not reader.mistakes:
        return settings
    lines = _lines(text)
    said = sorted((_line(lines, at), f"{_key(at)}: {what}.") for at, what in reader.mistakes)
    count = [f"{len(said)} mistakes."] if len(said) > 1 else []
    raise UsageError("\n".join([f"{path.name}:{line}: {what}" for line, what in said] + count))


class Reader:
    """Walks over what TOML gave, and gathers `mistakes`: where, and what is wrong."""

    def __init__(self, root: type):
        self.homes = dict(_homes(root, ""))
        self.mistakes: list[tuple[Place, str]] = []

    def table(self, cls: type, raw: Any, at: Place) -> Any:
        """A `cls`, or None if a key of it could not be read."""
        if not isinstance(raw, dict):
            return self.wrong(at, f"{shown(raw)} is not a table. Write [{at[-1]}], and its keys below")
        values = {}
        fields = {field.name: field for field in dataclasses.fields(cls)}
        for key in raw.keys() - fields.keys():
            self.unknown(key, fields, at)
        for name, field in fields.items():
            value = self.value(field, raw[name], (*at, name)) if name in raw else self.default(field, (*at, name))
            if value is not None:
                values[name] = value
        for where, what in getattr(cls, "problems", lambda values: ())(values):
            self.wrong((*at, *where), what)
        return cls(**values) if len(values) == len(fields) else None

    def value(self, field: dataclasses.Field, raw: Any, at: Place) -> Any:
        about = field.metadata
        if "table" in about:
            return self.table(about["table"], raw, at)
        if "tables" in about:
            return self.tables(about["tables"], raw, at)
        try:
            return about["read"](raw)
        except ValueError as error:
            return self.wrong(at, str(error))

    def tables(self, cls: type, raw: Any, at: Place) -> tuple | None:
        if not isinstance(raw, list):
            return self.wrong(at, f"it can stand many times. Write [[{_dotted(at)}]] above each, with two brackets")
        read = [self.table(cls, each, (*at, number)) for number, each in enumerate(raw)]
        return None if None in read else tuple(read)

    def default(self, field: dataclasses.Field, at: Place) -> Any:
        if field.default is not dataclasses.MISSING:
            return field.default
        if field.default_factory is not dataclasses.MISSING:
            return field.default_factory()
        return self.wrong(
            at, f"it is missing. Write a line `{field.name} = ...`. {field.metadata['comment'].rstrip('.')}"
        )

    def unknown(self, key: str, fields: dict, at: Place) -> None:
        home = self.homes.get(key)
        if key in self.homes:
            self.wrong(
                (*at, key), f"it does not belong here. Write it {f'below {home}' if home else 'above all [tables]'}"
            )
        else:
            self.wrong((*at, key), f"there is no such key. Write `{nearest(key, fields)}`, the nearest, or take it out")

    def wrong(self, at: Place, what: str) -> None:
        self.mistakes.append((at, what))


def _homes(cls: type, header: str) -> Iterator[tuple[str, str]]:
    """Each key, and the header of the table that it stands in."""
    for field in dataclasses.fields(cls):
        below = field.metadata.get("table") or field.metadata.get("tables")
        if below:
            name = f"{header.strip('[]')}.{field.name}".lstrip(".")
            yield from _homes(below, f"[{name}]" if "table" in field.metadata else f"[[{name}]]")
        else:
            yield field.name, header


def _lines(text: str) -> dict[Place, int]:
    """The line of each key. TOML ends a statement with a line, so that its beginnings are TOML as well."""
    lines, found, began = text.split("\n"), {}, 1
    for count in range(1, len(lines) + 1):
        try:
            table = tomllib.loads("\n".join(lines[:count]))
        except ValueError:
            continue  # in the middle of a list, or of a text of many lines
        for at in _places(table, ()):
            found.setdefault(at, began)
        began = count + 1
    return found


def _places(value: Any, at: Place) -> Iterator[Place]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*at, key)
        yield from _places(child, (*at, key))


def _line(lines: dict[Place, int], at: Place) -> int:
    """The line of a key, or of the table that it is missing from."""
    while at and at not in lines:
        at = at[:-1]
    return lines.get(at, 1)


def _unreadable(text: str, path: Path) -> str:
    """What to say of a text that is not TOML: the first line that begins something wrong."""
    lines, good = text.split("\n"), 0
    for count in range(1, len(lines) + 1):
        try:
            tomllib.loads("\n".join(lines[:count]))
            good = count
        except ValueError:
            continue
    line = min(good + 1, len(lines))
    return (
        f"{path.name}:{line}: `{in_one_line(lines[line - 1].strip())}` cannot be read. Write one `key = value` in a"
        ' line, text in "quotes", each key once, and close what you open; then the rest can be checked.'
    )


def _dotted(at: Place) -> str:
    return ".".join(part for part in at if isinstance(part, str))


def _key(at: Place) -> str:
    """The key as it is called in messages; tables that stand many times are counted from 1."""
    text = ""
    for part in at:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{in_one_line(part)}" if text else in_one_line(part)
    return text


def rendered(settings: Any) -> str:
    """The TOML of the settings, each key under a comment that says what it means."""
    head = "The settings of this event. Lines that begin with # explain; change what stands right of a =."
    return f"{_comment(head)}\n" + "".join(_rendered(settings, "", True))


def _rendered(table: Any, path: str, explain: bool) -> Iterator[str]:
    tables = []
    for field in dataclasses.fields(table):
        if "read" not in field.metadata:
            tables.append(field)
            continue
        comment = f"\n{_comment(field.metadata['comment'])}" if explain else ""
        yield f"{comment}{field.name} = {_toml(getattr(table, field.name))}\n"
    for field in tables:
        name, below = f"{path}.{field.name}".lstrip("."), getattr(table, field.name)
        yield f"\n\n{_comment(field.metadata['comment'])}"
        if "table" in field.metadata:
            yield f"[{name}]\n"
            yield from _rendered(below, name, True)
            continue
        for number, each in enumerate(below):
            yield f"{chr(10) if number else ''}[[{name}]]\n"
            yield from _rendered(each, name, number == 0)


def _comment(text: str) -> str:
    return textwrap.indent(textwrap.fill(text, WIDTH), "# ") + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, tuple | list):
        items = [_toml(each) for each in value]
        flat = f"[{', '.join(items)}]"
        return flat if len(flat) <= WIDTH else "[\n" + "".join(f"    {item},\n" for item in items) + "]"
    text = f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value)
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
