"""Text that somebody else chose and that people will read."""

import re

__all__ = ["printable"]


def printable(text: str) -> str:
    """Text that may be shown: no control characters, no right-to-left overrides, bounded."""
    return re.sub(r"[^\x20-\x7e\u00a0-\u024f\u0370-\u04ff]", "?", text[:300])
