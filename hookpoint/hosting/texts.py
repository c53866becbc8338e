"""What people write in more than one line: bounded, and without what would not be drawn."""

import unicodedata

from hookpoint.errors import UsageError

__all__ = ["text_in"]

# They turn the text around them, on the page that shows it among others.
TURNS = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}


def text_in(text: str, longest: int, what: str) -> str:
    """The text as it is kept: lines that end alike, nothing invisible but tabs, at most `longest` characters.

    Raises:
        UsageError: nothing is left of it, or it is too long. It begins with `what`: "The question".
    """
    if len(text) > 4 * longest:
        raise UsageError(f"{what} has {len(text)} characters. Write at most {longest}.")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    kept = "".join(c for c in lines if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs") and c not in TURNS)
    if not kept.strip():
        raise UsageError(f"{what} is empty. Write a line.")
    if len(kept) > longest:
        raise UsageError(f"{what} has {len(kept)} characters. Write at most {longest}.")
    return kept
