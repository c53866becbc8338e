"""What a key of event.toml may hold: functions from what TOML gives to what the settings keep.

Each raises ValueError with what is wrong and what would be right, for a person, without a full stop.
"""

import difflib
import ipaddress
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from hookpoint.challenges import registry
from hookpoint.content.course import course

from .schedule_templates import Span

Read = Callable[[Any], Any]
MOMENT = re.compile(r"2[01][0-9]{2}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}")
ONE_LINE = {"Cc", "Cs", "Zl", "Zp"}  # categories of Unicode that a line of text does not have


def nearest(word: str, known: Iterable[str]) -> str:
    """The one of `known`, which is not empty, that is most like the word, by its whole name or the part after a /."""
    names = {part.lower(): name for name in sorted(known) for part in (name.rpartition("/")[2], name)}
    return names[difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.0)[0]]


def shown(value: Any) -> str:
    """What somebody wrote, as they wrote it, shortened."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(value, str):
        return f'"{in_one_line(value)}"'
    return in_one_line(str(value).lower() if isinstance(value, bool) else str(value))


def in_one_line(text: str) -> str:
    """The text, shortened, with a backslash for what would break the line."""
    text = "".join(f"\\u{ord(c):04x}" if unicodedata.category(c) in ONE_LINE else c for c in text)
    return text if len(text) <= 60 else f"{text[:57]}..."


def repeated(names: Sequence[str], *path: str) -> Iterator[tuple[tuple, str]]:
    """The names that were there before, as problems of the tables under `path`."""
    for number, name in enumerate(names):
        if name in names[:number]:
            yield (*path, number, "name"), f"{shown(name)} is there already. Choose another name"


def text(longest: int) -> Read:
    """One line of text that is not blank."""

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError(f'{shown(value)} is not text. Write text in quotes, like "Hall 3"')
        if not value.strip():
            raise ValueError(f"it is empty. Write 1 to {longest} characters in quotes")
        if len(value) > longest:
            raise ValueError(f"it has {len(value)} characters. Write at most {longest}")
        if any(unicodedata.category(character) in ONE_LINE for character in value):
            raise ValueError("it has line breaks or control characters. Write it in one line")
        return value

    return read


def whole(least: int, most: int) -> Read:
    """A whole number within these two."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(
                f"{shown(value)} does not fit. Write a whole number from {least} to {most}, without quotes"
            )
        return value

    return read


def number(above: float, most: float) -> Read:
    """A number that is greater than the first and at most the second."""

    def read(value: Any) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not above < value <= most:
            raise ValueError(f"{shown(value)} does not fit. Write a number above {above}, at most {most}, like 1.5")
        return float(value)

    return read


def yes_or_no(value: Any) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{shown(value)} is neither yes nor no. Write true or false, without quotes")
    return value


def choice(known: Sequence[str]) -> Read:
    """One of these words."""

    def read(value: Any) -> str:
        if isinstance(value, str) and value in known:
            return value
        near = f"; nearest is {shown(nearest(value, known))}" if isinstance(value, str) else ""
        raise ValueError(f"{shown(value)} is not known. Write {_either(known)}{near}")

    return read


def words(known: Iterable[str], what: str = "word here") -> Read:
    """A list, which may be empty, of different words of these."""
    known = tuple(known)

    def read(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise ValueError(f'{shown(value)} is not a list. Write square brackets, like ["{known[0]}"]')
        wrong = [
            f"{shown(word)} is no {what}; nearest is {shown(_near(word, known))}" for word in value if word not in known
        ]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}. Write the nearest, or leave it out")
        if len(set(value)) < len(value):
            raise ValueError("a name stands twice in the list. Write each once")
        return tuple(value)

    return read


def texts(count: int) -> Read:
    """A list of so many lines of text."""
    read_one = text(200)

    def read(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or len(value) != count:
            have = f"a list of {len(value)}" if isinstance(value, list) else shown(value)
            raise ValueError(f"{have} does not fit. Write a list of {count} texts, one for each mark from 1")
        return tuple(read_one(one) for one in value)

    return read


def span(longest_days: int, zero: bool = False) -> Read:
    """A length of time."""

    def read(value: Any) -> Span:
        if not isinstance(value, str):
            raise ValueError(f'{shown(value)} has no unit. Write it in quotes, like "2 h" or "90 min"')
        length = Span.read(value)
        if length.days + length.minutes / 1440 > longest_days or not (length.days or length.minutes or zero):
            raise ValueError(f'{shown(value)} is {"no time" if length == Span() else "too long"}. Write it like "2 h"')
        return length

    return read


def moment(value: Any) -> datetime:
    """A day and a time, in minutes, by the clock of the place."""
    right = 'Write the day and the time in quotes, like "2027-03-05 18:00"'
    if isinstance(value, datetime) and value == value.replace(second=0, microsecond=0, tzinfo=None):
        return value  # TOML's own form of it
    if not isinstance(value, str) or not MOMENT.fullmatch(value):
        raise ValueError(f"{shown(value)} is no time by the clock of the place. {right}")
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{shown(value)} is not in the calendar. {right}") from None


def timezone(value: Any) -> str:
    """The name of a time zone, as the IANA has them."""
    known = available_timezones()
    if isinstance(value, str) and value in known:
        return value
    near = nearest(value, known) if isinstance(value, str) else "Europe/Berlin"
    raise ValueError(f'{shown(value)} is no time zone. Write a region and a city; nearest is "{near}"')


def address(value: Any) -> str:
    """An address of this machine in numbers."""
    try:
        return str(ipaddress.ip_address(value)) if isinstance(value, str) else _no_address(value)
    except ValueError:
        return _no_address(value)


def notebooks(value: Any) -> tuple[str, ...]:
    """Names of notebooks of the course."""
    return words((notebook.name for notebook in course().notebooks), "notebook of the course")(value)


def challenges(value: Any) -> tuple[str, ...]:
    """Ids of challenges."""
    return words(registry.IDS, "challenge")(value)


def _no_address(value: Any) -> str:
    raise ValueError(f'{shown(value)} is no address. Write "0.0.0.0" for the room, "127.0.0.1" for this laptop alone')


def _near(word: Any, known: Iterable[str]) -> str:
    return nearest(word if isinstance(word, str) else str(word), known)


def _either(known: Sequence[str]) -> str:
    quoted = [f'"{word}"' for word in known]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"
